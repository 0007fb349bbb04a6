//! The container's /etc/resolv.conf, made from the host's (resolv.conf(5)).
//!
//! Works on text; must not read or write files.

use std::net::IpAddr;

use super::plan::Plan;

/// Lines for inside: the host's name servers that can be reached from there, in their order, its
/// search list and its options.
///
/// If the first one cannot be reached, as 127.0.0.53 of systemd-resolved, the helper's address
/// stands in for it: helpers pass queries to that one only. Others are left out.
pub(super) fn inside(host: &str, plan: &Plan, forwards_v6: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut seen = 0;
    for line in host.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("nameserver"), Some(server)) => {
                let first = seen == 0;
                seen += 1;
                lines.extend(name_server(server, first, plan, forwards_v6));
            }
            (Some("search" | "domain" | "options"), Some(_)) => lines.push(line.trim().to_owned()),
            _ => {}
        }
    }
    lines
}

fn name_server(server: &str, first: bool, plan: &Plan, forwards_v6: bool) -> Option<String> {
    // An address with a scope, as fe80::1%eth0, means something only on the host.
    let address: Option<IpAddr> = server.parse().ok();
    let usable = address.filter(|address| reachable(*address, plan));
    let stand_in = || match address {
        Some(IpAddr::V4(_)) => Some(IpAddr::V4(plan.name_server())),
        _ if forwards_v6 => Some(IpAddr::V6(plan.name_server_v6())),
        _ => None,
    };
    let address = usable.or_else(|| first.then(stand_in).flatten())?;
    Some(format!("nameserver {address}"))
}

fn reachable(address: IpAddr, plan: &Plan) -> bool {
    if address.is_loopback() || address.is_unspecified() {
        return false;
    }
    match address {
        IpAddr::V4(address) => !address.is_link_local() && address.octets()[0] != 0,
        IpAddr::V6(address) => {
            plan.ipv6 && !address.is_unicast_link_local() && address.to_ipv4_mapped().is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(ipv6: bool) -> Plan {
        let route = "0".repeat(32) + " 00 x x x x x x x eth0";
        Plan::beside("", if ipv6 { &route } else { "" })
    }

    #[test]
    fn servers_that_can_be_reached_stay() {
        let host = "# made by hand\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n\
            search a.example b.example\noptions edns0\n";
        let both = [
            "nameserver 192.0.2.1",
            "nameserver 2001:db8::1",
            "search a.example b.example",
            "options edns0",
        ];
        assert_eq!(inside(host, &plan(true), true), both);
        assert_eq!(inside(host, &plan(false), false), [both[0], both[2], both[3]]);
    }

    #[test]
    fn the_first_on_loopback_is_stood_in_for() {
        let host = "nameserver 127.0.0.53\nnameserver 127.0.0.54\nnameserver 192.0.2.1";
        let expected = ["nameserver 10.0.2.3", "nameserver 192.0.2.1"];
        assert_eq!(inside(host, &plan(false), false), expected);
        let host = "nameserver ::1";
        assert_eq!(inside(host, &plan(true), true), ["nameserver fdc4:6d64:6f63::3"]);
        assert!(inside(host, &plan(false), false).is_empty());
        assert!(inside("nameserver fe80::1%eth0", &plan(false), false).is_empty());
    }

    #[test]
    fn what_is_no_server_is_left_out() {
        for text in ["", "nameserver", "nameserver\t", "nameserver x", "search", "\0\u{1b}[2J"] {
            assert!(inside(text, &plan(false), false).is_empty(), "{text:?}");
        }
    }
}
