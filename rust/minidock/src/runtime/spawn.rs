//! Spawning the runtime with a request, and the conversation that follows.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use minidock_proto::request::{Answer, Request, Verb};
use minidock_proto::{Channel, ChannelError, Outgoing, SPAWN_VERSION};

use super::Runtime;
use crate::error::{Error, ErrorKind, Result};

/// A spawned runtime.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) channel: Channel,
    child: Option<Child>,
}

impl Runtime {
    /// Starts the program and hands the request over.
    pub(crate) fn spawn(&self, verb: Verb, fds: &Outgoing<'_>) -> Result<Conversation> {
        let conversation = self.start()?;
        conversation.ask(verb, fds)?;
        Ok(conversation)
    }

    /// Starts the program, which waits for a request.
    pub(crate) fn start(&self) -> Result<Conversation> {
        let (ours, theirs) =
            Channel::pair().map_err(|error| Error::io("cannot make a socket pair", error))?;
        let child = Command::new(&self.path)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs.into_fd()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Error::at("start", &self.path, error))?;
        Ok(Conversation { channel: ours, child: Some(child) })
    }
}

impl Conversation {
    /// Hands the request over.
    pub(crate) fn ask(&self, verb: Verb, fds: &Outgoing<'_>) -> Result<()> {
        let request = Request { version: SPAWN_VERSION, verb };
        self.channel.send(&request, fds.as_slice()).map_err(broken)
    }

    /// The next answer; a failure of the runtime is an error.
    pub(crate) fn answer(&mut self) -> Result<(Answer, Vec<OwnedFd>)> {
        match self.channel.receive::<Answer>().map_err(broken)? {
            Some((Answer::Failed(failure), _)) => Err(failure.into()),
            Some(answer) => Ok(answer),
            None => Err(Error::new(
                ErrorKind::Runtime,
                "minidock-runtime ended without an answer: it was killed, or is of another version",
            )),
        }
    }

    /// Takes the spawned process off the host's hands; it ended, or ends right after its answer.
    pub(crate) fn finish(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A host that ignores SIGCHLD or waits for all children took it already.
            drop(child.wait());
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if self.child.is_some() {
            // One that still waits for a request learns by this that none will come.
            rustix::net::shutdown(&self.channel, rustix::net::Shutdown::Both).ok();
            self.finish();
        }
    }
}

/// A conversation that broke.
pub(crate) fn broken(error: ChannelError) -> Error {
    Error::new(ErrorKind::Runtime, "the conversation with minidock-runtime broke")
        .with_source(error)
}

impl AsFd for Conversation {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
