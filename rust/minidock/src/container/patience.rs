//! Waiting in pieces: for callers that have something else to look at now and then, as signals of
//! their language or an event loop.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use minidock_proto::control::{Call, Reply};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Exit;
use super::control::{Attached, Control};
use super::exec::Executing;
use super::start::Running;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::ContainerId;

/// A container whose end is waited for.
#[derive(Debug)]
pub struct Watched {
    engine: Engine,
    id: ContainerId,
    control: Option<Control>,
}

impl Engine {
    /// Begins to wait for the container's end.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// let engine = minidock::Engine::open(&minidock::EngineOptions::default())?;
    /// let watched = engine.watch_container(&engine.find_container("job")?)?;
    /// while watched.try_wait(Duration::from_millis(50))?.is_none() {
    ///     print!(".");
    /// }
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn watch_container(&self, id: &ContainerId) -> Result<Watched> {
        let control = self.control(id)?;
        // One that cannot be asked ended between two messages.
        let control = control.filter(|control| control.send(&Call::Wait).is_ok());
        Ok(Watched { engine: self.clone(), id: id.clone(), control })
    }

    /// Waits until a container whose end was told is cleared up: it can be started again, or its
    /// name is free.
    pub fn settle_container(&self, id: &ContainerId) -> Result<()> {
        self.wait_until_gone(id)
    }
}

impl Watched {
    /// Waits for the end, at most that long; `None` when it still runs.
    pub fn try_wait(&self, time: Duration) -> Result<Option<Exit>> {
        if let Some(control) = &self.control {
            match told(control, time) {
                Ok(None) => return Ok(None),
                Ok(Some(exit)) => {
                    self.engine.wait_until_gone(&self.id)?;
                    return Ok(Some(exit));
                }
                // A supervisor that was killed has left what is known of it.
                Err(_) => self.engine.wait_until_gone(&self.id)?,
            }
        }
        self.engine.exit_record(&self.id).map(Some)
    }
}

impl Running {
    /// Waits for the end, at most that long; `None` when it still runs. A container that ended
    /// can be removed or started at once. Any number of threads may wait, any number of times.
    pub fn try_wait(&self, time: Duration) -> Result<Option<Exit>> {
        let began = Instant::now();
        let exit = self.waiting.wait(began.checked_add(time), || {
            while readable(&self.conversation.channel, began, time)? {
                if let Some(exit) = self.next_message()? {
                    return Ok(Some(exit));
                }
            }
            Ok(None)
        })?;
        if exit.is_some() {
            self.engine.wait_until_gone(&self.id)?;
        }
        Ok(exit)
    }
}

impl Executing {
    /// Waits for the end, at most that long; `None` when it still runs. Any number of threads may,
    /// any number of times.
    pub fn try_wait(&self, time: Duration) -> Result<Option<Exit>> {
        let until = Instant::now().checked_add(time);
        self.waiting.wait(until, || told(&self.control, time))
    }
}

impl Attached {
    /// Waits for the container's end, at most that long; `None` when it still runs. The end is
    /// told once.
    pub fn try_wait(&self, time: Duration) -> Result<Option<Exit>> {
        told(&self.control, time)
    }
}

/// Readable when `try_wait` has something to look at.
impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.conversation.channel.as_fd()
    }
}

/// Readable when `try_wait` has something to look at.
impl AsFd for Attached {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.channel().as_fd()
    }
}

/// Reads messages until one tells the end; replies to other calls come over the same connection.
fn told(control: &Control, time: Duration) -> Result<Option<Exit>> {
    let began = Instant::now();
    while readable(control.channel(), began, time)? {
        match control.receive()? {
            Reply::Exited(exit) => return Ok(Some(exit)),
            Reply::Failed(failure) => return Err(failure.into()),
            _ => {}
        }
    }
    Ok(None)
}

/// Whether a message, or the end of the connection, comes before `time` has passed.
fn readable(channel: impl AsFd, began: Instant, time: Duration) -> Result<bool> {
    loop {
        let left = time.saturating_sub(began.elapsed());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(&channel, PollFlags::IN)];
        match poll(&mut fds, Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot wait for the container", error)),
        }
    }
}
