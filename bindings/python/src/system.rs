//! Calls about the engine and its host; all answers are docker's JSON.

use pyo3::prelude::*;

use crate::engine::Engine;
use crate::patience::call;

/// Docker's `info`, with minidock's own facts beside it.
#[pyfunction]
pub(crate) fn system_info(py: Python<'_>, engine: &Engine) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.docker_info().map(|value| value.to_string()))
}

/// Docker's `version`.
#[pyfunction]
pub(crate) fn system_version() -> String {
    minidock::system::docker_version().to_string()
}

/// Docker's `system df`.
#[pyfunction]
pub(crate) fn system_df(py: Python<'_>, engine: &Engine) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.docker_df().map(|value| value.to_string()))
}
