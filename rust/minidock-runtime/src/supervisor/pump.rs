//! Moving bytes between the container and its clients in bounded memory.
//!
//! Every descriptor is non-blocking. A reader that is slow makes the container wait, as a pipe
//! in a shell does; a reader that is gone is forgotten.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use minidock_proto::log::Stream;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::log::Log;
use crate::failure::{Context, Result};

/// Bytes moved at a time, and the most that waits for one reader.
const CHUNK: usize = 64 << 10;

/// Makes a descriptor non-blocking.
pub(super) fn non_blocking(fd: &OwnedFd) -> Result<()> {
    let what = || "prepare a stream".to_owned();
    let flags = rustix::fs::fcntl_getfl(fd).context(what)?;
    rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK).context(what)
}

/// Bytes on their way to a descriptor.
pub(super) struct Sink {
    pub(super) fd: OwnedFd,
    pending: Vec<u8>,
}

impl Sink {
    pub(super) fn new(fd: OwnedFd) -> Result<Self> {
        non_blocking(&fd)?;
        Ok(Self { fd, pending: Vec::new() })
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what waits; `false` when the reader is gone.
    pub(super) fn flush(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.fd, &self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(Errno::AGAIN) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Takes bytes; `false` when the reader is gone.
    fn push(&mut self, bytes: &[u8]) -> bool {
        self.pending.extend_from_slice(bytes);
        self.flush()
    }
}

/// One output stream of a process.
pub(super) struct Output {
    pub(super) stream: Stream,
    /// `None` once it ended.
    pub(super) source: Option<OwnedFd>,
    pub(super) sinks: Vec<Sink>,
    /// Bytes that still count, once the process ended.
    left: Option<u64>,
}

impl Output {
    pub(super) fn new(stream: Stream, source: Option<OwnedFd>) -> Self {
        Self { stream, source, sinks: Vec::new(), left: None }
    }

    /// The process ended: what it left in the pipe counts, what a process that it left behind
    /// writes there later does not.
    pub(super) fn process_ended(&mut self) {
        let left = self.source.as_ref().map(rustix::io::ioctl_fionread);
        match left {
            Some(Ok(left @ 1..)) => self.left = Some(left),
            Some(_) => self.source = None,
            None => {}
        }
    }

    /// Whether more may be read now: not while a reader lags.
    pub(super) fn wants_input(&self) -> bool {
        self.source.is_some() && !self.sinks.iter().any(Sink::is_waiting)
    }

    /// Reads once; `false` when nothing more comes for now.
    pub(super) fn read(&mut self, log: Option<&mut Log>, buffer: &mut [u8; CHUNK]) -> bool {
        let Some(source) = &self.source else { return false };
        match rustix::io::read(source, &mut buffer[..]) {
            Ok(0) => self.source = None,
            Ok(length) => {
                let bytes = &buffer[..length];
                if let Some(log) = log {
                    log.write(self.stream, bytes);
                }
                self.sinks.retain_mut(|sink| sink.push(bytes));
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(length as u64);
                    if *left == 0 {
                        self.source = None;
                    }
                }
                return true;
            }
            Err(Errno::INTR) => return true,
            Err(Errno::AGAIN) => {}
            // EIO is how a terminal says that its last process is gone.
            Err(_) => self.source = None,
        }
        false
    }

    pub(super) fn flush(&mut self, place: usize) {
        if let Some(sink) = self.sinks.get_mut(place)
            && !sink.flush()
        {
            self.sinks.remove(place);
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.sinks.iter().any(Sink::is_waiting)
    }
}

/// The standard input of a process.
pub(super) struct Input {
    /// The client's end; `None` without a client.
    pub(super) source: Option<OwnedFd>,
    /// The process's end; `None` once closed.
    pub(super) sink: Option<Sink>,
    /// Close the process's end when the client's ends.
    pub(super) close_at_end: bool,
}

impl Input {
    pub(super) fn wants_input(&self) -> bool {
        self.source.is_some() && self.sink.as_ref().is_some_and(|sink| !sink.is_waiting())
    }

    pub(super) fn read(&mut self, buffer: &mut [u8; CHUNK]) {
        let Some(source) = &self.source else { return };
        match rustix::io::read(source, &mut buffer[..]) {
            Ok(0) => self.source_ended(),
            Ok(length) => {
                if let Some(sink) = &mut self.sink
                    && !sink.push(&buffer[..length])
                {
                    self.sink = None;
                    self.source = None;
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.source_ended(),
        }
    }

    fn source_ended(&mut self) {
        self.source = None;
        if self.close_at_end && self.sink.as_ref().is_some_and(|sink| !sink.is_waiting()) {
            self.sink = None;
        }
    }

    pub(super) fn flush(&mut self) {
        let Some(sink) = &mut self.sink else { return };
        let gone = !sink.flush();
        let drained = self.source.is_none() && self.close_at_end && !sink.is_waiting();
        if gone || drained {
            self.sink = None;
        }
    }
}

/// The buffer that all pumps of a supervisor share. It costs no memory until bytes come.
pub(super) fn buffer() -> MutexGuard<'static, [u8; CHUNK]> {
    static BUFFER: Mutex<[u8; CHUNK]> = Mutex::new([0; CHUNK]);
    // A panic ends the process: the lock is never found broken.
    BUFFER.lock().unwrap_or_else(PoisonError::into_inner)
}
