//! Pull and push, each in a thread of its own that tells its events to whoever asks; and log-ins.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use minidock::registry::{
    Credentials, LayerState, LoginOptions, ManifestFormat, PullOptions, PushOptions, TransferEvent,
    parse_platform,
};
use minidock::{CancelToken, Engine as Core, ErrorKind, Result};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::failure::{broken_off, raised, raised_as, raised_for_image};
use crate::options::reference;
use crate::patience::{self, call};

/// Events that may wait to be asked for; a transfer that is ahead of its reader waits.
const ROOM: usize = 1024;

enum Told {
    Event(TransferEvent),
    Ended(Result<Value>),
}

/// A transfer on its way. It is cancelled when nobody can ask any more.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Transfer {
    told: Mutex<Option<Receiver<Told>>>,
    cancel: CancelToken,
}

/// Begins to pull an image.
#[pyfunction]
#[pyo3(signature = (engine, name, platform, credentials))]
pub(crate) fn image_pull(
    engine: &Engine,
    name: &str,
    platform: Option<&str>,
    credentials: Option<(String, String)>,
) -> PyResult<Transfer> {
    let name = reference(name).map_err(|error| raised(&error))?;
    let platform = platform.map(parse_platform).transpose().map_err(|error| raised(&error))?;
    let credentials = credentials.map(known);
    begin(engine, move |engine, cancel, tell| {
        let options = PullOptions { platform, credentials, cancel };
        let pulled = engine.pull_image(&name, &options, tell)?;
        Ok(json!({
            "id": pulled.id.to_string(),
            "digest": pulled.digest.to_string(),
            "up_to_date": pulled.up_to_date,
        }))
    })
}

/// Begins to push an image by a name that it has.
#[pyfunction]
#[pyo3(signature = (engine, name, format, credentials))]
pub(crate) fn image_push(
    engine: &Engine,
    name: &str,
    format: Option<&str>,
    credentials: Option<(String, String)>,
) -> PyResult<Transfer> {
    let name = reference(name).map_err(|error| raised(&error))?;
    let format = match format {
        None => None,
        Some("oci") => Some(ManifestFormat::Oci),
        Some("docker") => Some(ManifestFormat::Docker),
        Some(other) => {
            let message = format!("format={other:?} is not offered");
            return Err(raised_as("InvalidArgument", &message, Some("give \"docker\" or \"oci\"")));
        }
    };
    let credentials = credentials.map(known);
    begin(engine, move |engine, cancel, tell| {
        let options = PushOptions { format, credentials, cancel };
        let pushed = engine.push_image(&name, &options, tell)?;
        let tag = pushed.reference.tag().unwrap_or_default();
        Ok(json!({ "tag": tag, "digest": pushed.digest.to_string(), "size": pushed.size }))
    })
}

/// The tags of a repository.
#[pyfunction]
#[pyo3(signature = (engine, name, credentials))]
pub(crate) fn registry_tags(
    py: Python<'_>,
    engine: &Engine,
    name: &str,
    credentials: Option<(String, String)>,
) -> PyResult<Vec<String>> {
    let engine = engine.get()?;
    let name = reference(name).map_err(|error| raised(&error))?;
    let options = PullOptions { credentials: credentials.map(known), ..PullOptions::default() };
    call(py, move || engine.registry_tags(&name, &options))
}

/// Logs in to a registry and keeps the credentials where docker does.
#[pyfunction]
pub(crate) fn registry_login(
    py: Python<'_>,
    engine: &Engine,
    registry: String,
    credentials: (String, String),
) -> PyResult<()> {
    let engine = engine.get()?;
    let options = LoginOptions { credentials: known(credentials), cancel: CancelToken::default() };
    call(py, move || engine.log_in(&registry, &options).map(drop))
}

/// Forgets a log-in; whether there was one.
#[pyfunction]
pub(crate) fn registry_logout(py: Python<'_>, engine: &Engine, registry: String) -> PyResult<bool> {
    let engine = engine.get()?;
    call(py, move || engine.log_out(&registry))
}

fn known((username, password): (String, String)) -> Credentials {
    Credentials::Password { username, password }
}

fn begin(
    engine: &Engine,
    work: impl FnOnce(&Core, CancelToken, &(dyn Fn(TransferEvent) + Sync)) -> Result<Value>
    + Send
    + 'static,
) -> PyResult<Transfer> {
    let engine = engine.get()?;
    let cancel = CancelToken::default();
    let (sender, told) = sync_channel(ROOM);
    let token = cancel.clone();
    let thread = thread::Builder::new().name("minidock-transfer".to_owned());
    thread.spawn(move || run(&engine, &token, &sender, work))?;
    Ok(Transfer { told: Mutex::new(Some(told)), cancel })
}

fn run(
    engine: &Core,
    cancel: &CancelToken,
    sender: &SyncSender<Told>,
    work: impl FnOnce(&Core, CancelToken, &(dyn Fn(TransferEvent) + Sync)) -> Result<Value>,
) {
    let tell = |event| {
        if sender.send(Told::Event(event)).is_err() {
            // Nobody asks any more.
            cancel.cancel();
        }
    };
    let ended = work(engine, cancel.clone(), &tell);
    // Nobody may be there to hear how it ended.
    drop(sender.send(Told::Ended(ended)));
}

#[pymethods]
impl Transfer {
    /// The next event, its kind and its fields as JSON; `("ended", …)` is the last. One that
    /// failed raises.
    fn next_event(&self, py: Python<'_>) -> PyResult<Option<(&'static str, String)>> {
        let told = patience::wait(py, None, |time| {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(receiver) = told.as_ref() else { return Ok(Some(None)) };
            match receiver.recv_timeout(time) {
                Ok(Told::Ended(ended)) => {
                    *told = None;
                    Ok(Some(Some(Told::Ended(ended))))
                }
                Ok(event) => Ok(Some(Some(event))),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(broken_off()),
            }
        })?;
        match told.flatten() {
            Some(Told::Event(event)) => {
                let (kind, fields) = shown(&event);
                Ok(Some((kind, fields.to_string())))
            }
            Some(Told::Ended(Ok(value))) => Ok(Some(("ended", value.to_string()))),
            Some(Told::Ended(Err(error))) if error.kind() == ErrorKind::NotFound => {
                Err(raised_for_image(&error))
            }
            Some(Told::Ended(Err(error))) => Err(raised(&error)),
            None => Ok(None),
        }
    }

    /// Ends it; it is not waited for.
    fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The kind of an event and its fields.
pub(crate) fn shown(event: &TransferEvent) -> (&'static str, Value) {
    match event {
        TransferEvent::Started { reference } => {
            ("transfer-started", json!({ "reference": reference.familiar() }))
        }
        TransferEvent::Resolved { reference, digest } => (
            "transfer-resolved",
            json!({ "reference": reference.familiar(), "digest": digest.to_string() }),
        ),
        TransferEvent::Layer { digest, size, state } => {
            let (state, done) = of_layer(*state, *size);
            let digest = digest.to_string();
            ("layer", json!({ "digest": digest, "size": size, "state": state, "done": done }))
        }
        TransferEvent::Warning { text } => ("warning", json!({ "text": text })),
        // A kind of a later engine is not made up.
        _ => ("unknown", json!({})),
    }
}

fn of_layer(state: LayerState, size: u64) -> (&'static str, u64) {
    match state {
        LayerState::Pending => ("pending", 0),
        LayerState::Waiting => ("waiting", 0),
        LayerState::Packing => ("packing", 0),
        LayerState::Moving { done } => ("moving", done),
        LayerState::Unpacking => ("unpacking", size),
        LayerState::Done => ("done", size),
        LayerState::Present => ("present", size),
        LayerState::Mounted => ("mounted", size),
        _ => ("unknown", 0),
    }
}
