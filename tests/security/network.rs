//! R18: with the default network nothing inside reaches the host's loopback or its abstract
//! sockets, and minidock has no abstract sockets itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use minidock_tests::{Call, Leaks, process};

use crate::places::value;
use crate::probe;
use crate::tarball::Tarball;
use crate::world::World;

/// What listens on the host, and whether somebody came.
struct Host {
    tcp: TcpListener,
    udp: UdpSocket,
    port: String,
}

impl Host {
    fn new() -> Self {
        // A port that is free for both.
        for _ in 0..100 {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = tcp.local_addr().unwrap().port();
            if let Ok(udp) = UdpSocket::bind(("127.0.0.1", port)) {
                tcp.set_nonblocking(true).unwrap();
                udp.set_nonblocking(true).unwrap();
                return Self { tcp, udp, port: port.to_string() };
            }
        }
        panic!("no port is free");
    }

    /// Everything that arrived by now.
    fn visits(&self) -> usize {
        std::thread::sleep(Duration::from_millis(200));
        let mut count = 0;
        while self.tcp.accept().is_ok() {
            count += 1;
        }
        let mut bytes = [0; 64];
        loop {
            match self.udp.recv(&mut bytes) {
                Ok(_) => count += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn the_hosts_loopback_is_out_of_reach() {
    let world = World::with_base();
    let host = Host::new();
    let route = "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'";
    let gateway =
        world.run(["run", "--rm", "base", "sh", "-c", route]).succeeds().line().to_owned();
    assert!(gateway.parse::<std::net::Ipv4Addr>().is_ok(), "the gateway is {gateway:?}");
    let addresses = ["127.0.0.1", "127.0.0.2", "0.0.0.0", "10.0.2.2", "169.254.1.1", &gateway];
    let words = ["/probe", "dial", &host.port];
    let dial = [words.as_slice(), &addresses].concat();

    let init = world.run([&["run", "--rm", "base"], dial.as_slice()].concat());
    let exec = world.start("dial", &[], "base").exec(&dial);
    for output in [&init, &exec] {
        let text = &output.succeeds().stdout;
        assert_eq!(text.lines().count(), addresses.len(), "{}", output.told());
    }
    assert_eq!(host.visits(), 0, "{} {}", init.told(), exec.told());
    let line = format!("FROM base\nRUN {dial:?}\n");
    world.build(&world.context("dial", &line), "dial").succeeds();
    assert_eq!(host.visits(), 0, "RUN reached the host");

    // The control: the host's own network is reached when it is asked for.
    let open = ["run", "--rm", "--network", "host", "base", words[0], words[1], words[2]];
    world.run(open.iter().chain(&["127.0.0.1"])).succeeds();
    assert_eq!(host.visits(), 2, "TCP and UDP of the host's network");
}

#[test]
fn frames_to_loopback_addresses_are_not_delivered() {
    let world = World::with_base();
    let host = Host::new();
    let open = UdpSocket::bind("0.0.0.0:0").unwrap();
    open.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let shell = format!(
        "set -- $(ip route | sed -n 's/^default via \\([^ ]*\\) dev \\([^ ]*\\).*/\\1 \\2/p'); \
         ping -c 1 -W 1 $1 >/dev/null 2>&1; \
         from=$(ip -4 addr show dev $2 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p' | head -n 1); \
         mac=$(ip neigh | sed -n \"s/^$1 .*lladdr \\([0-9a-f:]*\\).*/\\1/p\"); \
         for to in ${{mac:-}} ff:ff:ff:ff:ff:ff; do for from in $from 127.0.0.1; do \
         /probe frame $2 $to {} $from 127.0.0.1 127.9.9.9 10.0.2.2 $1; \
         /probe frame $2 $to {} $from {}; done; done",
        host.port,
        open.local_addr().unwrap().port(),
        outward()
    );
    let sent = world.run(["run", "--rm", "base", "sh", "-c", &shell]);
    let count = sent.succeeds().stdout.matches("=sent").count();
    assert!(count >= 16, "{}", sent.told());
    assert_eq!(host.visits(), 0, "{}", sent.told());
    // The control: the same frame to an address of the host's that is no loopback arrives.
    assert!(open.recv(&mut [0; 64]).is_ok(), "no frame arrives at all: {}", sent.told());
}

/// The address that this host talks to others from; nothing is sent.
fn outward() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip().to_string()
}

#[test]
fn the_hosts_abstract_sockets_are_out_of_reach() {
    let world = World::with_base();
    let name = format!("minidock-canary-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    for network in ["private", "none"] {
        let words = ["run", "--rm", "--network", network, "base", "/probe", "abstract", &name];
        let output = world.run(words);
        assert_eq!(value(&output.succeeds().stdout, "abstract"), "ECONNREFUSED");
    }
    let line = format!("FROM base\nRUN {:?}\n", ["/probe", "abstract", &name]);
    world.build(&world.context("abstract", &line), "abstract").succeeds();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // The control: from outside it is reached.
    let outside = Call::new(probe::install(world.dir())).args(["abstract", &name]).run();
    assert_eq!(value(&outside.succeeds().stdout, "abstract"), "connected");
    listener.accept().unwrap();
}

#[test]
fn minidock_has_no_abstract_sockets() {
    let leaks = Leaks::watch();
    let world = World::watched(&leaks);
    world.import(&Tarball::busybox(), "base").succeeds();
    let running = world.start("sockets", &[], "base");
    let ours: BTreeSet<String> =
        process::below(std::process::id()).iter().flat_map(|each| sockets(each.pid)).collect();
    assert!(!ours.is_empty(), "the supervisor has sockets");
    let table = fs::read_to_string("/proc/net/unix").unwrap();
    let named = table.lines().filter(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() == 8 && fields[7].starts_with('@') && ours.contains(fields[6])
    });
    assert_eq!(named.collect::<Vec<_>>(), Vec::<&str>::new());
    drop(running);
    drop(world);
    leaks.none();
}

/// Inode numbers of a process's sockets; none where it may not be looked at.
fn sockets(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links
        .filter_map(|link| {
            let text = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(text.to_owned())
        })
        .collect()
}
