//! TLS by rustls: the host's authorities, further ones, and nothing older than TLS 1.2.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::certificates::Certificates;
use crate::settings::{self, Registry};
use crate::{RegistryError, Result};

/// The TLS settings for one registry.
pub(crate) fn config(registry: &Registry, certificates: &Certificates) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?;
    let builder = match registry.skip_verify {
        true => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(NoVerification(provider)))
        }
        false => builder.with_root_certificates(roots(registry, certificates)?),
    };
    match &certificates.own {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let chain = pem(certificate)?;
            let text = settings::text_of(key)?.unwrap_or_default();
            let private = PrivateKeyDer::from_pem_slice(text.as_bytes())
                .map_err(|_| bad(key, "it holds no private key in PEM"))?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|error| bad(certificate, &error.to_string()))
        }
    }
}

fn roots(registry: &Registry, certificates: &Certificates) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    for path in certificates.authorities.iter().chain(&registry.ca) {
        for certificate in pem(path)? {
            roots.add(certificate).map_err(|error| bad(path, &error.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(setup(
            "this host has no certificate authorities (Debian's package ca-certificates)".into(),
        ));
    }
    Ok(roots)
}

fn pem(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = settings::text_of(path)?.ok_or_else(|| bad(path, "there is no such file"))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| bad(path, "it is no PEM"))?;
    match found.is_empty() {
        true => Err(bad(path, "it holds no certificate in PEM")),
        false => Ok(found),
    }
}

fn bad(path: &Path, problem: &str) -> RegistryError {
    RegistryError::Settings { path: path.to_owned(), problem: problem.to_owned() }
}

fn setup(problem: String) -> RegistryError {
    RegistryError::Setup { what: "TLS", problem }
}

/// Takes any certificate: only where the settings say so.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS settings for plain HTTP, which make every handshake fail: nothing on such a connection
/// may turn into one that was not set up for it.
pub(crate) fn none() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
