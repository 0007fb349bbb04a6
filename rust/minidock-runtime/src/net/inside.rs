//! A child of the keeper inside the network namespace, for the time that a helper starts.
//!
//! It makes the tap, tells when the network is up, and lends its `/proc/<pid>/ns` as the name of
//! the namespaces: helpers open paths there, some after they closed all inherited descriptors.
//! Must not outlive the start.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use minidock_proto::request::{Failure, FailureKind};
use minidock_proto::{Channel, Descriptors, Fd};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, SingleThreaded};
use minidock_sys::tap;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal, WaitOptions};
use serde::{Deserialize, Serialize};

use super::addresses::table;
use super::guard;
use super::plan::{Plan, has_default_ipv4, has_default_ipv6};
use crate::failure::{Context, Result, failure, failure_with_hint, protocol};

/// The interface's name, as docker's containers have it.
pub(super) const INTERFACE: &str = "eth0";
/// How often it looks whether the network is up.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What the child tells.
#[derive(Debug, Serialize, Deserialize)]
enum Report {
    /// The tap that the helper is to take.
    Tap(Fd),
    /// Addresses and routes are there.
    Up,
    /// It went wrong.
    Failed(Failure),
}

/// The child; dropping it ends it.
#[derive(Debug)]
pub(super) struct Inside {
    pid: Pid,
    channel: Channel,
}

impl Inside {
    /// Forks the child, which enters `netns` and the user namespace that owns it.
    pub(super) fn start(
        proof: SingleThreaded,
        netns: BorrowedFd<'_>,
        plan: &Plan,
    ) -> Result<(Self, OwnedFd)> {
        let owner = namespace::owner_of(netns)
            .context(|| "find the user namespace of the network namespace".to_owned())?;
        let (channel, theirs) = Channel::pair().context(|| "make a pair of sockets".to_owned())?;
        let parent = rustix::process::getpid();
        let pid = process::spawn(proof, || {
            // The sockets' other end would otherwise stay open here.
            let kept = [theirs.as_fd(), netns, owner.as_fd()];
            let outcome = process::close_all_except(&kept)
                .context(|| "close descriptors".to_owned())
                .and_then(|()| body(proof, parent, &theirs, netns, owner.as_fd(), plan));
            match outcome {
                Ok(()) => 0,
                Err(failure) => {
                    // Nobody to tell when the parent is gone.
                    drop(theirs.send(&Report::Failed(failure), &[]));
                    1
                }
            }
        })
        .context(|| "fork into the network namespace".to_owned())?;
        drop(theirs);
        let inside = Self { pid, channel };
        match inside.next()? {
            (Report::Tap(tap), mut fds) => {
                let tap = fds.take(tap).map_err(protocol)?;
                Ok((inside, tap))
            }
            (Report::Failed(failure), _) => Err(failure),
            (Report::Up, _) => Err(ended_early()),
        }
    }

    fn next(&self) -> Result<(Report, Descriptors)> {
        let message = self.channel.receive::<Report>().map_err(protocol)?;
        message.map(|(report, fds)| (report, fds.into())).ok_or_else(ended_early)
    }

    /// Its pid as seen from the host's side.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Reads the report that the descriptor is readable for: the network is up, or why not.
    pub(super) fn up(&self) -> Result<()> {
        match self.next()?.0 {
            Report::Up => Ok(()),
            Report::Failed(failure) => Err(failure),
            Report::Tap(_) => Err(ended_early()),
        }
    }
}

impl AsFd for Inside {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // It is our child and not waited for yet: the pid is its own, and both calls can only
        // say that it ended already.
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.pid), WaitOptions::empty());
    }
}

fn ended_early() -> Failure {
    failure(FailureKind::System, "the process in the network namespace ended early")
}

fn body(
    proof: SingleThreaded,
    parent: Pid,
    channel: &Channel,
    netns: BorrowedFd<'_>,
    owner: BorrowedFd<'_>,
    plan: &Plan,
) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .context(|| "ask for a signal at the parent's death".to_owned())?;
    if rustix::process::getppid() != Some(parent) {
        return Err(failure(FailureKind::System, "the keeper of the network ended"));
    }
    if !is_current_user_namespace(owner)? {
        namespace::enter(proof, owner, Kinds::USER)
            .context(|| "enter the user namespace of the network".to_owned())?;
    }
    namespace::enter(proof, netns, Kinds::NET)
        .context(|| "enter the network namespace".to_owned())?;
    let tap = make_tap()?;
    channel.send(&Report::Tap(Fd(0)), &[tap.as_fd()]).map_err(protocol)?;
    drop(tap);
    // The other side ends this process; a message from it is not part of the protocol.
    while !is_up(plan)? {
        if wait(channel, Some(LOOK_EVERY))? {
            return Ok(());
        }
    }
    channel.send(&Report::Up, &[]).map_err(protocol)?;
    wait(channel, None).map(drop)
}

fn is_current_user_namespace(owner: BorrowedFd<'_>) -> Result<bool> {
    let identity = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
    let own = rustix::fs::stat("/proc/self/ns/user");
    let own = own.context(|| "look at /proc/self/ns/user".to_owned())?;
    let owner = rustix::fs::fstat(owner).context(|| "look at a user namespace".to_owned())?;
    Ok(identity(own) == identity(owner))
}

fn make_tap() -> Result<OwnedFd> {
    let tap = tap::open().map_err(|error| {
        let hint = match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => {
                "as root: chmod 0666 /dev/net/tun (for good: a udev rule for KERNEL==\"tun\")"
            }
            _ => "as root: modprobe tun",
        };
        let message = format!("a private network needs /dev/net/tun, which does not open: {error}");
        failure_with_hint(FailureKind::HostUnsupported, message, hint)
    })?;
    tap::attach(&tap, INTERFACE, &guard::FRAMES)
        .context(|| format!("make the interface {INTERFACE}"))?;
    Ok(tap)
}

fn is_up(plan: &Plan) -> Result<bool> {
    let v4 = !plan.ipv4 || has_default_ipv4(&table("route")?);
    Ok(v4 && (!plan.ipv6 || has_default_ipv6(&table("ipv6_route")?)))
}

/// Waits for the other side to go away; whether it did.
fn wait(channel: &Channel, time: Option<Duration>) -> Result<bool> {
    let time =
        time.map(|time| rustix::time::Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() });
    let mut fds = [PollFd::new(channel, PollFlags::IN)];
    match rustix::event::poll(&mut fds, time.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error).context(|| "wait for the keeper".to_owned()),
    }
}
