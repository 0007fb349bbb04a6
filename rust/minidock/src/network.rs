//! The host's side of a container's network, as far as the engine decides it: which helper, and
//! the listening sockets of published ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;

use minidock_proto::request::{Helper, HelperKind, Protocol};

use crate::container::PublishedPort;
use crate::error::{Error, ErrorKind, Result};

/// Where helpers are looked for; never in `$PATH`.
const DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// The helper for private networks: pasta, else slirp4netns.
pub(crate) fn helper() -> Result<Helper> {
    for (kind, name) in [(HelperKind::Pasta, "pasta"), (HelperKind::Slirp4netns, "slirp4netns")] {
        let found = DIRECTORIES
            .iter()
            .map(|directory| Path::new(directory).join(name))
            .find(|p| p.exists());
        if let Some(program) = found {
            return Ok(Helper { kind, program: program.into() });
        }
    }
    Err(Error::new(
        ErrorKind::HostUnsupported,
        "there is no network helper: neither pasta nor slirp4netns is installed",
    )
    .with_hint("install the package passt, or use `--network none` or `--network host`"))
}

/// A port of the host that is taken for a container.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) socket: OwnedFd,
    pub(crate) host: u16,
    pub(crate) port: PublishedPort,
}

/// Takes all ports before anything starts, so that a taken one is named at once.
pub(crate) fn bind(ports: &[PublishedPort]) -> Result<Vec<Bound>> {
    ports.iter().map(|port| bind_one(*port)).collect()
}

fn bind_one(port: PublishedPort) -> Result<Bound> {
    let address =
        SocketAddr::new(port.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port.host);
    let failed = |error: std::io::Error| {
        let protocol = match port.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let what = format!("cannot publish port {address}/{protocol} of the host");
        let error_kind = error.kind();
        let error = Error::io(what, error);
        match error_kind {
            std::io::ErrorKind::AddrInUse => {
                error.with_hint("another program or container listens there; choose another port")
            }
            std::io::ErrorKind::PermissionDenied => error.with_hint(
                "ports below net.ipv4.ip_unprivileged_port_start (1024) need root; publish a higher one",
            ),
            _ => error,
        }
    };
    let (socket, local): (OwnedFd, SocketAddr) = match port.protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind(address).map_err(failed)?;
            let local = listener.local_addr().map_err(failed)?;
            (listener.into(), local)
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(address).map_err(failed)?;
            let local = socket.local_addr().map_err(failed)?;
            (socket.into(), local)
        }
    };
    Ok(Bound { socket, host: local.port(), port })
}
