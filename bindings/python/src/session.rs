//! A program whose streams Python carries: pieces of output, its input, and its end.
//!
//! The lock is held only while the interpreter's is not, and never across two slices of a wait:
//! one thread may send a signal while another reads.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minidock::container::{Attached, ClientStreams, Executing, Exit, Running, WindowSize};
use minidock::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::failure::{raised, raised_as};
use crate::patience;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// What a session reports, in the numbers that Python sees.
const ENDED: i32 = 0;
const STDOUT: i32 = 1;
const STDERR: i32 = 2;
const WANTS_INPUT: i32 = 3;

/// The other end.
pub(crate) enum Remote {
    /// With the engine that clears up after it.
    Running(Running, minidock::Engine),
    Executing(Executing),
    Attached(Attached),
}

/// A program whose streams are carried.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Session {
    remote: Remote,
    carried: Mutex<Carried>,
    pid: u32,
}

struct Carried {
    streams: ClientStreams,
    /// Input that the program did not take yet.
    pending: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
    /// The caller asks to be told when there is no input left.
    asks: bool,
    /// The input ends with what is pending.
    last: bool,
    exit: Option<Exit>,
}

enum Event {
    Ended(i32),
    Output(i32, Vec<u8>),
    WantsInput,
}

impl Session {
    pub(crate) fn new(mut remote: Remote) -> Result<Self> {
        let streams = std::mem::take(match &mut remote {
            Remote::Running(running, _) => &mut running.streams,
            Remote::Executing(executing) => &mut executing.streams,
            Remote::Attached(attached) => &mut attached.streams,
        });
        if let Some(stdin) = &streams.stdin {
            rustix::io::ioctl_fionbio(stdin, true)
                .map_err(|error| Error::io("cannot prepare the program's input", error))?;
        }
        let carried = Carried {
            streams,
            pending: Vec::new(),
            taken: 0,
            asks: false,
            last: false,
            exit: None,
        };
        Ok(Self { remote, carried: Mutex::new(carried), pid: std::process::id() })
    }

    fn carried(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> PyResult<()> {
        if self.pid == std::process::id() {
            return Ok(());
        }
        Err(raised_as(
            "Forked",
            "this stream was opened before os.fork() and cannot be used in the child",
            None,
        ))
    }

    /// One look at everything, waiting at most `time`.
    fn step(&self, time: Duration) -> Result<Option<Event>> {
        let mut carried = self.carried();
        let streams = &carried.streams;
        if let (Some(exit), None, None) = (&carried.exit, &streams.stdout, &streams.stderr) {
            if let Remote::Running(running, engine) = &self.remote {
                // So that the next call finds it ended, or its name free.
                engine.settle_container(&running.id)?;
            }
            return Ok(Some(Event::Ended(exit.code)));
        }
        let has_input = carried.taken < carried.pending.len();
        if carried.asks && !has_input && streams.stdin.is_some() && carried.exit.is_none() {
            carried.asks = false;
            return Ok(Some(Event::WantsInput));
        }
        let ready = self.poll(&carried, has_input, time)?;
        if ready.stdin {
            carried.write();
        }
        for (is_ready, number) in [(ready.stdout, STDOUT), (ready.stderr, STDERR)] {
            if is_ready && let Some(bytes) = carried.read(number)? {
                return Ok(Some(Event::Output(number, bytes)));
            }
        }
        if ready.remote {
            carried.exit = self.try_wait()?;
        }
        Ok(None)
    }

    fn try_wait(&self) -> Result<Option<Exit>> {
        match &self.remote {
            Remote::Running(running, _) => running.try_wait(Duration::ZERO),
            Remote::Executing(executing) => executing.try_wait(Duration::ZERO),
            Remote::Attached(attached) => attached.try_wait(Duration::ZERO),
        }
    }

    fn poll(&self, carried: &Carried, has_input: bool, time: Duration) -> Result<Ready> {
        let streams = &carried.streams;
        let remote = carried.exit.is_none().then(|| self.remote.as_fd());
        let sources = [
            (remote, PollFlags::IN),
            (streams.stdout.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (streams.stderr.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (streams.stdin.as_ref().filter(|_| has_input).map(AsFd::as_fd), PollFlags::OUT),
        ];
        let present = sources.iter().filter_map(|(fd, flags)| fd.map(|fd| (fd, *flags)));
        let mut fds: Vec<_> =
            present.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)).collect();
        let time = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&time)) {
            Ok(_) => {}
            // A signal came: the caller looks at it now.
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(Error::io("cannot wait for the program", error)),
        }
        let mut answers = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |place: usize| sources[place].0.is_some() && answers.next() == Some(true);
        Ok(Ready { remote: next(0), stdout: next(1), stderr: next(2), stdin: next(3) })
    }
}

#[derive(Default)]
struct Ready {
    remote: bool,
    stdout: bool,
    stderr: bool,
    stdin: bool,
}

impl AsFd for Remote {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Running(running, _) => running.as_fd(),
            Self::Executing(executing) => executing.as_fd(),
            Self::Attached(attached) => attached.as_fd(),
        }
    }
}

impl Carried {
    /// A piece of output; nothing at its end.
    fn read(&mut self, number: i32) -> Result<Option<Vec<u8>>> {
        let slot: &mut Option<File> =
            if number == STDOUT { &mut self.streams.stdout } else { &mut self.streams.stderr };
        let Some(file) = slot else { return Ok(None) };
        let mut buffer = vec![0; PIECE];
        match file.read(&mut buffer) {
            Ok(0) => *slot = None,
            Ok(length) => {
                buffer.truncate(length);
                return Ok(Some(buffer));
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("cannot read the program's output", error)),
        }
        Ok(None)
    }

    /// Closes the input, if nothing more of it is to come.
    fn end_input(&mut self) {
        if self.last && self.pending.is_empty() {
            self.streams.stdin = None;
        }
    }

    /// Hands input over; a program that takes no more has closed it.
    fn write(&mut self) {
        let Some(stdin) = &self.streams.stdin else { return };
        match rustix::io::write(stdin, &self.pending[self.taken..]) {
            Ok(count) => {
                self.taken += count;
                if self.taken == self.pending.len() {
                    (self.pending, self.taken) = (Vec::new(), 0);
                }
                self.end_input();
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => {
                self.streams.stdin = None;
                (self.pending, self.taken) = (Vec::new(), 0);
            }
        }
    }
}

/// What happened, the bytes of an output, the status at the end.
type Told<'py> = (i32, Option<Bound<'py, PyBytes>>, i32);

#[pymethods]
impl Session {
    /// The next thing that happens: `(1, bytes)` and `(2, bytes)` are output, `(3, None)` asks
    /// for input, `(0, status)` is the end. Nothing after `timeout` seconds.
    #[pyo3(signature = (timeout=None))]
    fn next_event<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Told<'py>>> {
        self.check()?;
        let event =
            patience::wait(py, timeout, |time| self.step(time).map_err(|error| raised(&error)))?;
        Ok(event.map(|event| match event {
            Event::Ended(status) => (ENDED, None, status),
            Event::WantsInput => (WANTS_INPUT, None, 0),
            Event::Output(number, bytes) => (number, Some(PyBytes::new(py, &bytes)), 0),
        }))
    }

    /// Puts input in line. With `asks`, `next_event` tells when it was taken; with `last`, the
    /// input ends with it.
    #[pyo3(signature = (data, asks=false, last=false))]
    fn feed(&self, py: Python<'_>, data: &[u8], asks: bool, last: bool) -> PyResult<()> {
        self.check()?;
        let data = data.to_vec();
        py.detach(|| {
            let mut carried = self.carried();
            (carried.asks, carried.last) = (asks, last);
            if carried.streams.stdin.is_some() {
                carried.pending.extend_from_slice(&data);
            }
            carried.end_input();
        });
        Ok(())
    }

    /// Sends a signal to the program.
    fn kill(&self, signal: i32) -> PyResult<()> {
        self.check()?;
        let sent = match &self.remote {
            Remote::Running(running, _) => running.kill(signal),
            Remote::Executing(executing) => executing.kill(signal),
            Remote::Attached(_) => Ok(()),
        };
        sent.map_err(|error| raised(&error))
    }

    /// Changes the size of its terminal.
    fn resize(&self, rows: u16, columns: u16) -> PyResult<()> {
        self.check()?;
        let size = WindowSize { rows, columns };
        let sent = match &self.remote {
            Remote::Running(running, _) => running.resize(size),
            Remote::Executing(executing) => executing.resize(size),
            Remote::Attached(attached) => attached.resize(size),
        };
        sent.map_err(|error| raised(&error))
    }

    /// Leaves the program running without its streams.
    fn detach(&self) -> PyResult<()> {
        self.check()?;
        let sent = match &self.remote {
            Remote::Running(running, _) => running.detach(),
            Remote::Executing(executing) => executing.detach(),
            Remote::Attached(attached) => attached.detach(),
        };
        sent.map_err(|error| raised(&error))
    }
}
