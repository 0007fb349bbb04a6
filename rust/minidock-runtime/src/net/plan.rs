//! Which addresses the inside of a private network gets.
//!
//! The container never has the host's own address: it has to reach the host's services there.
//! Reads the host's routes as text; must not change anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Subnets of 24 bits to choose from; the first is what slirp4netns takes by itself.
const SUBNETS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(10, 0, 2, 0),
    Ipv4Addr::new(10, 243, 77, 0),
    Ipv4Addr::new(172, 31, 213, 0),
    Ipv4Addr::new(192, 168, 213, 0),
];
/// A unique local prefix (RFC 4193) of 64 bits with an arbitrary global id.
const PREFIX: [u16; 4] = [0xfdc4, 0x6d64, 0x6f63, 0];

/// Addresses in a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    subnet: Ipv4Addr,
    /// Whether there is IPv4.
    pub(super) ipv4: bool,
    /// Whether there is IPv6.
    pub(super) ipv6: bool,
    /// Whether the host itself reaches nothing.
    pub(super) offline: bool,
}

impl Plan {
    /// A plan beside the networks that the host reaches, from its `/proc/net/route` and
    /// `/proc/net/ipv6_route`.
    pub(super) fn beside(route: &str, ipv6_route: &str) -> Self {
        let taken: Vec<(u32, u32)> = route.lines().skip(1).filter_map(network).collect();
        let free = |subnet: &&Ipv4Addr| {
            taken.iter().all(|(network, mask)| {
                let common = mask & u32::from(Ipv4Addr::new(255, 255, 255, 0));
                u32::from(**subnet) & common != network & common
            })
        };
        let subnet = SUBNETS.iter().find(free).unwrap_or(&SUBNETS[0]);
        let ipv6 = has_default_ipv6(ipv6_route);
        let offline = !ipv6 && !has_default_ipv4(route);
        // Without any route to the outside IPv4 is still wanted for published ports.
        Self { subnet: *subnet, ipv4: offline || has_default_ipv4(route), ipv6, offline }
    }

    fn v4(&self, host: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.subnet.octets();
        Ipv4Addr::new(a, b, c, host)
    }

    fn v6(host: u16) -> Ipv6Addr {
        let [a, b, c, d] = PREFIX;
        Ipv6Addr::new(a, b, c, d, 0, 0, 0, host)
    }

    /// The subnet, as `address/bits`.
    pub(super) fn cidr(&self) -> String {
        format!("{}/24", self.subnet)
    }

    /// The gateway; slirp4netns has it at 2.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        self.v4(2)
    }

    /// Where the helper answers for the host's name server; slirp4netns has it at 3.
    pub(super) fn name_server(&self) -> Ipv4Addr {
        self.v4(3)
    }

    /// The container's own; slirp4netns has it at 100.
    pub(super) fn own(&self) -> Ipv4Addr {
        self.v4(100)
    }

    pub(super) fn gateway_v6(&self) -> Ipv6Addr {
        Self::v6(2)
    }

    pub(super) fn name_server_v6(&self) -> Ipv6Addr {
        Self::v6(3)
    }

    pub(super) fn own_v6(&self) -> Ipv6Addr {
        Self::v6(0x100)
    }

    /// The same for a helper without IPv6.
    pub(super) fn without_ipv6(self) -> Self {
        Self { ipv4: true, ipv6: false, ..self }
    }

    /// The container's addresses.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let v6 = self.ipv6.then(|| IpAddr::V6(self.own_v6()));
        let v4 = self.ipv4.then(|| IpAddr::V4(self.own()));
        v4.into_iter().chain(v6).collect()
    }
}

/// Network and mask of a line of `/proc/net/route` that is no default route.
fn network(line: &str) -> Option<(u32, u32)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let word = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok().map(u32::from_be);
    let (network, mask) = (word(1)?, word(7)?);
    (mask != 0).then_some((network, mask))
}

/// Whether `/proc/net/ipv6_route` has a default route over an interface.
pub(super) fn has_default_ipv6(table: &str) -> bool {
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let to_all = fields.get(1) == Some(&"00") && fields.first().is_some_and(|d| zero(d));
        to_all && fields.last().is_some_and(|interface| *interface != "lo")
    })
}

/// Whether `/proc/net/route` has a default route.
pub(super) fn has_default_ipv4(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        [1, 7].iter().all(|at| fields.get(*at).is_some_and(|field| zero(field)))
    })
}

fn zero(hexadecimal: &str) -> bool {
    hexadecimal.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n";
    const DEFAULT: &str = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";

    #[test]
    fn a_subnet_of_the_host_is_avoided() {
        let plan = |lines: &str| Plan::beside(&format!("{HEAD}{lines}"), "").own().to_string();
        assert_eq!(plan(DEFAULT), "10.0.2.100");
        let small = "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(plan(small), "10.243.77.100");
        let part = "eth0\t8002000A\t00000000\t0001\t0\t0\t0\t80FFFFFF\t0\t0\t0\n";
        assert_eq!(plan(part), "10.243.77.100");
        let all_of_10 = "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n";
        assert_eq!(plan(all_of_10), "172.31.213.100");
    }

    #[test]
    fn damaged_tables_are_survived() {
        for text in ["", "x", "\n\n", "a b c\nd e f g h i j k"] {
            assert_eq!(
                Plan::beside(text, text),
                Plan { subnet: SUBNETS[0], ipv4: true, ipv6: false, offline: true }
            );
            assert!(!has_default_ipv4(text) && !has_default_ipv6(text));
        }
    }

    #[test]
    fn default_routes_are_found() {
        assert!(has_default_ipv4(&format!("{HEAD}{DEFAULT}")));
        assert!(!has_default_ipv4(HEAD));
        let zeros = "0".repeat(32);
        let line = |interface: &str| {
            format!("{zeros} 00 {zeros} 00 {zeros} 00000400 00000001 00000000 00000003 {interface}")
        };
        assert!(has_default_ipv6(&line("eth0")));
        assert!(!has_default_ipv6(&line("lo")));
    }
}
