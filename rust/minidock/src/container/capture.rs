//! Running a program to its end with its input given and its outputs collected.
//!
//! One thread carries everything: callbacks come on the caller's. Nothing is waited for without
//! a look at the token, and no output grows beyond its bound.

use std::fmt;
use std::time::Duration;

use minidock_proto::Bytes;

use super::exec::Bounds;
use super::{Attach, ContainerOptions, ExecOptions, StartOptions};
use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::signal;
use crate::store::ContainerId;

mod pump;

use pump::{Conversation, pump};

/// What is kept of each output when nothing else is said.
const OUTPUT_LIMIT: u64 = 16 << 20;

/// What takes a piece of output as it comes.
pub type OnOutput<'a> = Box<dyn FnMut(&[u8]) + 'a>;

/// How a program is run to its end.
///
/// ```
/// use std::time::Duration;
/// use minidock::container::RunOptions;
/// let options = RunOptions {
///     stdin: b"1 + 1\n".to_vec(),
///     timeout: Some(Duration::from_secs(5)),
///     ..RunOptions::default()
/// };
/// assert_eq!(options.output_limit, 16 << 20);
/// ```
pub struct RunOptions<'a> {
    /// Its whole standard input.
    pub stdin: Vec<u8>,
    /// How long it may take; then it ends with all that it started.
    pub timeout: Option<Duration>,
    /// The most bytes of each output that are kept and handed to the callbacks; what comes after
    /// is read and dropped.
    pub output_limit: u64,
    /// `NAME=value`, on top of the container's.
    pub env: Vec<Bytes>,
    /// Working directory; the container's without.
    pub workdir: Option<Bytes>,
    /// `user[:group]`; the container's without.
    pub user: Option<String>,
    /// Called with standard output as it comes, on the calling thread.
    pub on_stdout: Option<OnOutput<'a>>,
    /// Called with standard error as it comes.
    pub on_stderr: Option<OnOutput<'a>>,
    /// Ends it from another thread, with all that it started.
    pub cancel: CancelToken,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        Self {
            stdin: Vec::new(),
            timeout: None,
            output_limit: OUTPUT_LIMIT,
            env: Vec::new(),
            workdir: None,
            user: None,
            on_stdout: None,
            on_stderr: None,
            cancel: CancelToken::default(),
        }
    }
}

impl fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("stdin", &self.stdin.len())
            .field("timeout", &self.timeout)
            .field("output_limit", &self.output_limit)
            .field("env", &self.env)
            .field("workdir", &self.workdir)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What a program said and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status as a shell shows it: 128 + the signal for one that was killed.
    pub exit_code: i32,
    /// Standard output, within the bound.
    pub stdout: Vec<u8>,
    /// Standard error, within the bound.
    pub stderr: Vec<u8>,
    /// Its time was up: it was killed, with all that it had started.
    pub timed_out: bool,
    /// It said more than the bound allows; the rest was dropped.
    pub truncated: bool,
    /// How long it ran.
    pub duration: Duration,
}

impl Engine {
    /// Executes a program in a running container and waits for its end.
    ///
    /// A time-out or a cancellation ends it with everything that it started, also what went into
    /// the background. That needs a container without further capabilities and with the default
    /// seccomp filter; elsewhere a time-out is refused.
    pub fn exec_output(
        &self,
        id: &ContainerId,
        args: Vec<Bytes>,
        options: RunOptions<'_>,
    ) -> Result<Output> {
        let tracked = options.timeout.is_some();
        self.capture(id, args, options, tracked)
    }

    pub(crate) fn capture(
        &self,
        id: &ContainerId,
        args: Vec<Bytes>,
        mut options: RunOptions<'_>,
        tracked: bool,
    ) -> Result<Output> {
        cancelled(&options.cancel)?;
        let wanted = ExecOptions {
            args,
            env: std::mem::take(&mut options.env),
            workdir: options.workdir.take(),
            user: options.user.take(),
            attach: attach(&options),
            owned: true,
            ..ExecOptions::default()
        };
        let mut executing =
            self.exec_as(id, &wanted, Bounds { tracked, timeout: options.timeout })?;
        let streams = std::mem::take(&mut executing.streams);
        let conversation = Conversation {
            channel: executing.control.channel(),
            end: &|| match tracked {
                true => executing.end_all(),
                false => executing.kill(signal::KILL),
            },
            // The supervisor watches the time of what it tracks.
            deadline: None,
        };
        pump(conversation, streams, options)
    }

    /// Runs a container of its own to its end and removes it.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// use minidock::container::{ContainerOptions, RunOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let options = ContainerOptions {
    ///     command: vec!["echo".into(), "hello".into()],
    ///     ..ContainerOptions::new("busybox")
    /// };
    /// let output = engine.run_output(&options, RunOptions::default())?;
    /// assert_eq!(output.stdout, b"hello\n");
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn run_output(
        &self,
        container: &ContainerOptions,
        mut options: RunOptions<'_>,
    ) -> Result<Output> {
        cancelled(&options.cancel)?;
        let mut container = container.clone();
        container.auto_remove = true;
        container.env.append(&mut options.env);
        container.workdir = options.workdir.take().or(container.workdir);
        container.user = options.user.take().or(container.user);
        let created = self.prepare_container(&container)?;
        let start = StartOptions { attach: attach(&options), owned: true, window: None };
        let mut running = self.start_created(created, start)?;
        let streams = std::mem::take(&mut running.streams);
        let conversation = Conversation {
            channel: running.channel(),
            end: &|| running.kill(signal::KILL),
            deadline: options.timeout.and_then(|time| std::time::Instant::now().checked_add(time)),
        };
        let output = pump(conversation, streams, options);
        self.wait_until_gone(&running.id)?;
        // Its supervisor removes it, unless it was killed.
        self.remove_ended(&running.id)?;
        output
    }
}

fn attach(options: &RunOptions<'_>) -> Attach {
    Attach { stdin: !options.stdin.is_empty(), ..Attach::OUTPUT }
}

fn cancelled(token: &CancelToken) -> Result<()> {
    match token.is_cancelled() {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
    }
}
