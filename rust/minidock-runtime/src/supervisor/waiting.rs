//! A supervisor before it knows its container: what every container needs is made ready while
//! the engine gathers the rest, and then the supervisor waits for it.

use std::path::Path;

use minidock_proto::request::{FailureKind, NetworkSource, Run};
use minidock_proto::{Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::SingleThreaded;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;

use crate::executable::Waiting;
use crate::failure::{Context, Result, failure_with_hint, protocol};
use crate::rootfs::scratch::{self, Scratch};

/// Makes the scratch directory and the views of the system that libcontainer needs, and the
/// network namespace where it is the container's alone.
pub(super) fn prepare(single: SingleThreaded, waiting: &Waiting) -> Result<Scratch> {
    let scratch = scratch::mount(waiting.mount_point.as_path())?;
    own_views(waiting.network)?;
    if waiting.network == NetworkSource::Shared {
        new_network(single)?;
    }
    Ok(scratch)
}

/// Makes a network namespace with nothing but a loopback interface and enters it.
pub(crate) fn new_network(single: SingleThreaded) -> Result<()> {
    namespace::unshare(single, Kinds::NET)
        .context(|| "make the container's network namespace".into())?;
    namespace::loopback_up().context(|| "set the loopback interface up".into())
}

/// Waits for the container; `None` when the engine ended instead. The end of the channel does
/// not show while a fork of the engine's process holds a copy of it, so its pidfd counts too.
pub(super) fn container(
    waiting: &Waiting,
    channel: &Channel,
) -> Result<Option<(Run, Descriptors)>> {
    loop {
        let mut fds =
            [PollFd::new(channel, PollFlags::IN), PollFd::new(&waiting.engine, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context(|| "wait for the container".into()),
        }
        if !fds[0].revents().is_empty() {
            let message = channel.receive::<Run>().map_err(protocol)?;
            return Ok(message.map(|(run, fds)| (run, Descriptors::from(fds))));
        }
        if !fds[1].revents().is_empty() {
            return Ok(None);
        }
    }
}

/// A /proc of the own pid namespace, and a cgroup file system that libcontainer can work with.
fn own_views(network: NetworkSource) -> Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", "/proc", "proc", flags, None).map_err(|error| {
        failure_with_hint(
            FailureKind::HostUnsupported,
            format!("this host refuses a fresh /proc for a container: {error}"),
            "inside another container /proc must not be masked (docker: `--security-opt systempaths=unconfined`)",
        )
    })?;
    let cgroup = Path::new("/sys/fs/cgroup");
    if !cgroup.exists() {
        return Ok(());
    }
    match rustix::mount::mount("cgroup2", cgroup, "cgroup2", flags, None) {
        Ok(()) => Ok(()),
        // With the host's network the container gets the host's /sys as it is.
        Err(_) if network == NetworkSource::Host => Ok(()),
        Err(error) => Err(failure_with_hint(
            FailureKind::HostUnsupported,
            format!("this host refuses a cgroup2 mount for a container: {error}"),
            "`minidock doctor` shows the cgroup set-up of this host",
        )),
    }
}
