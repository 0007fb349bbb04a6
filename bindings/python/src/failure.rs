//! Errors of the engine become exceptions of `minidock.errors`, which owns their classes.

use minidock::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The exception for an error of the engine.
pub(crate) fn raised(error: &Error) -> PyErr {
    made(error.kind().face().python, error)
}

/// As [`raised`], for an image that is asked for by name.
pub(crate) fn raised_for_image(error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::NotFound => made("ImageNotFound", error),
        _ => raised(error),
    }
}

/// An exception of `minidock.errors` from texts alone.
pub(crate) fn raised_as(class: &str, message: &str, hint: Option<&str>) -> PyErr {
    Python::attach(|py| exception(py, class, message, hint, None).unwrap_or_else(|error| error))
}

fn made(class: &str, error: &Error) -> PyErr {
    let message = error.one_line();
    Python::attach(|py| {
        exception(py, class, &message, error.hint(), error.excerpt()).unwrap_or_else(|error| error)
    })
}

fn exception(
    py: Python<'_>,
    class: &str,
    message: &str,
    hint: Option<&str>,
    excerpt: Option<&str>,
) -> PyResult<PyErr> {
    let make = py.import("minidock.errors")?.getattr("_from_engine")?;
    Ok(PyErr::from_value(make.call1((class, message, hint, excerpt))?))
}

/// Something that cannot happen did: a thread of ours panicked.
pub(crate) fn broken_off() -> PyErr {
    PyRuntimeError::new_err(
        "a thread of minidock ended without a result: this is a defect of minidock",
    )
}

/// The classes that errors of the engine have, for the test that each of them exists.
#[pyfunction]
pub(crate) fn error_classes() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.face().python).collect()
}

/// The number of a signal given by name.
#[pyfunction]
pub(crate) fn parse_signal(text: &str) -> PyResult<i32> {
    minidock::signal::parse(text).map_err(|error| raised(&error))
}

/// Bytes of a size given as text.
#[pyfunction]
pub(crate) fn parse_size(text: &str) -> PyResult<u64> {
    minidock::container::parse::size(text).map_err(|error| raised(&error))
}
