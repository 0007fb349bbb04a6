//! One process of the container with its streams: init, or one that was exec'd.

use std::os::fd::OwnedFd;
use std::time::Instant;

use minidock_proto::log::Stream;
use minidock_proto::process::WindowSize;
use minidock_proto::record::Exit;
use minidock_proto::request::FailureKind;
use rustix::process::Pid;

use super::pump::{Input, Output, Sink, non_blocking};
use super::tracked::Tracked;
use crate::failure::{Context, Result, failure};
use crate::terminal;

pub(super) struct Session {
    /// Init of the container.
    pub(super) first: bool,
    pub(super) pid: Option<Pid>,
    pub(super) input: Option<Input>,
    pub(super) outputs: Vec<Output>,
    /// The terminal's master, kept for its size.
    terminal: Option<OwnedFd>,
    /// Clients' ends that wait for the terminal to come.
    waiting: (Option<OwnedFd>, Option<OwnedFd>),
    /// The client that executed it.
    pub(super) client: Option<u64>,
    /// The process ends with this one (a pidfd).
    pub(super) owner: Option<OwnedFd>,
    pub(super) started_at: i64,
    /// Its exit status, once it ended.
    pub(super) ended: Option<i32>,
    /// The id that events give to what was executed.
    pub(super) exec: Option<String>,
    /// What finds all that it started.
    pub(super) tracked: Option<Tracked>,
}

impl Session {
    pub(super) fn new(first: bool) -> Self {
        Self {
            first,
            pid: None,
            input: None,
            outputs: Vec::new(),
            terminal: None,
            waiting: (None, None),
            client: None,
            owner: None,
            started_at: super::records::now(),
            ended: None,
            exec: None,
            tracked: None,
        }
    }

    /// A pipe to the process; answers with the process's end.
    pub(super) fn input_pipe(
        &mut self,
        source: Option<OwnedFd>,
        close_at_end: bool,
    ) -> Result<OwnedFd> {
        let (reader, writer) = std::io::pipe().context(|| "make a pipe".into())?;
        if let Some(source) = &source {
            non_blocking(source)?;
        }
        let sink = Some(Sink::new(OwnedFd::from(writer))?);
        self.input = Some(Input { source, sink, close_at_end });
        Ok(OwnedFd::from(reader))
    }

    /// A pipe from the process; answers with the process's end.
    pub(super) fn output_pipe(
        &mut self,
        stream: Stream,
        client: Option<OwnedFd>,
    ) -> Result<OwnedFd> {
        let (reader, writer) = std::io::pipe().context(|| "make a pipe".into())?;
        let reader = OwnedFd::from(reader);
        non_blocking(&reader)?;
        let mut output = Output::new(stream, Some(reader));
        if let Some(client) = client {
            output.sinks.push(Sink::new(client)?);
        }
        self.outputs.push(output);
        Ok(OwnedFd::from(writer))
    }

    /// Keeps the client's ends until the terminal comes.
    pub(super) fn expect_terminal(
        &mut self,
        stdin: Option<OwnedFd>,
        stdout: Option<OwnedFd>,
    ) -> Result<()> {
        if let Some(stdin) = &stdin {
            non_blocking(stdin)?;
        }
        self.waiting = (stdin, stdout);
        Ok(())
    }

    /// The process runs.
    pub(super) fn started(&mut self, pid: Pid, terminal: Option<OwnedFd>) -> Result<()> {
        self.pid = Some(pid);
        let Some(master) = terminal else { return Ok(()) };
        let copy =
            || rustix::io::fcntl_dupfd_cloexec(&master, 3).context(|| "copy the terminal".into());
        let (stdin, stdout) = std::mem::take(&mut self.waiting);
        non_blocking(&master)?;
        let sink = Some(Sink::new(copy()?)?);
        self.input = Some(Input { source: stdin, sink, close_at_end: false });
        let mut output = Output::new(Stream::Stdout, Some(copy()?));
        if let Some(stdout) = stdout {
            output.sinks.push(Sink::new(stdout)?);
        }
        self.outputs.push(output);
        self.terminal = Some(master);
        Ok(())
    }

    /// Connects another client.
    pub(super) fn attach(
        &mut self,
        stdin: Option<OwnedFd>,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
    ) -> Result<()> {
        for output in &mut self.outputs {
            let end = match output.stream {
                Stream::Stdout => stdout.as_ref(),
                Stream::Stderr => stderr.as_ref(),
            };
            let Some(end) = end else { continue };
            let copy = rustix::io::fcntl_dupfd_cloexec(end, 3)
                .context(|| "copy a client's stream".into())?;
            output.sinks.push(Sink::new(copy)?);
        }
        if let (Some(input), Some(stdin)) = (&mut self.input, stdin) {
            non_blocking(&stdin)?;
            input.source = Some(stdin);
        }
        Ok(())
    }

    /// Lets the clients' ends go; the process goes on.
    pub(super) fn detach(&mut self) {
        if let Some(input) = &mut self.input {
            input.source = None;
            input.close_at_end = false;
        }
        for output in &mut self.outputs {
            output.sinks.clear();
        }
        self.owner = None;
    }

    pub(super) fn resize(&self, size: WindowSize) -> Result<()> {
        match &self.terminal {
            Some(master) => rustix::termios::tcsetwinsize(master, terminal::winsize(size))
                .context(|| "resize the terminal".into()),
            None => Err(failure(FailureKind::Conflict, "the process has no terminal")),
        }
    }

    /// The process ended.
    pub(super) fn process_ended(&mut self, code: i32) {
        self.ended = Some(code);
        self.input = None;
        self.owner = None;
        // With init everything ends, and a terminal tells its end itself.
        if !self.first && self.terminal.is_none() {
            self.outputs.iter_mut().for_each(Output::process_ended);
        }
    }

    /// When something is to be done for it without anybody asking.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        self.tracked.as_ref().and_then(Tracked::next_moment)
    }

    /// How it ended.
    pub(super) fn exit(&self) -> Exit {
        Exit {
            code: self.ended.unwrap_or(125),
            started_at: self.started_at,
            finished_at: super::records::now(),
            error: None,
            timed_out: self.tracked.as_ref().is_some_and(|tracked| tracked.timed_out),
        }
    }

    /// Ended, and everything it said has been handed on.
    pub(super) fn is_done(&self) -> bool {
        self.ended.is_some()
            && self.tracked.as_ref().is_none_or(Tracked::is_gone)
            && self.outputs.iter().all(|output| output.source.is_none() && !output.is_waiting())
    }
}
