//! Runs a program to its end under a time limit and keeps what it printed. The program gets a
//! process group of its own, which the limit ends as a whole, with everything below it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::process;

/// How long a call may take unless told otherwise.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How long an output may stay open after its program ended.
const DRAIN: Duration = Duration::from_secs(5);

/// A call being prepared.
#[derive(Debug)]
pub struct Call {
    command: Command,
    input: Vec<u8>,
    limit: Duration,
}

/// What a call did.
#[derive(Debug)]
pub struct Output {
    /// Exit status, when it exited.
    pub code: Option<i32>,
    /// Signal, when one ended it.
    pub signal: Option<i32>,
    /// Everything on stdout, with bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Everything on stderr, likewise.
    pub stderr: String,
    /// Wall-clock time.
    pub took: Duration,
    shown: String,
}

/// A call that has no [`Output`].
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The program could not be started.
    #[error("`{call}` could not be run")]
    Start {
        /// The call as typed.
        call: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The limit was reached; the program and everything below it was killed.
    #[error("`{call}` was killed after {limit:?}; stdout: {stdout:?}; stderr: {stderr:?}")]
    TimedOut {
        /// The call as typed.
        call: String,
        /// The limit.
        limit: Duration,
        /// What it had printed on stdout.
        stdout: String,
        /// What it had printed on stderr.
        stderr: String,
    },
    /// The program ended, but a process that it left behind holds its output open.
    #[error("`{call}` ended with {status}, but something it started holds its output open")]
    OutputHeld {
        /// The call as typed.
        call: String,
        /// How the program ended.
        status: ExitStatus,
    },
}

impl Call {
    /// A call of `program` with the environment of the test.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program), input: Vec::new(), limit: LIMIT }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in this directory.
    #[must_use]
    pub fn dir(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// What the program reads on stdin; nothing otherwise.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// A limit other than [`LIMIT`].
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// When there is no output to speak of, see [`CallError`].
    #[must_use]
    pub fn run(self) -> Output {
        match self.try_run() {
            Ok(output) => output,
            Err(CallError::Start { call, source }) => panic!("`{call}` could not be run: {source}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs to the end, for a test that expects the limit to be reached.
    pub fn try_run(mut self) -> Result<Output, CallError> {
        let shown = shown(&self.command);
        let start = |source| CallError::Start { call: shown.clone(), source };
        let begun = Instant::now();
        let mut child = self
            .command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start)?;
        feed(&mut child, self.input);
        let stdout = read_apart(child.stdout.take());
        let stderr = read_apart(child.stderr.take());
        let Some(status) = wait(&mut child, self.limit).map_err(start)? else {
            end(&mut child).map_err(start)?;
            return Err(CallError::TimedOut {
                call: shown,
                limit: self.limit,
                stdout: stdout.recv_timeout(DRAIN).unwrap_or_default(),
                stderr: stderr.recv_timeout(DRAIN).unwrap_or_default(),
            });
        };
        match (stdout.recv_timeout(DRAIN), stderr.recv_timeout(DRAIN)) {
            (Ok(stdout), Ok(stderr)) => Ok(Output {
                code: status.code(),
                signal: status.signal(),
                stdout,
                stderr,
                took: begun.elapsed(),
                shown,
            }),
            _ => Err(CallError::OutputHeld { call: shown, status }),
        }
    }
}

impl Output {
    /// The program exited with 0.
    ///
    /// # Panics
    /// When it did not, with everything that it said.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        self.exits(0)
    }

    /// The program exited with this status.
    ///
    /// # Panics
    /// When it did not, with everything that it said.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert!(self.code == Some(code), "status {code} was expected of {}", self.told());
        self
    }

    /// stdout holds this text.
    ///
    /// # Panics
    /// When it does not, with everything that the program said.
    #[track_caller]
    pub fn stdout_has(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout should hold {text:?}: {}", self.told());
        self
    }

    /// stderr holds this text.
    ///
    /// # Panics
    /// When it does not, with everything that the program said.
    #[track_caller]
    pub fn stderr_has(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "stderr should hold {text:?}: {}", self.told());
        self
    }

    /// stdout without the line break at its end.
    #[must_use]
    pub fn line(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }

    /// The call and everything that came of it, for messages of failed assertions.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = format!("`{}`", self.shown);
        match (self.code, self.signal) {
            (Some(code), _) => drop(write!(text, " ended with status {code}")),
            (_, Some(signal)) => drop(write!(text, " was ended by signal {signal}")),
            (None, None) => text.push_str(" ended in an unknown way"),
        }
        format!("{text}\n--- stdout\n{}--- stderr\n{}---", self.stdout, self.stderr)
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Writes stdin from a thread: a program that reads nothing must not stop the test.
fn feed(child: &mut Child, input: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        thread::spawn(move || {
            // A program may end, or close its stdin, before it has read everything.
            drop(stdin.write_all(&input));
        });
    }
}

fn read_apart(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream
            && stream.read_to_end(&mut bytes).is_ok()
        {
            // Nobody listens any more if the limit was reached.
            drop(sender.send(String::from_utf8_lossy(&bytes).into_owned()));
        }
    });
    receiver
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn end(child: &mut Child) -> std::io::Result<()> {
    let below = process::below(child.id());
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group is gone already if its last process ended meanwhile.
        let _gone = kill_process_group(group, Signal::KILL);
    }
    below.iter().for_each(process::Process::kill);
    child.wait().map(|_status| ())
}
