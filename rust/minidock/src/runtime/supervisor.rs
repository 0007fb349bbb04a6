//! Supervisors that are started before it is settled what they run: entering their namespaces
//! takes as long as gathering what the container is, so both are done at once.

use std::os::fd::AsFd;
use std::path::Path;

use minidock_proto::Outgoing;
use minidock_proto::request::{Join, NetworkSource, Run, Supervise, Verb};

use super::spawn::{Conversation, broken};
use super::userns::Joined;
use crate::container::own_pidfd;
use crate::error::Result;
use crate::store::ContainerId;

/// A supervisor that waits for its container; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Conversation);

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
        let engine = own_pidfd()?;
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
        Ok(Waiting(self))
    }
}

impl Waiting {
    /// Tells it what to run.
    pub(crate) fn run(mut self, run: &Run, fds: &Outgoing<'_>) -> Result<Conversation> {
        if let Err(error) = self.0.channel.send(run, fds.as_slice()) {
            // One that failed said why before it ended.
            self.0.answer()?;
            return Err(broken(error));
        }
        Ok(self.0)
    }
}
