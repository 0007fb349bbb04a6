//! Carries input, outputs and the supervisor's answer of one program, by poll(2).

use std::fs::File;
use std::time::{Duration, Instant};

use minidock_proto::Channel;
use minidock_proto::control::Reply;
use minidock_proto::record::Exit;
use minidock_proto::request::Answer;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::SendFlags;

use super::super::ClientStreams;
use super::{OnOutput, Output, RunOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::broken;

/// How often the token is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// The connection that tells the end, and what brings it about.
pub(super) struct Conversation<'a> {
    pub(super) channel: &'a Channel,
    pub(super) end: &'a dyn Fn() -> Result<()>,
    /// When the end is brought about from here.
    pub(super) deadline: Option<Instant>,
}

/// Ends the program when the caller's callback panics or something here fails.
struct Guard<'a>(Option<&'a dyn Fn() -> Result<()>>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(end) = self.0 {
            // It may have ended; there is nobody to tell.
            end().ok();
        }
    }
}

struct Sink<'a> {
    file: Option<File>,
    kept: Vec<u8>,
    limit: u64,
    truncated: bool,
    callback: Option<OnOutput<'a>>,
}

impl<'a> Sink<'a> {
    fn new(file: Option<File>, limit: u64, callback: Option<OnOutput<'a>>) -> Self {
        Self { file, kept: Vec::new(), limit, truncated: false, callback }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        match rustix::io::read(file, &mut *buffer) {
            Ok(0) => self.file = None,
            Ok(length) => {
                let room = self.limit.saturating_sub(self.kept.len() as u64);
                let taken = usize::try_from(room).unwrap_or(usize::MAX).min(length);
                self.truncated |= taken < length;
                let bytes = &buffer[..taken];
                if let (false, Some(callback)) = (bytes.is_empty(), &mut self.callback) {
                    callback(bytes);
                }
                self.kept.extend_from_slice(bytes);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(Error::io("cannot read the program's output", error)),
        }
        Ok(())
    }
}

struct Pump<'a> {
    conversation: Conversation<'a>,
    input: Option<File>,
    stdin: Vec<u8>,
    sent: usize,
    outputs: [Sink<'a>; 2],
    exit: Option<Exit>,
    cancelled: bool,
    timed_out: bool,
}

/// Carries everything until the program has ended and both outputs with it.
pub(super) fn pump<'a>(
    conversation: Conversation<'a>,
    streams: ClientStreams,
    options: RunOptions<'a>,
) -> Result<Output> {
    let began = Instant::now();
    let limit = options.output_limit;
    let mut guard = Guard(Some(conversation.end));
    let mut pump = Pump {
        conversation,
        input: streams.stdin,
        stdin: options.stdin,
        sent: 0,
        outputs: [
            Sink::new(streams.stdout, limit, options.on_stdout),
            Sink::new(streams.stderr, limit, options.on_stderr),
        ],
        exit: None,
        cancelled: false,
        timed_out: false,
    };
    let mut buffer = vec![0; CHUNK];
    while pump.exit.is_none() || pump.outputs.iter().any(|output| output.file.is_some()) {
        if options.cancel.is_cancelled() && !pump.cancelled && pump.exit.is_none() {
            pump.cancelled = true;
            (pump.conversation.end)()?;
        }
        pump.check_deadline()?;
        pump.turn(&mut buffer)?;
    }
    guard.0 = None;
    if pump.cancelled {
        return Err(Error::new(ErrorKind::Cancelled, "the run was cancelled"));
    }
    let exit = pump.exit.take();
    let [stdout, stderr] = pump.outputs;
    Ok(Output {
        exit_code: exit.as_ref().map_or(125, |exit| exit.code),
        truncated: stdout.truncated || stderr.truncated,
        stdout: stdout.kept,
        stderr: stderr.kept,
        timed_out: pump.timed_out || exit.is_some_and(|exit| exit.timed_out),
        duration: began.elapsed(),
    })
}

impl Pump<'_> {
    fn check_deadline(&mut self) -> Result<()> {
        let over = self.conversation.deadline.is_some_and(|at| at <= Instant::now());
        if over && self.exit.is_none() {
            self.conversation.deadline = None;
            self.timed_out = true;
            (self.conversation.end)()?;
        }
        Ok(())
    }

    /// Waits for something to happen, and does it.
    fn turn(&mut self, buffer: &mut [u8]) -> Result<()> {
        let [told, writable, stdout, stderr] = self.wait()?;
        if writable {
            self.send()?;
        }
        for (output, readable) in self.outputs.iter_mut().zip([stdout, stderr]) {
            if readable {
                output.read(buffer)?;
            }
        }
        if told { self.listen() } else { Ok(()) }
    }

    /// What can be done: listen, send, read standard output, read standard error.
    fn wait(&self) -> Result<[bool; 4]> {
        let mut fds = Vec::with_capacity(4);
        let mut places = Vec::with_capacity(4);
        if self.exit.is_none() {
            places.push(0);
            fds.push(PollFd::new(self.conversation.channel, PollFlags::IN));
        }
        if let Some(input) = &self.input {
            places.push(1);
            fds.push(PollFd::new(input, PollFlags::OUT));
        }
        for (place, output) in self.outputs.iter().enumerate() {
            if let Some(file) = &output.file {
                places.push(2 + place);
                fds.push(PollFd::new(file, PollFlags::IN));
            }
        }
        let left =
            self.conversation.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let pause = left.map_or(LOOK, |left| left.min(LOOK));
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(pause.subsec_nanos()) };
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot wait for the program", error)),
        }
        let mut happened = [false; 4];
        for (place, fd) in places.into_iter().zip(&fds) {
            happened[place] = !fd.revents().is_empty();
        }
        Ok(happened)
    }

    fn send(&mut self) -> Result<()> {
        let Some(input) = &self.input else { return Ok(()) };
        let rest = self.stdin.get(self.sent..).unwrap_or_default();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match rustix::net::send(input, rest, flags) {
            Ok(sent) => self.sent += sent,
            Err(Errno::AGAIN | Errno::INTR) => {}
            // The program does not want the rest, which is for it to say.
            Err(Errno::PIPE | Errno::CONNRESET) => self.input = None,
            Err(error) => return Err(Error::io("cannot send the program its input", error)),
        }
        if self.sent == self.stdin.len() {
            self.input = None;
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<()> {
        let message = self.conversation.channel.receive_raw().map_err(broken)?;
        let Some((body, _)) = message else {
            return Err(Error::new(
                ErrorKind::Runtime,
                "the container ended while the program ran, and the program with it",
            ));
        };
        // An executed program is told of by replies, a container's own by answers.
        if let Ok(Answer::Exited(exit)) = serde_json::from_slice::<Answer>(&body) {
            self.exit = Some(exit);
        } else {
            match serde_json::from_slice::<Reply>(&body) {
                Ok(Reply::Exited(exit)) => self.exit = Some(exit),
                // It ended before it could be ended.
                Ok(Reply::Failed(_)) if self.cancelled || self.timed_out => {}
                Ok(Reply::Failed(failure)) => return Err(failure.into()),
                _ => {}
            }
        }
        Ok(())
    }
}
