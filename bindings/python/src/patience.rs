//! Waiting without the interpreter's lock, and with an eye on signals.
//!
//! Python runs signal handlers in its main thread alone, between its own instructions. A wait there
//! is therefore cut into slices; elsewhere one wait is one wait, so that a thread that waits when
//! the interpreter ends does not come back into it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use minidock::Result;
use pyo3::prelude::*;

use crate::failure::{broken_off, raised};

/// How long a signal may go unseen, at most.
const SLICE: Duration = Duration::from_millis(25);
/// A slice where no signal is looked for.
const LONG: Duration = Duration::from_secs(3600);

fn handles_signals() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}

/// Calls the engine. After Ctrl-C the call goes on behind, and what it gave is let go of.
pub(crate) fn call<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    call_or_undo(py, work, drop)
}

/// As [`call`]; what nobody waits for any more after Ctrl-C is undone.
pub(crate) fn call_or_undo<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> PyResult<T> {
    called(py, work, undo)?.map_err(|error| raised(&error))
}

/// As [`call_or_undo`], the engine's error left as it is.
pub(crate) fn called<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> PyResult<Result<T>> {
    if !handles_signals() {
        return Ok(py.detach(work));
    }
    // Without room: either somebody takes the result, or the thread gets it back.
    let (sender, mut receiver) = mpsc::sync_channel(0);
    let thread = thread::Builder::new().name("minidock-call".to_owned());
    let begun = thread.spawn(move || {
        if let Err(mpsc::SendError(Ok(value))) = sender.send(work()) {
            undo(value);
        }
    });
    begun?;
    loop {
        let answer;
        (answer, receiver) = py.detach(move || (receiver.recv_timeout(SLICE), receiver));
        match answer {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(broken_off()),
        }
    }
}

/// Repeats `look`, which waits at most as long as it is told, until it gives something, `timeout`
/// has passed (`None`), or a signal handler raised.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    timeout: Option<f64>,
    mut look: impl FnMut(Duration) -> PyResult<Option<T>> + Send,
) -> PyResult<Option<T>> {
    let until = until(timeout);
    let slice = if handles_signals() { SLICE } else { LONG };
    loop {
        let left =
            until.map_or(slice, |until| until.saturating_duration_since(Instant::now()).min(slice));
        if let Some(found) = py.detach(|| look(left))? {
            return Ok(Some(found));
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(None);
        }
        py.check_signals()?;
    }
}

/// The moment until which to wait; a time beyond all clocks is none.
fn until(timeout: Option<f64>) -> Option<Instant> {
    let time = Duration::try_from_secs_f64(timeout?.max(0.0)).ok()?;
    Instant::now().checked_add(time)
}
