//! Hosts: which of them are this machine or its neighbourhood, and which belong together.

use std::net::IpAddr;

use reqwest::Url;

use crate::{RegistryError, Result};

/// The host and the port of a registry as references write it: `localhost:5000`, `[::1]:5000`.
pub(crate) fn parse(name: &str) -> Result<Url> {
    let bad = || RegistryError::RegistryName { name: name.to_owned() };
    let odd = |c: char| !(c.is_ascii_alphanumeric() || ".-_:[]".contains(c));
    if name.is_empty() || name.contains(odd) {
        return Err(bad());
    }
    let url = Url::parse(&format!("https://{name}/")).map_err(|_| bad())?;
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err(bad()),
    }
}

/// The address, if the host is one.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether the host is this machine: its traffic cannot be read on the way.
pub(crate) fn is_loopback(host: &str) -> bool {
    match address(host) {
        Some(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
        Some(IpAddr::V4(v4)) => v4.is_loopback(),
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether the host is an address that only neighbours have (RFC 1918, 3927, 4193, 6598), or
/// this machine: a stranger has no business to send us there.
pub(crate) fn is_private(host: &str) -> bool {
    if is_loopback(host) {
        return true;
    }
    match address(host) {
        Some(IpAddr::V4(v4)) => is_private_v4(v4),
        Some(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private_v4(v4),
            None => v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
        },
        None => false,
    }
}

fn is_private_v4(v4: std::net::Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_private()
        || v4.is_link_local()
        || v4.is_unspecified()
        || v4.is_broadcast()
        || (a == 100 && (64..128).contains(&b))
}

/// Whether `other` is the same host as `own`, below it, or above it: `gitlab.com` is above
/// `registry.gitlab.com`. Two hosts below one parent are strangers.
pub(crate) fn is_related(own: &str, other: &str) -> bool {
    let below = |deep: &str, high: &str| {
        high.contains('.') && deep.strip_suffix(high).is_some_and(|rest| rest.ends_with('.'))
    };
    own == other || (address(own).is_none() && (below(other, own) || below(own, other)))
}

/// Whether two URLs have the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Host and port of a URL for people: nothing that could be a secret.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods() {
        for (host, loopback, private) in [
            ("localhost", true, true),
            ("a.localhost", true, true),
            ("127.0.0.1", true, true),
            ("127.9.9.9", true, true),
            ("[::1]", true, true),
            ("[::ffff:127.0.0.1]", true, true),
            ("10.0.0.1", false, true),
            ("192.168.3.4", false, true),
            ("172.16.0.1", false, true),
            ("169.254.169.254", false, true),
            ("100.64.0.1", false, true),
            ("0.0.0.0", false, true),
            ("[fd00::1]", false, true),
            ("[fe80::1]", false, true),
            ("[::ffff:10.0.0.1]", false, true),
            ("8.8.8.8", false, false),
            ("[2606:4700::1]", false, false),
            ("example.org", false, false),
            ("localhost.example.org", false, false),
        ] {
            assert_eq!((is_loopback(host), is_private(host)), (loopback, private), "{host}");
        }
    }

    #[test]
    fn relations() {
        for (own, other, related) in [
            ("ghcr.io", "ghcr.io", true),
            ("registry.gitlab.com", "gitlab.com", true),
            ("quay.example.org", "auth.quay.example.org", true),
            ("docker.io.attacker.org", "docker.io", false),
            ("registry.co.uk", "evil.co.uk", false),
            ("example.org", "evilexample.org", false),
            ("example.org", "org", false),
            ("10.0.0.1", "0.0.1", false),
        ] {
            assert_eq!(is_related(own, other), related, "{own} {other}");
        }
    }

    #[test]
    fn names() {
        for good in ["docker.io", "localhost:5000", "[::1]:5000", "10.0.0.1", "a_b.example.org"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a@b", "http://x", "x:port", "a b", "a\r\nb", "[::1", ":5000"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
