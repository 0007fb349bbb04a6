//! Processes that end together: what an executed process started, however it hides.
//!
//! A tracked process gets a UTS namespace of its own. All that it starts inherits it, and nothing
//! without CAP_SYS_ADMIN can leave it: sessions, process groups and parents can be left. The
//! engine asks for this only where the container has neither that capability nor a way to it.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use minidock_proto::request::FailureKind;
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork};
use minidock_sys::signal;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::AtFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

use super::Supervisor;
use crate::failure::{Context, Result, failure};
use crate::hold;

/// Looks at all processes before one that makes new ones faster than they are found costs the
/// container all its executed processes.
const LOOKS: u32 = 200;
/// How long killed processes may take to be gone before their end is reported all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace by its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
}

impl Mark {
    fn at(path: &Path) -> std::io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }

    /// The caller's own, from its open directory of namespaces.
    pub(super) fn of_own(namespaces: &OwnedFd) -> std::io::Result<Self> {
        let found = rustix::fs::statat(namespaces, "uts", AtFlags::empty())?;
        Ok(Self { device: found.st_dev, inode: found.st_ino })
    }
}

/// An executed process with all that it started.
pub(super) struct Tracked {
    mark: Mark,
    /// When its time is up.
    pub(super) deadline: Option<Instant>,
    /// Its time was up.
    pub(super) timed_out: bool,
    /// Killed processes that may still be there.
    dying: Vec<OwnedFd>,
    report_at: Option<Instant>,
}

impl Tracked {
    pub(super) fn new(mark: Mark, timeout: Option<u64>) -> Self {
        let deadline =
            timeout.and_then(|time| Instant::now().checked_add(Duration::from_millis(time)));
        Self { mark, deadline, timed_out: false, dying: Vec::new(), report_at: None }
    }

    /// Kills what has the mark, until a look finds nothing that was not killed by an earlier one:
    /// then nothing is left that could start more, since a killed process cannot. `false` when
    /// that did not come about.
    fn kill(&mut self) -> bool {
        self.deadline = None;
        self.report_at = Instant::now().checked_add(PATIENCE);
        let mut killed = BTreeSet::new();
        for _ in 0..LOOKS {
            let Ok(pids) = pids() else { return false };
            let before = killed.len();
            for pid in pids {
                if !killed.contains(&pid.as_raw_nonzero()) && self.kill_marked(pid) {
                    killed.insert(pid.as_raw_nonzero());
                }
            }
            if killed.len() == before {
                return true;
            }
        }
        false
    }

    /// Kills this process if it has the mark.
    fn kill_marked(&mut self, pid: Pid) -> bool {
        // Opened first: if the number goes to another one now, the signal goes nowhere.
        let Ok(pidfd) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else {
            return false;
        };
        let path = format!("/proc/{}/ns/uts", pid.as_raw_nonzero());
        // One that ended has no namespaces any more.
        if Mark::at(path.as_ref()).ok() != Some(self.mark) {
            return false;
        }
        // It may have ended since.
        rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).ok();
        self.dying.push(pidfd);
        true
    }

    /// Whether the end may be reported: what was killed is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.dying.is_empty()
    }

    fn forget_the_dead(&mut self) {
        if self.report_at.is_some_and(|at| at <= Instant::now()) {
            self.dying.clear();
        }
        self.dying.retain(|pidfd| {
            let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
            !matches!(rustix::event::poll(&mut fds, Some(&Timespec::default())), Ok(1..))
        });
    }

    /// Descriptors that tell of the end of what was killed, and when to look at the latest.
    pub(super) fn dying(&self) -> impl Iterator<Item = &OwnedFd> {
        self.dying.iter()
    }

    /// When something is to be done for it.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        match self.dying.is_empty() {
            true => self.deadline,
            false => self.report_at,
        }
    }
}

fn pids() -> std::io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        pids.extend(number.and_then(Pid::from_raw));
    }
    Ok(pids)
}

impl Supervisor {
    /// Ends what is out of time, and forgets what is gone.
    pub(super) fn check_tracked(&mut self) -> Result<()> {
        let mut runaway = false;
        for session in &mut self.sessions {
            let Some(tracked) = &mut session.tracked else { continue };
            if session.ended.is_some() {
                tracked.deadline = None;
            }
            if tracked.deadline.is_some_and(|at| at <= Instant::now()) {
                tracked.timed_out = true;
                runaway |= !tracked.kill();
            }
            tracked.forget_the_dead();
        }
        if runaway { self.end_runaways() } else { Ok(()) }
    }

    /// Ends everything that was executed, since what is meant runs away too fast to be found.
    fn end_runaways(&mut self) -> Result<()> {
        self.kill_executed()?;
        for tracked in self.sessions.iter_mut().filter_map(|session| session.tracked.as_mut()) {
            if tracked.report_at.is_some() {
                // Nothing new comes any more: this finds what has to be waited for.
                tracked.kill();
            }
        }
        Ok(())
    }

    /// Ends what this client executed, with all that it started.
    pub(super) fn end_all(&mut self, client: u64) -> Result<()> {
        let session = self.sessions.iter_mut().find(|session| session.client == Some(client));
        let Some(tracked) = session.and_then(|session| session.tracked.as_mut()) else {
            return Err(super::client::not_running());
        };
        if tracked.kill() { Ok(()) } else { self.end_runaways() }
    }

    /// Kills everything in the container but its first process, in one system call: kill(2) with
    /// -1, from inside its pid namespace.
    fn kill_executed(&self) -> Result<()> {
        let single = self.single;
        let between = match process::fork(single).context(|| "fork".into())? {
            Fork::Parent(between) => between,
            Fork::Child => {
                // Only in there, or every process of this namespace would be meant.
                let inside = namespace::enter(single, &self.init_pidfd, Kinds::PID)
                    .and_then(|()| process::fork(single));
                match inside {
                    Ok(Fork::Child) => {
                        process::exit_now(u8::from(signal::kill_others(single).is_err()))
                    }
                    Ok(Fork::Parent(pid)) => {
                        process::exit_now(u8::from(hold::wait_for(pid).is_err()))
                    }
                    Err(_) => process::exit_now(1),
                }
            }
        };
        match hold::wait_for(between)? {
            true => Ok(()),
            false => Err(failure(FailureKind::System, "cannot end the container's processes")),
        }
    }
}
