//! The container's way out and its published ports, as the supervisor arranges them.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::request::{FailureKind, Network, Run};
use minidock_proto::{Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, SingleThreaded};
use rustix::process::Pid;

use crate::connect;
use crate::failure::{Context, Result, failure, protocol};
use crate::launch::Namespaces;
use crate::net::forward::{self, ForwardedPort};
use crate::rootfs::prepare::{self, HOSTS, RESOLV};

/// Takes the listening sockets of the published ports.
pub(super) fn ports(run: &Run, fds: &mut Descriptors) -> Result<Vec<ForwardedPort>> {
    run.ports
        .iter()
        .map(|port| {
            let listener = fds.take(port.listener).map_err(protocol)?;
            Ok(ForwardedPort { listener, protocol: port.protocol, port: port.port })
        })
        .collect()
}

/// Connects a fresh network namespace; answers with the container's own address.
pub(super) fn connect(
    run: &Run,
    keeper: Option<&Channel>,
    namespaces: &Namespaces,
    etc: &Path,
) -> Result<Option<IpAddr>> {
    let (Network::Private(helper), Some(keeper)) = (&run.network, keeper) else { return Ok(None) };
    let connected = connect::connect(keeper, helper, &namespaces.network)?;
    let mut resolv = connected.resolv;
    resolv.extend(run.resolv.iter().cloned());
    prepare::write(&etc.join(RESOLV), &prepare::resolv(&resolv))?;
    prepare::write(&etc.join(HOSTS), &prepare::hosts(run, connected.address))?;
    Ok(connected.address)
}

/// Forks the forwarder of the published ports into the container's network; gives its pid.
pub(super) fn forward(
    single: SingleThreaded,
    ports: Vec<ForwardedPort>,
    address: Option<IpAddr>,
    namespaces: &Namespaces,
) -> Result<Pid> {
    let address = address.ok_or_else(|| {
        failure(FailureKind::InvalidInput, "ports cannot be published without a private network")
    })?;
    let (user, network): (&OwnedFd, &OwnedFd) = (&namespaces.user, &namespaces.network);
    process::spawn(single, || {
        // Entering the own user namespace again is refused and not needed.
        drop(namespace::enter(single, user, Kinds::USER));
        if namespace::enter(single, network, Kinds::NET).is_err() {
            return 1;
        }
        let keep: Vec<_> = ports.iter().map(|port| port.listener.as_fd()).collect();
        if process::close_all_except(&keep).is_err() {
            return 1;
        }
        match forward::serve(ports, address) {
            Ok(never) => match never {},
            Err(_) => 1,
        }
    })
    .context(|| "start the port forwarder".into())
}
