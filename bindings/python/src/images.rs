//! Calls about images, but for those that carry bytes.

use minidock::image::{ImageFilter, Removed};
use minidock::store::{ImagePrune, PruneOptions};
use minidock::{Engine as Core, Result};
use pyo3::prelude::*;

use crate::engine::Engine;
use crate::failure::{raised, raised_as, raised_for_image};
use crate::options::reference;
use crate::patience::{call, called};

/// Calls the engine for an image that is asked for by name.
fn call_named<T: Send + 'static>(
    py: Python<'_>,
    engine: &Engine,
    work: impl FnOnce(Core) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let engine = engine.get()?;
    called(py, move || work(engine), drop)?.map_err(|error| raised_for_image(&error))
}

/// The id of an image.
#[pyfunction]
pub(crate) fn image_resolve(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    call_named(py, engine, move |engine| {
        engine.store().resolve_image(&name).map(|id| id.to_string())
    })
}

/// Docker's JSON of an image.
#[pyfunction]
pub(crate) fn image_inspect(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    call_named(py, engine, move |engine| engine.inspect_image(&name).map(|value| value.to_string()))
}

/// Ids of images, the newest first. A filter is docker's `key=value`.
#[pyfunction]
#[pyo3(signature = (engine, name, filters))]
pub(crate) fn image_list(
    py: Python<'_>,
    engine: &Engine,
    name: Option<String>,
    filters: Vec<String>,
) -> PyResult<Vec<String>> {
    let engine = engine.get()?;
    call(py, move || {
        let mut filter = ImageFilter::parse(&filters)?;
        filter.references.extend(name);
        let found = engine.list_images(&filter)?;
        Ok(found.into_iter().map(|image| image.id.to_string()).collect())
    })
}

/// Docker's JSON of an image's history.
#[pyfunction]
pub(crate) fn image_history(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    call_named(py, engine, move |engine| {
        engine.inspect_history(&name).map(|value| value.to_string())
    })
}

/// Gives an image a further name.
#[pyfunction]
pub(crate) fn image_tag(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    target: &str,
) -> PyResult<()> {
    let target = reference(target).map_err(|error| raised(&error))?;
    call_named(py, engine, move |engine| engine.tag_image(&name, &target).map(drop))
}

/// Removes a name, and the image with its last one; `("Untagged", name)` and `("Deleted", id)`.
#[pyfunction]
pub(crate) fn image_remove(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    force: bool,
) -> PyResult<Vec<(&'static str, String)>> {
    call_named(py, engine, move |engine| {
        let removed = engine.remove_image(&name, force)?;
        Ok(removed
            .into_iter()
            .map(|removed| match removed {
                Removed::Untagged(name) => ("Untagged", name.familiar()),
                Removed::Deleted(id) => ("Deleted", id.to_string()),
            })
            .collect())
    })
}

/// Names, ids and bytes that a prune took away.
type Pruned = (Vec<String>, Vec<String>, u64);

/// Takes away images (`keep`, `dangling`, `unused`) and the build cache.
#[pyfunction]
pub(crate) fn images_prune(
    py: Python<'_>,
    engine: &Engine,
    which: &str,
    build_cache: bool,
) -> PyResult<Pruned> {
    let images = match which {
        "keep" => ImagePrune::Keep,
        "dangling" => ImagePrune::Dangling,
        "unused" => ImagePrune::Unused,
        _ => return Err(raised_as("InvalidArgument", "no such kind of prune", None)),
    };
    let engine = engine.get()?;
    call(py, move || {
        let report = engine.store().prune(&PruneOptions { images, build_cache })?;
        let names = report.references.iter().map(|name| name.familiar()).collect();
        let ids = report.images.iter().map(ToString::to_string).collect();
        Ok((names, ids, report.bytes))
    })
}
