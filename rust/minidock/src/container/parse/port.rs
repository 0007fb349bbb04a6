//! Published ports of `-p` and exposed ones of `--expose`.

use std::net::IpAddr;

use minidock_proto::request::Protocol;

use super::super::options::PublishedPort;
use super::wrong;
use crate::error::{Error, Result};

const HINT: &str = "write [[ADDRESS:]HOST_PORT:]PORT[/tcp|udp], as 8080:80 or 127.0.0.1:53:53/udp";

/// `[[address:][host port]:]port[/protocol]`. Ports may be ranges of one length; without a host
/// port any free one is taken, written 0.
pub fn ports(text: &str) -> Result<Vec<PublishedPort>> {
    let bad = |what: &str| wrong("--publish", text.as_bytes(), what).with_hint(HINT);
    let (body, protocol) = split_protocol(text, &bad)?;
    let (address, host, container) = split_body(body, &bad)?;
    let address = address.map(|a| parse_address(a, &bad)).transpose()?;
    let container = range(container).ok_or_else(|| bad("the container's port is not a port"))?;
    let host = match host {
        None | Some("") => None,
        Some(host) => Some(range(host).ok_or_else(|| bad("the host's port is not a port"))?),
    };
    if host.is_some_and(|host| host.1 - host.0 != container.1 - container.0) {
        return Err(bad("the two ranges differ in length"));
    }
    Ok((container.0..=container.1)
        .map(|port| PublishedPort {
            address,
            host: host.map_or(0, |host| host.0 + (port - container.0)),
            container: port,
            protocol,
        })
        .collect())
}

/// `port[-port][/protocol]`, as many entries as ports: `80/tcp` each.
pub fn exposed(text: &str) -> Result<Vec<String>> {
    let bad = |what: &str| {
        wrong("--expose", text.as_bytes(), what)
            .with_hint("write PORT[/tcp|udp], as 80 or 5000-5010/udp")
    };
    let (body, protocol) = split_protocol(text, &bad)?;
    let word = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    let (first, last) = range(body).ok_or_else(|| bad("it is not a port"))?;
    Ok((first..=last).map(|port| format!("{port}/{word}")).collect())
}

fn split_protocol<'a>(text: &'a str, bad: &dyn Fn(&str) -> Error) -> Result<(&'a str, Protocol)> {
    let (body, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Ok((body, Protocol::Tcp)),
        "udp" => Ok((body, Protocol::Udp)),
        "sctp" => Err(bad("sctp cannot be published")),
        _ => Err(bad("the protocol is neither tcp nor udp")),
    }
}

type Body<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

/// Address, host port, container port.
fn split_body<'a>(body: &'a str, bad: &dyn Fn(&str) -> Error) -> Result<Body<'a>> {
    if let Some(rest) = body.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| bad("] is missing"))?;
        let rest =
            rest.strip_prefix(':').ok_or_else(|| bad("there is no port after the address"))?;
        let (host, container) = rest.split_once(':').unwrap_or(("", rest));
        return Ok((Some(address), Some(host), container));
    }
    match body.split(':').collect::<Vec<_>>()[..] {
        [container] => Ok((None, None, container)),
        [host, container] => Ok((None, Some(host), container)),
        [address, host, container] => Ok((Some(address), Some(host), container)),
        _ => Err(bad("an IPv6 address has to stand in brackets")),
    }
}

fn parse_address(text: &str, bad: &dyn Fn(&str) -> Error) -> Result<IpAddr> {
    text.parse().map_err(|_| bad(&format!("{text:?} is not an address of the host")))
}

/// `80` or `80-90`; 0 is no port.
fn range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (port(first)?, port(last)?),
        None => (port(text)?, port(text)?),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(address: Option<&str>, host: u16, container: u16, protocol: Protocol) -> PublishedPort {
        let address = address.map(|a| a.parse().unwrap());
        PublishedPort { address, host, container, protocol }
    }

    #[test]
    fn published() {
        use Protocol::{Tcp, Udp};
        for (text, expected) in [
            ("80", one(None, 0, 80, Tcp)),
            ("8080:80", one(None, 8080, 80, Tcp)),
            (":80", one(None, 0, 80, Tcp)),
            ("53:53/udp", one(None, 53, 53, Udp)),
            ("53:53/UDP", one(None, 53, 53, Udp)),
            ("127.0.0.1:8080:80", one(Some("127.0.0.1"), 8080, 80, Tcp)),
            ("127.0.0.1::80", one(Some("127.0.0.1"), 0, 80, Tcp)),
            ("[::1]:8080:80/tcp", one(Some("::1"), 8080, 80, Tcp)),
            ("[::1]::80", one(Some("::1"), 0, 80, Tcp)),
            ("[::1]:80", one(Some("::1"), 0, 80, Tcp)),
        ] {
            assert_eq!(ports(text).unwrap(), [expected], "{text}");
        }
        let range = ports("8000-8002:80-82/udp").unwrap();
        assert_eq!(range, [8000, 8001, 8002].map(|p| one(None, p, p - 7920, Udp)));
        for text in [
            "",
            ":",
            "a",
            "0",
            "80:0",
            "65536",
            "80:80:80:80",
            "::1:80:80",
            "x:80:80",
            "80/sctp",
            "80/",
            "80-70",
            "8000-8001:80",
            "[::1",
            "[::1]",
            "+80",
            "1.2.3:1:1",
            "80:80/tcp/udp",
        ] {
            assert!(ports(text).unwrap_err().hint().is_some(), "{text}");
        }
    }

    #[test]
    fn exposed_ports() {
        assert_eq!(exposed("80").unwrap(), ["80/tcp"]);
        assert_eq!(exposed("5-6/udp").unwrap(), ["5/udp", "6/udp"]);
        assert!(exposed("").is_err() && exposed("80:80").is_err());
    }
}
