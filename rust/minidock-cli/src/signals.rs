//! Signals that reach the command line while it carries a program's streams.
//!
//! They are blocked and read by one thread from a signalfd: before a session exists they end the
//! command as they would anyway, after that they are handed on.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use minidock::CancelToken;
use minidock_sys::process::SingleThreaded;
use minidock_sys::signal;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;

use crate::failure::{Failure, Result};
use crate::terminal;

/// What is read instead of acting by itself.
const CAUGHT: [Signal; 9] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::CONT,
    Signal::WINCH,
];

/// So many of SIGINT and SIGTERM end the command itself, as docker's.
const PATIENCE: u32 = 3;

/// How long a program may go on after the terminal it was started from is gone.
const AFTER_HANGUP: Duration = Duration::from_secs(10);

/// Who gets the signals.
pub(crate) trait Receiver: Send + Sync {
    /// The terminal changed its size.
    fn resized(&self);
    /// A signal came; `false` when it is not handed on and acts on the command itself.
    fn signalled(&self, number: i32) -> bool;
}

/// The signals of this process.
#[derive(Clone)]
pub(crate) struct Signals {
    receiver: Arc<Mutex<Option<Arc<dyn Receiver>>>>,
    /// It was started from a terminal.
    has_terminal: bool,
}

/// Ends an operation of the engine: in order with the first signal, at once with a further one.
pub(crate) struct Canceller(pub(crate) CancelToken);

impl Receiver for Canceller {
    fn resized(&self) {}

    fn signalled(&self, number: i32) -> bool {
        if number == Signal::CONT.as_raw() {
            return true;
        }
        let first = !self.0.is_cancelled();
        self.0.cancel();
        first
    }
}

impl Signals {
    /// Blocks the signals and reads them. Called before any other thread exists, so that all
    /// threads have them blocked.
    pub(crate) fn catch() -> Result<Self> {
        let failed = |error| Failure::io("cannot prepare for signals", error);
        let proof = SingleThreaded::prove().map_err(failed)?;
        let ignored = ignored();
        // A signal that is ignored (nohup, a job in the background) stays so: blocked it would
        // arrive here after all.
        let numbers: Vec<i32> =
            CAUGHT.iter().map(|s| s.as_raw()).filter(|n| ignored & (1 << (n - 1)) == 0).collect();
        let fd = signal::signal_fd(proof, &numbers).map_err(failed)?;
        let signals = Self { receiver: Arc::default(), has_terminal: has_terminal() };
        let thread = signals.clone();
        std::thread::spawn(move || thread.read(&fd));
        Ok(signals)
    }

    /// From now on `receiver` gets them.
    pub(crate) fn hand_to(&self, receiver: Arc<dyn Receiver>) {
        *self.receiver.lock().unwrap_or_else(PoisonError::into_inner) = Some(receiver);
    }

    /// From now on they act by themselves again.
    pub(crate) fn keep(&self) {
        *self.receiver.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read(&self, fd: &OwnedFd) {
        let mut insisted = 0;
        loop {
            let mut poll = [PollFd::new(fd, PollFlags::IN)];
            match rustix::event::poll(&mut poll, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
            while let Some(number) = signal::next(fd) {
                self.take(number, &mut insisted);
            }
        }
    }

    fn take(&self, number: i32, insisted: &mut u32) {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if number == Signal::WINCH.as_raw() {
            if let Some(receiver) = receiver {
                receiver.resized();
            }
            return;
        }
        if matches!(Signal::from_named_raw(number), Some(Signal::INT | Signal::TERM)) {
            *insisted += 1;
        }
        if *insisted < PATIENCE && receiver.is_some_and(|receiver| receiver.signalled(number)) {
            if number == Signal::HUP.as_raw() && self.has_terminal {
                std::thread::spawn(end_without_terminal);
            }
            return;
        }
        if number != Signal::CONT.as_raw() {
            end_by(number);
        }
    }
}

/// Ends the process, and with it what it owns, if it was its terminal's end that was signalled.
fn end_without_terminal() {
    std::thread::sleep(AFTER_HANGUP);
    if !has_terminal() {
        end_by(Signal::HUP.as_raw());
    }
}

/// Whether this process has a controlling terminal (tty(4)).
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Ends the process as the signal would have.
#[expect(clippy::disallowed_methods, reason = "the main thread may be blocked anywhere")]
fn end_by(number: i32) {
    terminal::restore();
    std::process::exit(128 + number);
}

/// Signals that this process ignores, one bit each (proc_pid_status(5)); none where that cannot
/// be read.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
