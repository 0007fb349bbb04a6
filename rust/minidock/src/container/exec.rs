//! `exec`: another process in a running container.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use minidock_proto::control::{Call, Reply};
use minidock_proto::process::{Lockdown, Process};
use minidock_proto::{Bytes, Outgoing};

use super::capabilities::needs_own_namespace;
use super::config::ContainerConfig;
use super::control::{Control, when_still_there};
use super::options::SeccompOption;
use super::start::own_pidfd;
use super::streams::{self, Attach, ClientStreams};
use super::waiting::Waiting;
use super::{Exit, WindowSize};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::broken;
use crate::store::ContainerId;

/// A process to be executed. What is `None` comes from the container.
#[derive(Debug, Clone, Default)]
pub struct ExecOptions {
    /// Program and arguments.
    pub args: Vec<Bytes>,
    /// `NAME=value`, on top of the container's.
    pub env: Vec<Bytes>,
    /// Working directory.
    pub workdir: Option<Bytes>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// A terminal.
    pub tty: bool,
    /// Its size at first.
    pub window: Option<WindowSize>,
    /// Streams that the caller carries.
    pub attach: Attach,
    /// End the process when this process ends.
    pub owned: bool,
}

/// What an executed process is kept within.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// All that it starts can be ended with it.
    pub(super) tracked: bool,
    /// When that happens.
    pub(super) timeout: Option<Duration>,
}

/// A process that was executed.
#[derive(Debug)]
pub struct Executing {
    /// The caller's ends.
    pub streams: ClientStreams,
    pub(super) control: Control,
    pub(super) waiting: Waiting,
}

impl Engine {
    /// Executes a process in a running container.
    pub fn exec_container(&self, id: &ContainerId, options: &ExecOptions) -> Result<Executing> {
        self.exec_as(id, options, Bounds::default())
    }

    /// Executes a process that can be ended with all that it starts.
    pub(super) fn exec_as(
        &self,
        id: &ContainerId,
        options: &ExecOptions,
        bounds: Bounds,
    ) -> Result<Executing> {
        if options.args.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "no command is given to execute"));
        }
        let config = self.container_settings(id)?;
        let control = self.running(id)?;
        if bounds.tracked {
            can_be_tracked(&config)?;
            control.knows_tracking()?;
        }
        let mut env = config.env.clone();
        env.extend(options.env.iter().cloned());
        let size = options.window.unwrap_or(WindowSize { rows: 24, columns: 80 });
        let process = Process {
            args: options.args.clone(),
            env,
            cwd: options.workdir.clone().unwrap_or_else(|| config.cwd.clone()),
            user: options.user.clone().unwrap_or_else(|| config.user.clone()),
            groups: config.groups.clone(),
            terminal: options.tty.then_some(size),
            lockdown: lockdown(&config),
            limits: config.limits.clone(),
        };
        let (streams, ends) = streams::pipes(options.attach)?;
        let owner = if options.owned { Some(own_pidfd()?) } else { None };
        let mut fds = Outgoing::default();
        let call = Call::Exec {
            process: Box::new(process),
            stdio: ends.push(&mut fds),
            owner: owner.as_ref().map(|owner| fds.push(owner.as_fd())),
            tracked: bounds.tracked,
            timeout: bounds.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        };
        control.channel().send(&call, fds.as_slice()).map_err(broken)?;
        match control.receive()? {
            Reply::Failed(failure) => Err(failure.into()),
            _ => Ok(Executing { streams, control, waiting: Waiting::default() }),
        }
    }
}

/// The filter is not sent: the supervisor gives every process that of init.
fn lockdown(config: &ContainerConfig) -> Lockdown {
    Lockdown {
        capabilities: config.capabilities,
        no_new_privileges: config.no_new_privileges,
        seccomp: None,
    }
}

/// The descriptor becomes readable when the process has ended, for event loops; nothing may be
/// read from it but by [`Executing::wait`].
impl AsFd for Executing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.channel().as_fd()
    }
}

/// What a process starts is known by its UTS namespace: it must not be able to leave it.
fn can_be_tracked(config: &ContainerConfig) -> Result<()> {
    let can_leave = config.privileged
        || config.seccomp != SeccompOption::Default
        || needs_own_namespace(config.capabilities);
    if !can_leave {
        return Ok(());
    }
    let message = "a time-out needs a container with the default seccomp filter and no further \
                   capabilities: with more, its processes could hide from it";
    Err(Error::new(ErrorKind::InvalidInput, message)
        .with_hint("execute without a time-out, and stop the container when its time is up"))
}

impl Executing {
    /// Waits for the end; any number of threads may, any number of times.
    pub fn wait(&self) -> Result<Exit> {
        let exit = self.waiting.wait(None, || self.control.wait_for_exit().map(Some))?;
        exit.ok_or_else(|| Error::new(ErrorKind::Runtime, "the process ended without a status"))
    }

    /// Changes the size of its terminal.
    pub fn resize(&self, size: WindowSize) -> Result<()> {
        self.control.send(&Call::Resize { size })
    }

    /// Sends it a signal.
    pub fn kill(&self, signal: i32) -> Result<()> {
        self.control.send(&Call::Signal { signal })
    }

    /// Ends it with all that it started; only for one that is tracked.
    pub(super) fn end_all(&self) -> Result<()> {
        self.control.send(&Call::EndAll)
    }

    /// Gives the streams up; the process goes on.
    pub fn detach(&self) -> Result<()> {
        when_still_there(self.control.channel().send(&Call::Detach, &[]))
    }
}
