//! Calls about volumes.

use std::collections::BTreeMap;

use minidock::store::VolumeName;
use pyo3::prelude::*;

use crate::engine::Engine;
use crate::patience::call;

/// Makes a volume; its name.
#[pyfunction]
#[pyo3(signature = (engine, name, labels))]
pub(crate) fn volume_create(
    py: Python<'_>,
    engine: &Engine,
    name: Option<String>,
    labels: BTreeMap<String, String>,
) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || {
        let name = name.as_deref().map(str::parse::<VolumeName>).transpose()?;
        engine.create_volume(name, &labels).map(|volume| volume.name.as_str().to_owned())
    })
}

/// Docker's JSON of a volume.
#[pyfunction]
pub(crate) fn volume_inspect(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.inspect_volume(&name.parse()?).map(|value| value.to_string()))
}

/// Docker's JSON of all volumes, with the number of containers that have each.
#[pyfunction]
pub(crate) fn volume_list(py: Python<'_>, engine: &Engine) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.inspect_volumes().map(|value| value.to_string()))
}

/// Removes a volume.
#[pyfunction]
pub(crate) fn volume_remove(py: Python<'_>, engine: &Engine, name: String) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || engine.remove_volume(&name.parse()?))
}
