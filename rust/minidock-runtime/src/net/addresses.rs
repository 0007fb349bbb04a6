//! The addresses of the network namespace that this process is in.
//!
//! Reads `/proc/self/net`; must not change anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::failure::{Context, Result};

/// A table of `/proc/self/net`; empty where the kernel lacks that protocol.
pub(super) fn table(name: &str) -> Result<String> {
    let path = format!("/proc/self/net/{name}");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.context(|| format!("read {path}")),
    }
}

/// Own addresses other than loopback and link-local ones, IPv4 first.
pub(crate) fn own() -> Result<Vec<IpAddr>> {
    let v4 = own_v4(&table("fib_trie")?);
    let v6 = own_v6(&table("if_inet6")?);
    Ok(v4.into_iter().map(IpAddr::V4).chain(v6.into_iter().map(IpAddr::V6)).collect())
}

/// Leaves of `/proc/net/fib_trie` that are local with 32 bits; the table lists them twice.
fn own_v4(fib_trie: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in fib_trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim_end().parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(leaf.filter(|a| !a.is_loopback() && !found.contains(a)));
        }
    }
    found
}

fn own_v6(if_inet6: &str) -> Vec<Ipv6Addr> {
    let address = |line: &str| {
        let digits = line.split_whitespace().next()?;
        u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
    };
    if_inet6
        .lines()
        .filter_map(address)
        .filter(|address| !address.is_loopback() && !address.is_unicast_link_local())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_leaves_are_found_once() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
            \x20          |-- 127.0.0.1\n              /32 host LOCAL\n\
            \x20       |-- 10.0.2.0\n           /24 link UNICAST\n\
            \x20       |-- 10.0.2.100\n           /32 host LOCAL\n\
            \x20       |-- 10.0.2.255\n           /32 link BROADCAST\n";
        let twice = format!("{table}Local:\n{}", &table[6..]);
        assert_eq!(own_v4(&twice), [Ipv4Addr::new(10, 0, 2, 100)]);
        assert!(own_v4("|-- x\n/32 host LOCAL\n").is_empty());
    }

    #[test]
    fn global_addresses_of_ipv6_are_found() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
            fdc46d646f6300000000000000000100 02 40 00 82     eth0\n\
            fe80000000000000e42fc2fffe9d344b 02 40 20 80     eth0\nbroken\n";
        assert_eq!(own_v6(table), ["fdc4:6d64:6f63::100".parse::<Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn this_namespace_can_be_read() {
        let all = own().unwrap();
        assert!(all.iter().all(|address| !address.is_loopback()), "{all:?}");
    }
}
