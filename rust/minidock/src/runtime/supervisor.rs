//! Supervisors that are started before it is settled what they run: entering their namespaces
//! takes as long as gathering what the container is, so both are done at once.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::Outgoing;
use minidock_proto::request::{Join, NetworkSource, Run, Supervise, Verb};
use rustix::io::Errno;
use rustix::process::PidfdFlags;

use super::spawn::{Conversation, broken};
use super::userns::Joined;
use crate::error::{Error, Result};
use crate::store::ContainerId;

/// A supervisor that waits for its container; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    conversation: Conversation,
    _alive: Option<OwnedFd>,
}

/// A descriptor that becomes readable when this process ends, and what has to stay open until then.
///
/// Where a tracer knows no pidfds (valgrind 3.19) it is a pipe; that is fooled by a fork of this
/// process, which then lives on with the other end.
fn own_end() -> Result<(OwnedFd, Option<OwnedFd>)> {
    match rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty()) {
        Ok(pidfd) => Ok((pidfd, None)),
        Err(Errno::NOSYS) => {
            let (end, alive) = std::io::pipe().map_err(|e| Error::io("cannot make a pipe", e))?;
            Ok((end.into(), Some(alive.into())))
        }
        Err(error) => Err(Error::io("cannot open a pidfd of this process", error)),
    }
}

impl Conversation {
    /// Makes the started program a supervisor. `helper_record` is where the container's network
    /// helper is recorded, if it needs one.
    pub(crate) fn supervise(
        self,
        id: &ContainerId,
        joined: &Joined,
        mount_point: &Path,
        network: NetworkSource,
        helper_record: Option<&Path>,
    ) -> Result<Waiting> {
        let (engine, alive) = own_end()?;
        let mut fds = Outgoing::default();
        let join =
            Join { userns: fds.push(joined.userns.as_fd()), hold: fds.push(joined.hold.as_fd()) };
        let supervise = Supervise {
            id: id.as_str().to_owned(),
            join,
            engine: fds.push(engine.as_fd()),
            mount_point: mount_point.into(),
            network,
            helper_record: helper_record.map(Into::into),
        };
        self.ask(Verb::Supervise(supervise), &fds)?;
        Ok(Waiting { conversation: self, _alive: alive })
    }
}

impl Waiting {
    /// Tells it what to run.
    pub(crate) fn run(mut self, run: &Run, fds: &Outgoing<'_>) -> Result<Conversation> {
        if let Err(error) = self.conversation.channel.send(run, fds.as_slice()) {
            // One that failed said why before it ended.
            self.conversation.answer()?;
            return Err(broken(error));
        }
        Ok(self.conversation)
    }
}
