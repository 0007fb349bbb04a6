//! A build that runs in a thread of its own and tells its events to whoever asks.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use minidock::build::{BuildEvent, CancelToken, Stream};
use minidock::{Engine as Core, Error};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::engine::Engine;
use crate::failure::{broken_off, raised};
use crate::options;
use crate::patience;
use crate::transfer;

/// Events that may wait to be asked for; a build that is ahead of its reader waits.
const ROOM: usize = 256;

enum Told {
    Event(Box<BuildEvent>),
    Ended(Result<(), Error>),
}

/// A build on its way. It is cancelled when nobody can ask any more.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Build {
    events: Mutex<Option<Receiver<Told>>>,
    cancel: CancelToken,
}

/// Begins to build an image.
#[pyfunction]
pub(crate) fn image_build(engine: &Engine, options: &str) -> PyResult<Build> {
    let engine = engine.get()?;
    let options = options::read::<options::Build>(options)
        .and_then(options::Build::options)
        .map_err(|error| raised(&error))?;
    let cancel = options.cancel.clone();
    let (sender, events) = sync_channel(ROOM);
    let thread = thread::Builder::new().name("minidock-build".to_owned());
    thread.spawn(move || run(&engine, &options, &sender))?;
    Ok(Build { events: Mutex::new(Some(events)), cancel })
}

fn run(engine: &Core, options: &minidock::build::BuildOptions, sender: &SyncSender<Told>) {
    let tell = |event| {
        if sender.send(Told::Event(Box::new(event))).is_err() {
            // Nobody asks any more.
            options.cancel.cancel();
        }
    };
    let built = engine.build(options, &tell).map(drop);
    // Nobody may be there to hear how it ended.
    drop(sender.send(Told::Ended(built)));
}

/// The kind of an event, its fields as JSON, and the bytes of an output.
type Event<'py> = (&'static str, String, Option<Bound<'py, PyBytes>>);

#[pymethods]
impl Build {
    /// The next event; nothing after the last one, and `waiting` when none came in `timeout`
    /// seconds. A build that failed raises.
    #[pyo3(signature = (timeout=None))]
    fn next_event<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Event<'py>>> {
        let told = patience::wait(py, timeout, |time| {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(receiver) = events.as_ref() else {
                return Ok(Some(Told::Ended(Ok(()))));
            };
            match receiver.recv_timeout(time) {
                Ok(Told::Ended(ended)) => {
                    *events = None;
                    Ok(Some(Told::Ended(ended)))
                }
                Ok(event) => Ok(Some(event)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(broken_off()),
            }
        })?;
        match told {
            Some(Told::Event(event)) => Ok(Some(shown(py, *event))),
            Some(Told::Ended(Err(error))) => Err(raised(&error)),
            Some(Told::Ended(Ok(()))) => Ok(None),
            None => Ok(Some(("waiting", "{}".to_owned(), None))),
        }
    }

    /// Ends the build; it is not waited for.
    fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn shown(py: Python<'_>, event: BuildEvent) -> Event<'_> {
    let plain = |kind, fields: serde_json::Value| (kind, fields.to_string(), None);
    match event {
        BuildEvent::StageStarted { index, name, base } => {
            plain("stage-started", json!({ "index": index, "name": name, "base": base }))
        }
        BuildEvent::StepStarted { number, total, stage, text } => plain(
            "step-started",
            json!({ "number": number, "total": total, "stage": stage, "text": text }),
        ),
        BuildEvent::Cached { number } => plain("cached", json!({ "number": number })),
        BuildEvent::Output { number, stream, bytes } => {
            let stream = if stream == Stream::Stdout { "stdout" } else { "stderr" };
            let fields = json!({ "number": number, "stream": stream }).to_string();
            ("output", fields, Some(PyBytes::new(py, &bytes)))
        }
        BuildEvent::StepDone { number, elapsed } => {
            plain("step-done", json!({ "number": number, "seconds": elapsed.as_secs_f64() }))
        }
        BuildEvent::Warning { text } => plain("warning", json!({ "text": text })),
        BuildEvent::Finished { id, references, all_cached } => {
            let tags: Vec<_> = references.iter().map(|name| name.familiar()).collect();
            let id = id.to_string();
            plain("finished", json!({ "id": id, "tags": tags, "all_cached": all_cached }))
        }
        BuildEvent::Transfer(event) => {
            let (kind, fields) = transfer::shown(&event);
            plain(kind, fields)
        }
        // A kind of a later engine is not made up.
        _ => plain("unknown", json!({})),
    }
}
