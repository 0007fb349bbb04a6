//! The engine's side of `minidock-runtime`: finding it, spawning it, talking to it.
//!
//! The host process never forks without exec and never enters a namespace; everything of that
//! kind is a verb of the runtime.

mod find;
mod spawn;
mod supervisor;
mod userns;

pub(crate) use find::Runtime;
pub(crate) use spawn::{Conversation, broken};
pub(crate) use supervisor::Waiting;
pub(crate) use userns::Joined;

use std::path::Path;

use minidock_proto::Outgoing;
use minidock_proto::request::{Answer, Failure, FailureKind, Join, Remove, Verb};
use std::os::fd::AsFd;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

impl Engine {
    /// Runs a verb that needs nothing but the namespace and these descriptors, to its answer.
    pub(crate) fn run_verb<'a>(
        &self,
        joined: &'a Joined,
        mut fds: Outgoing<'a>,
        verb: impl FnOnce(Join) -> Verb,
    ) -> Result<Answer> {
        let join =
            Join { userns: fds.push(joined.userns.as_fd()), hold: fds.push(joined.hold.as_fd()) };
        let mut conversation = self.runtime()?.spawn(verb(join), &fds)?;
        let (answer, _) = conversation.answer()?;
        conversation.finish();
        Ok(answer)
    }

    /// Deletes directories in the user namespace.
    pub(crate) fn remove_foreign(&self, paths: &[&Path]) -> Result<()> {
        let joined = self.join()?;
        let paths = paths.iter().map(|path| (*path).into()).collect();
        self.run_verb(&joined, Outgoing::default(), |join| Verb::Remove(Remove { join, paths }))
            .map(drop)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            FailureKind::CommandNotFound => ErrorKind::CommandNotFound,
            FailureKind::CommandNotExecutable => ErrorKind::CommandNotExecutable,
            FailureKind::NotFound => ErrorKind::NotFound,
            FailureKind::InvalidInput => ErrorKind::InvalidInput,
            FailureKind::HostUnsupported => ErrorKind::HostUnsupported,
            FailureKind::NoSpace => ErrorKind::NoSpace,
            FailureKind::Conflict => ErrorKind::Conflict,
            FailureKind::Corrupt => ErrorKind::Corrupt,
            FailureKind::System => ErrorKind::Runtime,
        };
        let error = Error::new(kind, failure.message);
        match failure.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
