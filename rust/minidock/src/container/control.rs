//! Talking to the supervisor of a running container.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use minidock_proto::control::{Call, Reply};
use minidock_proto::{Channel, ChannelError, Outgoing, record, socket};
use minidock_sys::peer;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::config::ContainerConfig;
use super::list::Status;
use super::streams::{self, Attach, ClientStreams};
use super::{Exit, StartOptions, WindowSize};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::broken;
use crate::store::{ContainerId, copied_now};

/// How long a supervisor may take to end once its container was killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first version whose supervisors can end a process with all that it started.
const TRACKING: u32 = 2;

/// A connection to a supervisor.
#[derive(Debug)]
pub(crate) struct Control {
    channel: Channel,
}

/// A connection to the streams of a running container.
#[derive(Debug)]
pub struct Attached {
    /// The caller's ends.
    pub streams: ClientStreams,
    pub(super) control: Control,
}

impl Engine {
    /// Connects; `None` when the container does not run.
    pub(crate) fn control(&self, id: &ContainerId) -> Result<Option<Control>> {
        let path = self.store().container_dir(id).join(record::SOCKET);
        // A supervisor takes its lock before it listens; give one that starts a moment.
        for _ in 0..200 {
            match socket::connect(&path) {
                Ok(fd) => return Ok(Some(Control { channel: Channel::from(fd) })),
                Err(_) if !self.store().is_alive(id)? => return Ok(None),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Err(Error::new(
            ErrorKind::Runtime,
            format!("the supervisor of container {} does not answer", id.short()),
        )
        .with_hint("`minidock rm -f` ends it whatever it does"))
    }

    pub(crate) fn running(&self, id: &ContainerId) -> Result<Control> {
        self.control(id)?.ok_or_else(|| not_running(id))
    }

    /// Sends a signal to the container's first process.
    pub fn kill_container(&self, id: &ContainerId, signal: i32) -> Result<()> {
        match self.running(id)?.ask(&Call::Kill { signal })? {
            Reply::Failed(failure) => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// Asks the container to stop and kills it when it did not in `seconds` (its own time-out
    /// without). One that does not run is stopped already.
    pub fn stop_container(&self, id: &ContainerId, seconds: Option<u32>) -> Result<()> {
        let record = self.store().container(id)?;
        let config: ContainerConfig = self.container_settings(id)?;
        let Some(control) = self.control(id)? else { return Ok(()) };
        let supervisor = match control.supervisor() {
            Ok(supervisor) => supervisor,
            // It ended between two questions.
            Err(_) if !self.store().is_alive(id)? => return Ok(()),
            Err(error) => return Err(error),
        };
        let seconds = seconds.unwrap_or(config.stop_timeout);
        let grace = u64::from(seconds) * 1000;
        control.send(&Call::Stop { signal: None, grace })?;
        match control.wait_for_exit() {
            Ok(_) => {}
            // A supervisor that ended between two messages has stopped.
            Err(_) if !self.store().is_alive(id)? => {}
            Err(error) => return Err(error),
        }
        wait_for_end(&supervisor)?;
        self.wait_until_gone(id)?;
        self.container_event(&record, &config, "stop", &[]);
        Ok(())
    }

    /// Stops and starts.
    pub fn restart_container(&self, id: &ContainerId, seconds: Option<u32>) -> Result<()> {
        let record = self.store().container(id)?;
        let config = self.container_settings(id)?;
        self.stop_container(id, seconds)?;
        self.start_container(id, StartOptions::default())?;
        self.container_event(&record, &config, "restart", &[]);
        Ok(())
    }

    /// Waits for the container's end; at once when it does not run. It can be removed or started
    /// again then.
    pub fn wait_container(&self, id: &ContainerId) -> Result<Exit> {
        loop {
            if let Some(exit) = self.wait_until(id, None)? {
                return Ok(exit);
            }
        }
    }

    /// As [`Engine::wait_container`], for no longer than `time`: `None` when it still runs then.
    pub fn wait_container_for(&self, id: &ContainerId, time: Duration) -> Result<Option<Exit>> {
        self.wait_until(id, Instant::now().checked_add(time))
    }

    /// A supervisor serves no socket before the program runs and after it ended: then its records
    /// are looked at, until one of both is there.
    fn wait_until(&self, id: &ContainerId, until: Option<Instant>) -> Result<Option<Exit>> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(control) = self.control(id)? {
                when_still_there(control.channel.send(&Call::Wait, &[]))?;
                if !readable(control.channel.as_fd(), until)? {
                    return Ok(None);
                }
                if let Ok(exit) = control.wait_for_exit() {
                    return Ok(Some(exit));
                }
            }
            if self.container_state(id)?.status != Status::Running {
                return self.exit_record(id).map(Some);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Connects to the standard streams of a running container.
    pub fn attach_container(&self, id: &ContainerId, attach: Attach) -> Result<Attached> {
        let control = self.running(id)?;
        let (streams, ends) = streams::pipes(attach)?;
        let mut fds = Outgoing::default();
        let stdio = ends.push(&mut fds);
        control.channel.send(&Call::Attach { stdio }, fds.as_slice()).map_err(broken)?;
        match control.receive()? {
            Reply::Failed(failure) => Err(failure.into()),
            _ => Ok(Attached { streams, control }),
        }
    }

    /// Kills the supervisor itself: the kernel then ends everything of the container.
    pub(crate) fn kill_supervisor(&self, id: &ContainerId) -> Result<()> {
        let Some(control) = self.control(id)? else { return Ok(()) };
        let supervisor = control.supervisor()?;
        match rustix::process::pidfd_send_signal(&supervisor, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {
                wait_for_end(&supervisor)?;
                self.wait_until_gone(id)
            }
            Err(error) => Err(Error::io("cannot kill the container", error)),
        }
    }

    /// Waits until the supervisor let its lock go.
    pub(crate) fn wait_until_gone(&self, id: &ContainerId) -> Result<()> {
        self.wait_while(id, || self.store().is_alive(id))
    }

    /// Waits for a supervisor whose container ended and that only clears up.
    pub(crate) fn wait_for_clearing(&self, id: &ContainerId) -> Result<()> {
        self.wait_while(id, || {
            let ended = self.container_state(id)?.status != Status::Running;
            Ok(ended && self.store().is_alive(id)?)
        })
    }

    /// Waits for a copy of files of a container that does not run.
    pub(crate) fn wait_for_copies(&self, id: &ContainerId) -> Result<()> {
        let waited = self.wait_while(id, || self.store().files_are_taken(id));
        match self.store().files_are_taken(id)? {
            true => Err(copied_now(id)),
            false => waited,
        }
    }

    fn wait_while(&self, id: &ContainerId, holds: impl Fn() -> Result<bool>) -> Result<()> {
        let began = std::time::Instant::now();
        let mut pause = Duration::from_micros(200);
        while holds()? {
            if began.elapsed() > PATIENCE {
                let message = format!("the supervisor of container {} does not end", id.short());
                return Err(Error::new(ErrorKind::Runtime, message));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Control {
    pub(crate) fn send(&self, call: &Call) -> Result<()> {
        self.channel.send(call, &[]).map_err(broken)
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(crate) fn receive(&self) -> Result<Reply> {
        match self.channel.receive::<Reply>().map_err(broken)? {
            Some((reply, _)) => Ok(reply),
            None => Err(Error::new(ErrorKind::Runtime, "the container's supervisor ended")),
        }
    }

    /// Refuses a supervisor of an older version, which would ignore what it does not know.
    pub(super) fn knows_tracking(&self) -> Result<()> {
        match self.ask(&Call::Status)? {
            Reply::Status(status) if status.version >= TRACKING => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Incompatible,
                "the container was started by an older minidock, which knows no time-outs",
            )
            .with_hint("restart the container")),
        }
    }

    fn ask(&self, call: &Call) -> Result<Reply> {
        self.send(call)?;
        self.receive()
    }

    pub(crate) fn wait_for_exit(&self) -> Result<Exit> {
        loop {
            match self.receive()? {
                Reply::Exited(exit) => return Ok(exit),
                Reply::Failed(failure) => return Err(failure.into()),
                _ => {}
            }
        }
    }

    /// A pidfd of the supervisor, told by the kernel for this connection.
    pub(crate) fn supervisor(&self) -> Result<OwnedFd> {
        let pid = self.supervisor_pid()?;
        rustix::process::pidfd_open(pid, PidfdFlags::empty())
            .map_err(|error| Error::io("cannot open the container's supervisor", error))
    }

    pub(crate) fn supervisor_pid(&self) -> Result<Pid> {
        let failed = |error| Error::io("cannot ask for the container's supervisor", error);
        peer::of(self.channel.as_fd())
            .and_then(|peer| peer.pid.ok_or_else(|| std::io::ErrorKind::NotFound.into()))
            .map_err(failed)
    }
}

impl Attached {
    /// Waits for the end of the container.
    pub fn wait(&self) -> Result<Exit> {
        self.control.wait_for_exit()
    }

    /// Changes the size of its terminal.
    pub fn resize(&self, size: WindowSize) -> Result<()> {
        self.control.send(&Call::Resize { size })
    }

    /// Gives the streams up; the container goes on.
    pub fn detach(&self) -> Result<()> {
        when_still_there(self.control.channel().send(&Call::Detach, &[]))
    }
}

/// What was said to a supervisor that may have ended by itself just before.
pub(super) fn when_still_there(sent: Result<(), ChannelError>) -> Result<()> {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    match sent {
        Err(ChannelError::Io(error)) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
            Ok(())
        }
        sent => sent.map_err(broken),
    }
}

/// Waits until something can be read, without a limit when there is no `until`.
pub(super) fn readable(fd: BorrowedFd<'_>, until: Option<Instant>) -> Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot wait for the container", error)),
        }
    }
}

/// Waits for the end of a supervisor, and so of everything in its pid namespace: only then are
/// its published ports free.
fn wait_for_end(supervisor: &OwnedFd) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
    let mut fds = [PollFd::new(supervisor, PollFlags::IN)];
    loop {
        match poll(&mut fds, Some(&timeout)) {
            Ok(1..) => return Ok(()),
            Ok(0) => {
                let message = "the container's supervisor does not end";
                return Err(Error::new(ErrorKind::Runtime, message));
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot wait for the container's end", error)),
        }
    }
}

fn not_running(id: &ContainerId) -> Error {
    Error::new(ErrorKind::Conflict, format!("container {} is not running", id.short()))
        .with_hint("`minidock ps -a` shows its state, `minidock start` starts it")
}
