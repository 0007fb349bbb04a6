//! Calls about containers. A container is named as the user names it: name, id, start of an id.

use std::time::Duration;

use minidock::container::{Attach, ContainerFilter, RemoveOptions, Running, StartOptions, Watched};
use minidock::store::{ContainerId, ContainerName};
use minidock::{Engine as Core, Result};
use pyo3::prelude::*;

use crate::engine::Engine;
use crate::failure::{raised, raised_for_image};
use crate::options::{self, Create, Exec};
use crate::patience::{self, call, call_or_undo, called};
use crate::session::{Remote, Session};

/// The id of a container.
#[pyfunction]
pub(crate) fn container_find(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.find_container(&name).map(|id| id.as_str().to_owned()))
}

/// Ids of containers, the newest first. A filter is docker's `key=value`.
#[pyfunction]
pub(crate) fn container_list(
    py: Python<'_>,
    engine: &Engine,
    all: bool,
    filters: Vec<String>,
    limit: Option<usize>,
) -> PyResult<Vec<String>> {
    let engine = engine.get()?;
    call(py, move || {
        let filter = ContainerFilter { all, limit, ..ContainerFilter::parse(&filters)? };
        let found = engine.list_containers(&filter)?;
        Ok(found.into_iter().map(|found| found.record.id.as_str().to_owned()).collect())
    })
}

/// Docker's JSON of a container.
#[pyfunction]
pub(crate) fn container_inspect(py: Python<'_>, engine: &Engine, name: String) -> PyResult<String> {
    let engine = engine.get()?;
    call(py, move || engine.inspect_container(&name).map(|value| value.to_string()))
}

/// Makes a container; its id.
#[pyfunction]
pub(crate) fn container_create(
    py: Python<'_>,
    engine: &Engine,
    options: String,
) -> PyResult<String> {
    let engine = engine.get()?;
    let undoing = engine.clone();
    let options = options::read::<Create>(&options)
        .and_then(Create::options)
        .map_err(|error| raised(&error))?;
    require_image(py, &engine, &options.image)?;
    let created = call_or_undo(
        py,
        move || engine.create_container(&options).map(|record| record.id),
        move |id| remove(&undoing, &id),
    )?;
    Ok(created.as_str().to_owned())
}

/// Makes a container and starts it; its id and its streams.
#[pyfunction]
pub(crate) fn container_run(
    py: Python<'_>,
    engine: &Engine,
    options: String,
    attach: (bool, bool, bool),
    owned: bool,
) -> PyResult<(String, Session)> {
    let engine = engine.get()?;
    let undoing = engine.clone();
    let options = options::read::<Create>(&options)
        .and_then(Create::options)
        .map_err(|error| raised(&error))?;
    require_image(py, &engine, &options.image)?;
    let start = StartOptions { attach: attached(attach), owned, window: None };
    let settling = engine.clone();
    let running = call_or_undo(
        py,
        move || start_created(&engine, &options, start),
        move |running| remove(&undoing, &running.id),
    )?;
    let id = running.id.as_str().to_owned();
    Ok((id, Session::new(Remote::Running(running, settling)).map_err(|error| raised(&error))?))
}

fn start_created(
    engine: &Core,
    options: &minidock::container::ContainerOptions,
    start: StartOptions,
) -> Result<Running> {
    let created = engine.prepare_container(options)?;
    let running = engine.start_created(created, start)?;
    if !start.owned {
        running.detach()?;
    }
    Ok(running)
}

/// Asked for first, so that a missing image is told from anything else that is missing.
pub(crate) fn require_image(py: Python<'_>, engine: &Core, image: &str) -> PyResult<()> {
    let (engine, image) = (engine.clone(), image.to_owned());
    called(py, move || engine.store().resolve_image(&image), drop)?
        .map(drop)
        .map_err(|error| raised_for_image(&error))
}

/// What Ctrl-C left behind. That it cannot be removed is seen in the list of containers.
fn remove(engine: &Core, id: &ContainerId) {
    drop(engine.remove_container(id, RemoveOptions { force: true, volumes: true }));
}

fn attached((stdin, stdout, stderr): (bool, bool, bool)) -> Attach {
    Attach { stdin, stdout, stderr }
}

/// Starts a container, owned by nobody.
#[pyfunction]
pub(crate) fn container_start(py: Python<'_>, engine: &Engine, name: String) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || {
        let id = engine.find_container(&name)?;
        engine.start_container(&id, StartOptions::default())?.detach()
    })
}

/// Stops a container, killing it after `timeout` seconds.
#[pyfunction]
#[pyo3(signature = (engine, name, timeout=None))]
pub(crate) fn container_stop(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    timeout: Option<u32>,
) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || engine.stop_container(&engine.find_container(&name)?, timeout))
}

/// Stops and starts a container.
#[pyfunction]
#[pyo3(signature = (engine, name, timeout=None))]
pub(crate) fn container_restart(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    timeout: Option<u32>,
) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || engine.restart_container(&engine.find_container(&name)?, timeout))
}

/// Sends a signal to a container's first process.
#[pyfunction]
pub(crate) fn container_kill(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    signal: i32,
) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || engine.kill_container(&engine.find_container(&name)?, signal))
}

/// Removes a container.
#[pyfunction]
pub(crate) fn container_remove(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    force: bool,
    volumes: bool,
) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || {
        engine.remove_container(&engine.find_container(&name)?, RemoveOptions { force, volumes })
    })
}

/// Gives a container another name.
#[pyfunction]
pub(crate) fn container_rename(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    new_name: String,
) -> PyResult<()> {
    let engine = engine.get()?;
    call(py, move || {
        let id = engine.find_container(&name)?;
        engine.store().rename_container(&id, &new_name.parse::<ContainerName>()?)
    })
}

/// Connects to the streams of a running container.
#[pyfunction]
pub(crate) fn container_attach(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    attach: (bool, bool, bool),
) -> PyResult<Session> {
    let engine = engine.get()?;
    let attached = call(py, move || {
        engine.attach_container(&engine.find_container(&name)?, attached(attach))
    })?;
    Session::new(Remote::Attached(attached)).map_err(|error| raised(&error))
}

/// Executes a process in a running container.
#[pyfunction]
pub(crate) fn container_exec(
    py: Python<'_>,
    engine: &Engine,
    name: String,
    options: String,
) -> PyResult<Session> {
    let engine = engine.get()?;
    let options = options::read::<Exec>(&options).map_err(|error| raised(&error))?.options();
    let executing = call_or_undo(
        py,
        move || {
            let executing = engine.exec_container(&engine.find_container(&name)?, &options)?;
            if !options.owned {
                executing.detach()?;
            }
            Ok(executing)
        },
        // One that has ended meanwhile needs no signal.
        |executing| drop(executing.kill(9)),
    )?;
    Session::new(Remote::Executing(executing)).map_err(|error| raised(&error))
}

/// A container whose end is waited for.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Watch(Watched);

/// Begins to wait for a container's end.
#[pyfunction]
pub(crate) fn container_watch(py: Python<'_>, engine: &Engine, name: String) -> PyResult<Watch> {
    let engine = engine.get()?;
    call(py, move || engine.watch_container(&engine.find_container(&name)?)).map(Watch)
}

#[pymethods]
impl Watch {
    /// The exit status; nothing after `timeout` seconds.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<i32>> {
        let look = |time: Duration| self.0.try_wait(time).map_err(|error| raised(&error));
        patience::wait(py, timeout, look).map(|exit| exit.map(|exit| exit.code))
    }
}

/// Removes containers that do not run; their ids.
#[pyfunction]
pub(crate) fn containers_prune(py: Python<'_>, engine: &Engine) -> PyResult<Vec<String>> {
    let engine = engine.get()?;
    call(py, move || {
        let removed = engine.prune_containers()?;
        Ok(removed.iter().map(|id| id.as_str().to_owned()).collect())
    })
}
