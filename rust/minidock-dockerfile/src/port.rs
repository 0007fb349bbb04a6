//! A port of EXPOSE: `80`, `80/udp`, `8000-8010/tcp`. Owns its grammar.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Transport of an exposed port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// `tcp`, the default.
    Tcp,
    /// `udp`.
    Udp,
    /// `sctp`.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        })
    }
}

/// One or more neighbouring ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// First port.
    pub first: u16,
    /// Last port, included.
    pub last: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// Why a text is not a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PortError {
    /// Not a number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Number,
    /// The range runs backwards.
    #[error("the range ends before it begins")]
    Reversed,
    /// Neither tcp, udp nor sctp.
    #[error("the protocol is none of tcp, udp and sctp")]
    Protocol,
    /// A host port or address, which belongs to `run -p`.
    #[error("an image cannot choose the host's port")]
    HostPort,
}

impl FromStr for PortRange {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        if text.contains(':') {
            return Err(PortError::HostPort);
        }
        let (ports, protocol) = match text.split_once('/') {
            Some((ports, name)) => (ports, protocol(name)?),
            None => (text, Protocol::Tcp),
        };
        let (first, last) = match ports.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(ports)?, port(ports)?),
        };
        if last < first {
            return Err(PortError::Reversed);
        }
        Ok(PortRange { first, last, protocol })
    }
}

fn protocol(name: &str) -> Result<Protocol, PortError> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(PortError::Protocol),
    }
}

fn port(text: &str) -> Result<u16, PortError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse::<u16>().ok().filter(|port| digits && *port > 0);
    number.ok_or(PortError::Number)
}

impl PortRange {
    /// Each port as the image config names it (`80/tcp`).
    pub fn names(self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(move |port| format!("{port}/{}", self.protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        let range = |first, last, protocol| Ok(PortRange { first, last, protocol });
        for (text, want) in [
            ("80", range(80, 80, Protocol::Tcp)),
            ("53/udp", range(53, 53, Protocol::Udp)),
            ("53/UDP", range(53, 53, Protocol::Udp)),
            ("8000-8010/tcp", range(8000, 8010, Protocol::Tcp)),
            ("9/sctp", range(9, 9, Protocol::Sctp)),
            ("0", Err(PortError::Number)),
            ("65536", Err(PortError::Number)),
            ("+80", Err(PortError::Number)),
            ("", Err(PortError::Number)),
            ("80-", Err(PortError::Number)),
            ("90-80", Err(PortError::Reversed)),
            ("80/icmp", Err(PortError::Protocol)),
            ("80/", Err(PortError::Protocol)),
            ("8080:80", Err(PortError::HostPort)),
        ] {
            assert_eq!(text.parse(), want, "{text}");
        }
        let range: PortRange = "1-3/udp".parse().unwrap();
        assert_eq!(range.names().collect::<Vec<_>>(), ["1/udp", "2/udp", "3/udp"]);
    }
}
