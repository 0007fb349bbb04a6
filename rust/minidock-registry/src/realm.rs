//! Realms: whether the place that a registry names for log-ins may be asked, and whether it may
//! see a password. A registry must not be able to send our secrets, or us, anywhere.

use reqwest::Url;

use crate::endpoint::Endpoint;
use crate::error::said;
use crate::{RegistryError, Result, host};

/// Token hosts of well-known registries that are not their own host nor above or below it.
const KNOWN: &[(&str, &str)] = &[
    ("docker.io", "auth.docker.io"),
    ("docker.elastic.co", "docker-auth.elastic.co"),
    ("registry.digitalocean.com", "api.digitalocean.com"),
];

/// Longest realm that is taken.
const MAX_LEN: usize = 2048;

/// A realm that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Realm {
    pub(crate) url: Url,
    /// It belongs to the registry: it may see the log-in.
    pub(crate) is_trusted: bool,
}

/// Judges a realm.
pub(crate) fn judge(endpoint: &Endpoint, realm: &str) -> Result<Realm> {
    let refused = |shown: &str, reason| RegistryError::Realm {
        registry: endpoint.name.clone(),
        realm: said(shown),
        reason,
    };
    let url = match Url::parse(realm) {
        Ok(url) if realm.len() <= MAX_LEN && !realm.contains(char::is_control) => url,
        _ => return Err(refused(realm, "it is no address")),
    };
    let registry = endpoint.base.host_str().unwrap_or_default();
    let Some(host) = url.host_str() else {
        return Err(refused(realm, "it names no host"));
    };
    let shown = host::shown(&url);
    match (url.scheme(), endpoint.base.scheme()) {
        ("https", _) | ("http", "http") => {}
        ("http", _) => return Err(refused(&shown, "it is plain HTTP")),
        _ => return Err(refused(realm, "it is neither HTTPS nor HTTP")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(&shown, "it holds a password"));
    }
    let named = endpoint.settings.token_hosts.iter().any(|named| *named == shown || named == host);
    let known = KNOWN.contains(&(endpoint.name.as_str(), host));
    if host::is_private(host) && !named && !host::is_private(registry) {
        return Err(refused(&shown, "it is an address of a private network"));
    }
    // Plain HTTP is for the registry that was declared so, not for others.
    let same_wire = url.scheme() == "https" || host::is_related(registry, host) || named;
    if !same_wire && !host::is_loopback(host) {
        return Err(refused(&shown, "it is plain HTTP"));
    }
    let both_here = host::is_loopback(registry) && host::is_loopback(host);
    let is_trusted = named || known || both_here || host::is_related(registry, host);
    Ok(Realm { url, is_trusted })
}

/// The refusal to show a log-in to a realm.
pub(crate) fn distrusted(endpoint: &Endpoint, realm: &Realm) -> RegistryError {
    RegistryError::Realm {
        registry: endpoint.name.clone(),
        realm: host::shown(&realm.url),
        reason: "it is not known to belong to the registry, so the password is not sent there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Registry;

    fn endpoint(name: &str, base: &str, token_hosts: &[&str]) -> Endpoint {
        let token_hosts = token_hosts.iter().map(|host| (*host).to_owned()).collect();
        Endpoint {
            name: name.into(),
            base: Url::parse(base).unwrap(),
            http: reqwest::Client::builder()
                .tls_backend_preconfigured(crate::tls::none().unwrap())
                .build()
                .unwrap(),
            settings: Registry { token_hosts, ..Registry::default() },
        }
    }

    /// Row G3.
    #[test]
    fn realms() {
        let docker = endpoint("docker.io", "https://registry-1.docker.io/", &[]);
        let own = endpoint("r.example.org", "https://r.example.org/", &["login.example.com"]);
        let lan = endpoint("10.0.0.5:5000", "https://10.0.0.5:5000/", &[]);
        let here = endpoint("localhost:5000", "http://localhost:5000/", &[]);
        let plain = endpoint("r.lan:5000", "http://r.lan:5000/", &[]);
        let long = format!("https://r.example.org/{}", "a".repeat(10_000));
        let (trusted, asked, refused) = (Some(true), Some(false), None);
        for (endpoint, realm, expected) in [
            (&docker, "https://auth.docker.io/token", trusted),
            (&docker, "https://auth.docker.io.attacker.org/token", asked),
            (&docker, "https://attacker.org/token", asked),
            (&docker, "http://auth.docker.io/token", refused),
            (&docker, "https://169.254.169.254/latest", refused),
            (&docker, "https://10.0.0.1/", refused),
            (&docker, "https://127.0.0.1/", refused),
            (&docker, "https://localhost/", refused),
            (&docker, "https://[::1]/", refused),
            (&docker, "https://[::ffff:10.0.0.1]/", refused),
            (&docker, "file:///etc/passwd", refused),
            (&docker, "ftp://auth.docker.io/", refused),
            (&docker, "https://user:pw@auth.docker.io/", refused),
            (&docker, "https://auth.docker.io/\r\nX: y", refused),
            (&docker, "auth.docker.io", refused),
            (&docker, "", refused),
            (&own, "https://r.example.org/token", trusted),
            (&own, "https://r.example.org:8443/token", trusted),
            (&own, "https://auth.r.example.org/token", trusted),
            (&own, "https://example.org/token", trusted),
            (&own, "https://login.example.com/token", trusted),
            (&own, "https://s.example.org/token", asked),
            (&own, long.as_str(), refused),
            (&lan, "https://10.0.0.5/token", trusted),
            (&lan, "https://10.0.0.6/token", asked),
            (&here, "http://localhost:5001/token", trusted),
            (&here, "http://127.0.0.1:5001/token", trusted),
            (&here, "http://example.org/token", refused),
            (&plain, "http://r.lan:5001/token", trusted),
            (&plain, "http://other.lan/token", refused),
            (&plain, "http://169.254.169.254/", refused),
        ] {
            let found = judge(endpoint, realm).ok().map(|realm| realm.is_trusted);
            assert_eq!(found, expected, "{} {realm}", endpoint.name);
        }
    }
}
