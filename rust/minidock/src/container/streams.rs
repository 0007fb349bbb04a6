//! The client's ends of a container's standard streams: plain descriptors.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use minidock_proto::Outgoing;
use minidock_proto::request::Stdio;

use crate::error::{Error, Result};

/// Which streams a caller wants to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attach {
    /// Standard input.
    pub stdin: bool,
    /// Standard output; all output of a terminal.
    pub stdout: bool,
    /// Standard error; nothing comes there from a terminal.
    pub stderr: bool,
}

impl Attach {
    /// Both outputs.
    pub const OUTPUT: Self = Self { stdin: false, stdout: true, stderr: true };
    /// All three.
    pub const ALL: Self = Self { stdin: true, stdout: true, stderr: true };
}

/// The caller's ends, close-on-exec. Closing `stdin` is the end of the program's input; the end
/// of `stdout` and `stderr` comes when nobody writes there any more.
#[derive(Debug, Default)]
pub struct ClientStreams {
    /// Written by the caller.
    pub stdin: Option<File>,
    /// Read by the caller.
    pub stdout: Option<File>,
    /// Read by the caller.
    pub stderr: Option<File>,
}

/// The supervisor's ends; closed here as soon as they were sent.
#[derive(Debug, Default)]
pub(crate) struct SupervisorEnds {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// Makes the pipes.
pub(crate) fn pipes(attach: Attach) -> Result<(ClientStreams, SupervisorEnds)> {
    let pipe = || std::io::pipe().map_err(|error| Error::io("cannot make a pipe", error));
    let mut client = ClientStreams::default();
    let mut ends = SupervisorEnds::default();
    if attach.stdin {
        // A socket, so that a host can write to one that nobody reads without a SIGPIPE.
        let (theirs, ours) =
            UnixStream::pair().map_err(|error| Error::io("cannot make a socket pair", error))?;
        client.stdin = Some(File::from(OwnedFd::from(ours)));
        ends.stdin = Some(theirs.into());
    }
    if attach.stdout {
        let (reader, writer) = pipe()?;
        client.stdout = Some(File::from(OwnedFd::from(reader)));
        ends.stdout = Some(writer.into());
    }
    if attach.stderr {
        let (reader, writer) = pipe()?;
        client.stderr = Some(File::from(OwnedFd::from(reader)));
        ends.stderr = Some(writer.into());
    }
    Ok((client, ends))
}

impl SupervisorEnds {
    /// Puts them among the descriptors of a message.
    pub(crate) fn push<'a>(&'a self, fds: &mut Outgoing<'a>) -> Stdio {
        let mut push = |fd: &'a Option<OwnedFd>| fd.as_ref().map(|fd| fds.push(fd.as_fd()));
        Stdio { stdin: push(&self.stdin), stdout: push(&self.stdout), stderr: push(&self.stderr) }
    }
}
