//! `network`: one network namespace for all RUN steps of a build.
//!
//! A small process keeps it until the engine's channel closes or the engine's process ends; the
//! keeper on the host's side runs the helper meanwhile.

use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::request::{Answer, Network, NetworkHold};
use minidock_proto::{Channel, Fd};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork, SingleThreaded};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags};

use crate::failure::{Context, Result, protocol};
use crate::net::keeper;
use crate::spawned::Spawned;
use crate::{connect, join};

/// Forks the keeper and the process that is in the namespace, and ends.
pub(crate) fn serve(hold: NetworkHold, spawned: Spawned) -> Result<Option<Answer>> {
    let single = spawned.single;
    match process::fork(single).context(|| "fork".into())? {
        Fork::Parent(_) => Ok(None),
        Fork::Child => {
            let failed = match host_side(single, &hold, spawned) {
                Ok(never) => match never {},
                Err((failure, channel)) => (failure, channel),
            };
            // An engine that is gone needs no answer.
            drop(failed.1.send(&Answer::Failed(failed.0), &[]));
            process::exit_now(1)
        }
    }
}

type Failed = (minidock_proto::request::Failure, Channel);

fn host_side(
    single: SingleThreaded,
    hold: &NetworkHold,
    spawned: Spawned,
) -> std::result::Result<std::convert::Infallible, Failed> {
    let Spawned { channel, mut fds, .. } = spawned;
    let (ours, theirs) = match Channel::pair().context(|| "make a socket pair".into()) {
        Ok(pair) => pair,
        Err(failure) => return Err((failure, channel)),
    };
    let pid = match process::fork(single).context(|| "fork".into()) {
        Ok(Fork::Parent(pid)) => pid,
        Ok(Fork::Child) => {
            drop(ours);
            let outcome = inside(single, hold, &mut fds, &channel, &theirs);
            if let Err(failure) = outcome {
                drop(channel.send(&Answer::Failed(failure), &[]));
            }
            process::exit_now(0)
        }
        Err(failure) => return Err((failure, channel)),
    };
    drop(theirs);
    match watch(pid) {
        Ok(pidfd) => {
            // The keeper keeps nothing of the engine open.
            if process::close_all_except(&[pidfd.as_fd(), ours.as_fd()]).is_err() {
                process::exit_now(1)
            }
            keeper::keep(pidfd, ours, hold.record.as_path())
        }
        Err(failure) => Err((failure, channel)),
    }
}

fn watch(pid: Pid) -> Result<OwnedFd> {
    rustix::process::setsid().context(|| "start a session".into())?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty())
        .context(|| "watch the network's process".into())
}

/// The process in the namespace: connects it, hands it out, waits.
fn inside(
    single: SingleThreaded,
    hold: &NetworkHold,
    fds: &mut minidock_proto::Descriptors,
    channel: &Channel,
    keeper: &Channel,
) -> Result<()> {
    let owner = fds.take(hold.owner).map_err(protocol)?;
    let _joined = join::enter_with(single, fds, hold.join)?;
    namespace::unshare(single, Kinds::NET).context(|| "make a network namespace".into())?;
    namespace::loopback_up().context(|| "set the loopback interface up".into())?;
    let open = |path: &str| {
        rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .context(|| format!("open {path}"))
    };
    let network = open("/proc/self/ns/net")?;
    let resolv = match &hold.network {
        Network::Private(helper) => connect::connect(keeper, helper, &network)?.resolv,
        _ => Vec::new(),
    };
    let answer = Answer::Network { netns: Fd(0), resolv };
    channel.send(&answer, &[network.as_fd()]).map_err(protocol)?;
    let mut fds = [PollFd::new(&owner, PollFlags::IN), PollFd::new(channel, PollFlags::IN)];
    while matches!(rustix::event::poll(&mut fds, None), Ok(0) | Err(rustix::io::Errno::INTR)) {}
    Ok(())
}
