//! A container's log, line by line.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use minidock::container::{LogOptions, LogReader, Looked, Stream};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::engine::Engine;
use crate::failure::raised;
use crate::patience::{self, call};

/// How often a follower looks for more.
const PAUSE: Duration = Duration::from_millis(20);

/// An iterator over a log.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Logs(Mutex<LogReader>);

/// Opens the log of a container. Times are nanoseconds since 1970.
#[pyfunction]
#[pyo3(signature = (engine, name, follow, tail, since, until))]
pub(crate) fn container_logs(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    follow: bool,
    tail: Option<usize>,
    since: Option<i64>,
    until: Option<i64>,
) -> PyResult<Logs> {
    let engine = engine.get()?;
    let options = LogOptions { follow, tail, since, until };
    let reader = call(py, move || engine.container_logs(&engine.find_container(&name)?, options))?;
    Ok(Logs(Mutex::new(reader)))
}

/// The stream (1 or 2), the time in nanoseconds since 1970, and the bytes of a line.
type Line<'py> = (i32, i64, Bound<'py, PyBytes>);

#[pymethods]
impl Logs {
    /// The next line; nothing at the end.
    fn next_line<'py>(&self, py: Python<'py>) -> PyResult<Option<Line<'py>>> {
        let looked = patience::wait(py, None, |time| {
            let look = || self.0.lock().unwrap_or_else(PoisonError::into_inner).look();
            let began = std::time::Instant::now();
            loop {
                match look().map_err(|error| raised(&error))? {
                    Looked::Later if began.elapsed() >= time => return Ok(None),
                    Looked::Later => std::thread::sleep(PAUSE.min(time)),
                    found => return Ok(Some(found)),
                }
            }
        })?;
        Ok(match looked {
            Some(Looked::Line(line)) => {
                let stream = if line.stream == Stream::Stdout { 1 } else { 2 };
                Some((stream, line.time, PyBytes::new(py, &line.bytes)))
            }
            _ => None,
        })
    }
}
