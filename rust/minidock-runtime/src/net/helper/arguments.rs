//! The command lines of pasta and slirp4netns.
//!
//! Every option that opens something by default is closed by name. Must not start anything.

use std::net::IpAddr;

use minidock_proto::request::HelperKind;
use rustix::process::Pid;

use super::super::inside::INTERFACE;
use super::super::plan::Plan;

/// Largest packet of both: 64 KiB less what their headers take (pasta's default).
const MTU: &str = "65520";

/// The gateway's, locally administered; by default pasta shows the host's own.
const GATEWAY_MAC: &str = "02:6d:64:6b:00:02";

/// The arguments after the program's name; `namespaces` is a process that is in the namespaces,
/// `resolv` the lines of /etc/resolv.conf inside.
pub(super) fn of(kind: HelperKind, plan: &Plan, namespaces: Pid, resolv: &[String]) -> Vec<String> {
    let path = |kind: &str| format!("/proc/{}/ns/{kind}", namespaces.as_raw_nonzero());
    match kind {
        HelperKind::Pasta => pasta(plan, &path("user"), &path("net"), resolv),
        HelperKind::Slirp4netns => slirp4netns(plan, &path("user"), &path("net")),
    }
}

/// Options of pasta as of 2023-03-09 (passt(1)); later versions know them all.
fn pasta(plan: &Plan, user: &str, net: &str, resolv: &[String]) -> Vec<String> {
    let mut arguments = words(&["--foreground", "--quiet", "--config-net", "--no-map-gw"]);
    // No port of the host inside, and none of inside on the host: the forwarder publishes.
    for option in ["--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"] {
        arguments.extend(words(&[option, "none"]));
    }
    // The addresses are set by --config-net; nothing needs to be asked for.
    arguments.extend(words(&["--no-dhcp", "--no-dhcpv6", "--no-ra"]));
    arguments.extend(words(&["--mtu", MTU, "--ns-ifname", INTERFACE, "--mac-addr", GATEWAY_MAC]));
    if plan.offline {
        // It takes after an interface with a default route and gives up where there is none.
        arguments.extend(words(&["--interface", "lo"]));
    }
    let mut family = |own: IpAddr, gateway: IpAddr, name_server: IpAddr| {
        for (option, value) in [("--address", own), ("--gateway", gateway)] {
            arguments.extend([option.to_owned(), value.to_string()]);
        }
        // Only where it stands in: it would show every answer of the host's first name server
        // as its own, also to those who asked that server itself.
        if resolv.contains(&format!("nameserver {name_server}")) {
            arguments.extend(["--dns-forward".to_owned(), name_server.to_string()]);
        }
    };
    if plan.ipv4 {
        family(plan.own().into(), plan.gateway().into(), plan.name_server().into());
    }
    if plan.ipv6 {
        family(plan.own_v6().into(), plan.gateway_v6().into(), plan.name_server_v6().into());
    }
    match (plan.ipv4, plan.ipv6) {
        (true, false) => arguments.extend(words(&["--netmask", "24", "--ipv4-only"])),
        (false, true) => arguments.extend(words(&["--ipv6-only"])),
        _ => arguments.extend(words(&["--netmask", "24"])),
    }
    // The process behind the path ends once the network is up; the namespace lives on.
    arguments.extend(words(&["--no-netns-quit", "--userns", user, "--netns", net]));
    arguments
}

/// Options of slirp4netns 1.2 (slirp4netns(1)). Its IPv6 stays off: it is experimental there and
/// has one fixed prefix, `fd00::/64`. So does `--enable-sandbox`: started from the host's side as
/// a user it ends with "setegid(0)".
fn slirp4netns(plan: &Plan, user: &str, net: &str) -> Vec<String> {
    let cidr = format!("--cidr={}", plan.cidr());
    let mtu = format!("--mtu={MTU}");
    let user = format!("--userns-path={user}");
    words(&[
        "--configure",
        &mtu,
        &cidr,
        "--disable-host-loopback",
        "--enable-seccomp",
        &user,
        "--netns-type=path",
        net,
        INTERFACE,
    ])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "head\neth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n";

    fn line(kind: HelperKind, route: &str, ipv6: bool) -> String {
        let v6 = format!("{} 00 x x x x x x x eth0", "0".repeat(32));
        let plan = Plan::beside(route, if ipv6 { &v6 } else { "" });
        of(kind, &plan, Pid::from_raw(42).unwrap(), &[]).join(" ") + " "
    }

    #[test]
    fn what_helpers_open_by_default_is_closed() {
        for (route, ipv6) in [(DEFAULT, false), (DEFAULT, true), ("", false), ("", true)] {
            let pasta = line(HelperKind::Pasta, route, ipv6);
            for option in [
                "--no-map-gw ",
                "--tcp-ports none ",
                "--udp-ports none ",
                "--tcp-ns none ",
                "--udp-ns none ",
            ] {
                assert!(pasta.contains(option), "{option} in {pasta}");
            }
            let slirp = line(HelperKind::Slirp4netns, route, ipv6);
            assert!(slirp.contains("--disable-host-loopback "), "{slirp}");
            for words in [pasta, slirp] {
                assert!(words.contains("/proc/42/ns/user "), "{words}");
                assert!(words.contains("/proc/42/ns/net "), "{words}");
            }
        }
    }

    #[test]
    fn families_follow_the_host() {
        let has = |route: &str, ipv6: bool, option: &str| {
            line(HelperKind::Pasta, route, ipv6).contains(option)
        };
        assert!(has(DEFAULT, false, "--ipv4-only ") && !has(DEFAULT, false, "--address fd"));
        assert!(has("", true, "--ipv6-only ") && !has("", true, "--address 10."));
        assert!(has(DEFAULT, true, "--address fd") && has(DEFAULT, true, "--address 10."));
        assert!(!has(DEFAULT, true, "-only ") && !has(DEFAULT, true, "--interface "));
        assert!(has("", false, "--interface lo ") && has("", false, "--ipv4-only "));
    }
}
