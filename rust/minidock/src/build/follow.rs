//! A command of RUN from its start to its end: output, cancellation, exit.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use minidock_proto::control::Call;
use minidock_proto::request::{Answer, Layer};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;

use super::event::{BuildEvent, Stream};
use crate::cancel::CancelToken;
use crate::container::{ClientStreams, Exit};
use crate::error::{Error, Result};
use crate::runtime::{Conversation, broken};
use crate::signal;

/// How soon a cancelled build notices, in nanoseconds.
const NOTICE: i64 = 50_000_000;
const BUFFER: usize = 64 * 1024;

/// A command that runs.
pub(super) struct Following<'a> {
    pub(super) conversation: Conversation,
    pub(super) streams: ClientStreams,
    pub(super) number: usize,
    pub(super) events: &'a (dyn Fn(BuildEvent) + Sync),
    pub(super) cancel: &'a CancelToken,
    /// Nothing of it runs any more.
    pub(super) ended: bool,
}

impl Drop for Following<'_> {
    /// Nobody follows it any more (an error, or a callback that panicked): it must not go on.
    fn drop(&mut self) {
        if !self.ended {
            // A connection that broke has no command behind it.
            let _sent = self.kill();
        }
    }
}

impl Following<'_> {
    /// Follows it until it has ended and all output was told. The supervisor, which the command
    /// cannot outlive, closes the streams.
    pub(super) fn follow(mut self) -> Result<(Exit, Option<Layer>)> {
        let mut layer = None;
        let mut exit = None;
        let mut killed = false;
        let mut buffer = vec![0; BUFFER];
        loop {
            let streams = &self.streams;
            if let (Some(exit), None, None) = (&exit, &streams.stdout, &streams.stderr) {
                self.cancel.check()?;
                return Ok((Exit::clone(exit), layer));
            }
            if self.cancel.is_cancelled() && !killed && exit.is_none() {
                self.kill()?;
                killed = true;
            }
            let ready = self.wait(exit.is_none())?;
            if ready.stdout {
                self.pass_on(Stream::Stdout, &mut buffer)?;
            }
            if ready.stderr {
                self.pass_on(Stream::Stderr, &mut buffer)?;
            }
            if ready.answer {
                match self.next_answer()? {
                    Some(Answer::Layer(made)) => layer = Some(made),
                    Some(Answer::Exited(record)) => {
                        self.ended = true;
                        exit = Some(record);
                    }
                    // Started: the spawned process has handed over to the supervisor.
                    _ => self.conversation.finish(),
                }
            }
        }
    }

    fn kill(&self) -> Result<()> {
        let kill = Call::Kill { signal: signal::KILL };
        self.conversation.channel.send(&kill, &[]).map_err(broken)
    }

    /// The next answer; replies to calls come over the same connection and say nothing new.
    fn next_answer(&mut self) -> Result<Option<Answer>> {
        let Some((body, _)) = self.conversation.channel.receive_raw().map_err(broken)? else {
            return Err(Error::new(
                crate::error::ErrorKind::Runtime,
                "the supervisor of the step was killed, and the command with it",
            ));
        };
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer::Failed(failure)) => match self.cancel.check() {
                Err(cancelled) => Err(cancelled),
                Ok(()) => Err(failure.into()),
            },
            Ok(answer) => Ok(Some(answer)),
            Err(_) => Ok(None),
        }
    }

    fn wait(&self, answers: bool) -> Result<Ready> {
        let channel = answers.then_some(&self.conversation.channel);
        let (stdout, stderr) = (self.streams.stdout.as_ref(), self.streams.stderr.as_ref());
        let mut fds = Vec::with_capacity(3);
        fds.extend(channel.map(|channel| PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::IN)));
        let files = stdout.into_iter().chain(stderr);
        fds.extend(files.map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)));
        let notice = Timespec { tv_sec: 0, tv_nsec: NOTICE };
        match poll(&mut fds, Some(&notice)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot wait for the command", error)),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |present: bool| present && ready.next().unwrap_or(false);
        Ok(Ready {
            answer: next(channel.is_some()),
            stdout: next(stdout.is_some()),
            stderr: next(stderr.is_some()),
        })
    }

    fn pass_on(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<()> {
        let slot: &mut Option<File> = match stream {
            Stream::Stdout => &mut self.streams.stdout,
            Stream::Stderr => &mut self.streams.stderr,
        };
        let Some(file) = slot else { return Ok(()) };
        match file.read(buffer) {
            Ok(0) => *slot = None,
            Ok(length) => {
                let bytes = buffer[..length].to_vec();
                (self.events)(BuildEvent::Output { number: self.number, stream, bytes });
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("cannot read the command's output", error)),
        }
        Ok(())
    }
}

struct Ready {
    answer: bool,
    stdout: bool,
    stderr: bool,
}
