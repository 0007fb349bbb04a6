//! Starts a network helper for a namespace, waits until it works, and ends it.
//!
//! Runs in the keeper: single-threaded, the real user, the host's namespaces. Must not be used
//! from inside the container's namespaces (helpers fail there), nor trust a helper with the tap:
//! it gets one with a filter (see [`super::guard`]).

mod arguments;
mod launch;
mod output;

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use minidock_proto::request::{Failure, FailureKind, Helper, HelperKind};
use minidock_sys::listener;
use minidock_sys::process::SingleThreaded;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use rustix::time::Timespec;

use self::output::Output;
use super::addresses::table;
use super::inside::Inside;
use super::plan::Plan;
use super::record;
use super::resolv;
use crate::failure::{Context, Result, failure, failure_with_hint};

/// How long a helper may take until the network is up.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long a helper has to end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// A helper that connects a namespace to the outside.
#[derive(Debug)]
pub(crate) struct RunningHelper {
    /// Its pid on the host's side.
    pub(crate) pid: Pid,
    /// Readable when it ended.
    pub(crate) pidfd: OwnedFd,
    /// Lines for /etc/resolv.conf inside.
    pub(crate) resolv: Vec<String>,
    /// The container's own addresses, IPv4 first.
    pub(crate) addresses: Vec<IpAddr>,
    kind: HelperKind,
    output: Output,
}

/// Starts `helper` for `netns` and returns when addresses and routes are there.
///
/// Gives up when `abort` becomes readable: a pidfd of whoever wants the network. The helper's
/// identity is in `record` from its first moment, for [`super::sweep`].
pub(crate) fn start(
    helper: &Helper,
    netns: BorrowedFd<'_>,
    abort: BorrowedFd<'_>,
    record: &Path,
) -> Result<RunningHelper> {
    let proof = SingleThreaded::prove().context(|| "start a network helper".to_owned())?;
    let plan = Plan::beside(&table("route")?, &table("ipv6_route")?);
    let plan = match helper.kind {
        HelperKind::Pasta => plan,
        HelperKind::Slirp4netns => plan.without_ipv6(),
    };
    let (inside, tap) = Inside::start(proof, netns, &plan)?;
    let resolv = resolv::inside(&host_resolv()?, &plan, plan.ipv6);
    let arguments = arguments::of(helper.kind, &plan, inside.pid(), &resolv);
    let launched = launch::launch(proof, helper, &arguments)?;
    let mut running = RunningHelper {
        pid: launched.pid,
        pidfd: launched.pidfd,
        resolv,
        addresses: plan.addresses(),
        kind: helper.kind,
        output: Output::new(launched.stderr),
    };
    let started = record::write(record, running.pid)
        .and_then(|()| wait_until_up(&mut running, &inside, &launched.listener, &tap, abort));
    match started {
        Ok(()) => Ok(running),
        Err(failure) => {
            running.stop(record)?;
            Err(failure)
        }
    }
}

fn host_resolv() -> Result<String> {
    match std::fs::read("/etc/resolv.conf") {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        // Allowed by resolv.conf(5).
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).context(|| "read /etc/resolv.conf".to_owned()),
    }
}

fn wait_until_up(
    helper: &mut RunningHelper,
    inside: &Inside,
    calls: &OwnedFd,
    tap: &OwnedFd,
    abort: BorrowedFd<'_>,
) -> Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    let mut taken = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let text = format!("was not ready within {} s", START_WITHIN.as_secs());
            return Err(helper.failed(&text));
        }
        let output = helper.output.watched().unwrap_or(abort);
        let fds = [calls.as_fd(), inside.as_fd(), helper.pidfd.as_fd(), abort, output];
        let [call, report, ended, aborted, _] = poll(fds, left)?;
        helper.output.drain();
        if ended {
            return Err(helper.ended_early());
        }
        if aborted {
            return Err(failure(FailureKind::System, "the container's supervisor ended"));
        }
        if call {
            hand_over(calls, tap)?;
            taken = true;
        }
        if report {
            inside.up()?;
            // A helper that came by its tap in another way has one without the filter.
            return if taken { Ok(()) } else { Err(helper.failed("did not ask for a tap")) };
        }
    }
}

/// Which of the descriptors have something to be read, or an end to be seen.
pub(super) fn poll<const N: usize>(fds: [BorrowedFd<'_>; N], time: Duration) -> Result<[bool; N]> {
    let time = Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    match rustix::event::poll(&mut polled, Some(&time)) {
        Ok(_) => Ok(polled.map(|fd| !fd.revents().is_empty())),
        Err(rustix::io::Errno::INTR) => Ok([false; N]),
        Err(error) => Err(error).context(|| "wait for the network helper".to_owned()),
    }
}

/// Gives the helper that waits in `TUNSETIFF` our tap in place of its own.
fn hand_over(calls: &OwnedFd, tap: &OwnedFd) -> Result<()> {
    let call = match listener::receive(calls) {
        // The caller was killed meanwhile.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(()),
        call => call.context(|| "see what the network helper asks for".to_owned())?,
    };
    let placed = u32::try_from(call.arguments[0])
        .map_err(|_| std::io::Error::from_raw_os_error(libc::EBADF))
        .and_then(|at| listener::replace_fd(calls, &call, tap, at));
    let result = placed.as_ref().map(drop).map_err(|e| e.raw_os_error().unwrap_or(libc::EPERM));
    listener::answer(calls, &call, result).context(|| "answer the network helper".to_owned())?;
    placed.context(|| "give the network helper its tap".to_owned())
}

impl RunningHelper {
    /// Reads what the helper wrote, so that it never waits for a reader; `None` when it closed
    /// its standard error.
    pub(crate) fn output(&self) -> Option<BorrowedFd<'_>> {
        self.output.watched()
    }

    /// Takes what [`RunningHelper::output`] is readable for.
    pub(crate) fn drain(&mut self) {
        self.output.drain();
    }

    /// Why it ended, when its pidfd says that it did.
    pub(crate) fn ended(&mut self) -> Failure {
        self.output.drain();
        let text = match self.reap() {
            Ok(text) => text,
            Err(failure) => failure.message,
        };
        self.failed(&text)
    }

    fn ended_early(&mut self) -> Failure {
        let failure = self.ended();
        let message = format!("{} before the network was up", failure.message);
        Failure { message, ..failure }
    }

    fn failed(&self, what: &str) -> Failure {
        let (name, package) = names(self.kind);
        let said = self.output.text();
        let said = if said.is_empty() { said } else { format!(" ({said})") };
        failure_with_hint(
            FailureKind::HostUnsupported,
            format!("the network helper {name} {what}{said}"),
            format!("see that {name} works (package {package}), or use --network none or host"),
        )
    }

    fn reap(&self) -> Result<String> {
        let id = WaitId::PidFd(self.pidfd.as_fd());
        let status = rustix::process::waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
            .context(|| "wait for the network helper".to_owned())?;
        Ok(status.as_ref().map_or_else(|| "ended".to_owned(), describe))
    }

    /// Ends it, SIGTERM first, then SIGKILL, and removes its record; returns when it is gone.
    pub(crate) fn stop(self, record: &Path) -> Result<()> {
        let deadline = Instant::now() + STOP_WITHIN;
        signal(&self.pidfd, Signal::TERM)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let [ended] = poll([self.pidfd.as_fd()], left)?;
            if ended {
                break;
            }
            if left.is_zero() {
                signal(&self.pidfd, Signal::KILL)?;
                let [_] = poll([self.pidfd.as_fd()], START_WITHIN)?;
                break;
            }
        }
        match rustix::process::waitid(
            WaitId::PidFd(self.pidfd.as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        ) {
            // It was waited for already.
            Ok(_) | Err(rustix::io::Errno::CHILD) => record::remove(record),
            Err(error) => Err(error).context(|| "wait for the network helper".to_owned()),
        }
    }
}

fn signal(pidfd: &OwnedFd, signal: Signal) -> Result<()> {
    match rustix::process::pidfd_send_signal(pidfd, signal) {
        // It is gone, which is what was wanted.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context(|| "end the network helper".to_owned()),
    }
}

fn describe(status: &WaitIdStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (_, Some(signal)) => format!("was killed by signal {signal}"),
        _ => "ended".to_owned(),
    }
}

/// Name and Debian package of a helper.
fn names(kind: HelperKind) -> (&'static str, &'static str) {
    match kind {
        HelperKind::Pasta => ("pasta", "passt"),
        HelperKind::Slirp4netns => ("slirp4netns", "slirp4netns"),
    }
}
