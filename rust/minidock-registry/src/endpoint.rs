//! Endpoints: where a registry is reached, by which scheme and with which certificates.

use std::sync::{Arc, PoisonError};

use reqwest::Url;
use reqwest::redirect::Policy;

use crate::certificates::Certificates;
use crate::client::Shared;
use crate::settings::Registry;
use crate::{RegistryError, Result, host, http, tls};

/// Where docker's registry is reached.
const DOCKER_HOST: &str = "registry-1.docker.io";
const USER_AGENT: &str = concat!("minidock/", env!("CARGO_PKG_VERSION"));
const CONNECT_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// One place that answers for a registry.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The registry's name, which log-ins and settings know.
    pub(crate) name: String,
    /// Scheme, host and port, with a slash.
    pub(crate) base: Url,
    pub(crate) http: reqwest::Client,
    pub(crate) settings: Registry,
}

impl Endpoint {
    /// A URL below `/v2/`. The parts are checked by those who make them: repository paths and
    /// tags by the grammar of references, digests by their type.
    pub(crate) fn url(&self, rest: &str) -> Result<Url> {
        self.base
            .join("v2/")
            .and_then(|base| base.join(rest))
            .map_err(|error| RegistryError::Setup { what: "a request", problem: error.to_string() })
    }

    /// Whether a password may be sent: over TLS, within this machine, or where the settings say
    /// that plain HTTP is wanted.
    pub(crate) fn takes_secrets(&self) -> bool {
        self.base.scheme() == "https"
            || self.settings.plain_http
            || host::is_loopback(self.base.host_str().unwrap_or_default())
    }
}

impl Shared {
    /// The endpoint of a registry, or of any other host that we are sent to.
    pub(crate) async fn endpoint(&self, name: &str) -> Result<Arc<Endpoint>> {
        let known = |map: &std::sync::Mutex<std::collections::HashMap<_, Arc<Endpoint>>>| {
            map.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
        };
        if let Some(endpoint) = known(&self.endpoints) {
            return Ok(endpoint);
        }
        let endpoint = Arc::new(self.make(name).await?);
        let mut all = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(name.to_owned()).or_insert(endpoint).clone())
    }

    async fn make(&self, name: &str) -> Result<Endpoint> {
        let settings = self.settings.of(name);
        let certificates = Certificates::find(&self.options.places.certificates, name)?;
        let mut base = host::parse(if name == "docker.io" { DOCKER_HOST } else { name })?;
        let local = host::is_loopback(base.host_str().unwrap_or_default());
        let wants_tls = settings.ca.is_some() || settings.skip_verify || !certificates.is_empty();
        let undecided = local && !wants_tls && !settings.plain_http;
        if settings.plain_http || undecided {
            base = plain(&base)?;
        }
        let http = self.http_client(&base, &settings, &certificates, local)?;
        let mut endpoint = Endpoint { name: name.to_owned(), base, http, settings };
        if undecided && self.speaks_tls(&endpoint).await? {
            endpoint.base = host::parse(name)?;
            endpoint.http =
                self.http_client(&endpoint.base, &endpoint.settings, &certificates, local)?;
        }
        Ok(endpoint)
    }

    fn http_client(
        &self,
        base: &Url,
        settings: &Registry,
        certificates: &Certificates,
        local: bool,
    ) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT);
        if local {
            builder = builder.no_proxy();
        }
        builder = match base.scheme() {
            "https" => builder.tls_backend_preconfigured(tls::config(settings, certificates)?),
            _ => builder.tls_backend_preconfigured(tls::none()?),
        };
        builder.build().map_err(|error| RegistryError::Setup {
            what: "HTTP",
            problem: http::cause(&error).to_string(),
        })
    }

    /// Asks a server on this machine, which may speak either: one with TLS answers a request
    /// without it with 400, or not at all.
    async fn speaks_tls(&self, endpoint: &Endpoint) -> Result<bool> {
        let asked = endpoint.http.get(endpoint.url("")?).send();
        match tokio::time::timeout(self.options.idle, asked).await {
            Ok(Ok(answer)) => Ok(answer.status() == 400),
            Ok(Err(error)) if error.is_connect() => {
                Err(http::failed(&host::shown(&endpoint.base), &error))
            }
            Ok(Err(_)) | Err(_) => Ok(true),
        }
    }
}

fn plain(base: &Url) -> Result<Url> {
    let mut plain = base.clone();
    let port = base.port().unwrap_or(80);
    // A URL of a host takes either scheme.
    let set = plain.set_scheme("http").is_ok() && plain.set_port(Some(port)).is_ok();
    match set {
        true => Ok(plain),
        false => Err(RegistryError::RegistryName { name: host::shown(base) }),
    }
}
