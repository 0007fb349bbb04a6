//! Sandboxes: made strict, closed for certain. A run goes on in a thread of its own and tells its
//! output to whoever asks; nobody asking any more ends it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use minidock::container::parse;
use minidock::container::{MountOptions, Output, RunOptions};
use minidock::sandbox::{SandboxLimits, SandboxOptions};
use minidock::{Bytes, CancelToken, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;

use crate::containers::require_image;
use crate::engine::Engine;
use crate::failure::{broken_off, raised};
use crate::options;
use crate::patience::{self, call, call_or_undo};

/// Pieces of output that may wait to be asked for; a program that is ahead of its reader waits.
const ROOM: usize = 64;

/// A sandbox as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    image: String,
    name: Option<String>,
    best_effort: bool,
    network: Option<String>,
    env: Vec<Bytes>,
    workdir: Option<Bytes>,
    user: Option<String>,
    volumes: Vec<String>,
    mounts: Vec<MountOptions>,
    labels: BTreeMap<String, String>,
    /// Only those that are there differ from the engine's defaults; null is no limit.
    limits: BTreeMap<String, Option<f64>>,
}

impl Asked {
    fn options(self) -> Result<SandboxOptions> {
        let mut mounts = self.mounts;
        for volume in &self.volumes {
            mounts.push(parse::volume(volume)?);
        }
        Ok(SandboxOptions {
            name: self.name.as_deref().map(str::parse).transpose()?,
            limits: limits(&self.limits)?,
            best_effort: self.best_effort,
            network: self.network.as_deref().map(parse::network).transpose()?,
            env: self.env,
            workdir: self.workdir,
            user: self.user,
            mounts,
            labels: self.labels,
            ..SandboxOptions::new(self.image)
        })
    }
}

fn limits(given: &BTreeMap<String, Option<f64>>) -> Result<SandboxLimits> {
    let mut limits = SandboxLimits::default();
    for (name, value) in given {
        let whole = value.map(|value| value.max(0.0) as u64);
        match name.as_str() {
            "timeout" => limits.timeout = value.map(seconds).transpose()?,
            "output" => limits.output = whole.unwrap_or(u64::MAX),
            "scratch" => limits.scratch = whole.unwrap_or(limits.scratch),
            "processes" => limits.processes = whole,
            "file_size" => limits.file_size = whole,
            "open_files" => limits.open_files = whole,
            "address_space" => limits.address_space = whole,
            "cpu_seconds" => limits.cpu_seconds = whole,
            "memory" => limits.memory = whole,
            "cpus" => limits.cpus = *value,
            _ => return Err(wrong(&format!("there is no limit {name:?}"))),
        }
    }
    Ok(limits)
}

fn seconds(value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| wrong(&format!("{value} is no time in seconds")))
}

fn wrong(message: &str) -> minidock::Error {
    minidock::Error::new(minidock::ErrorKind::InvalidInput, message)
}

/// A sandbox that runs.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Sandbox(Arc<minidock::sandbox::Sandbox>);

/// Starts a sandbox.
#[pyfunction]
pub(crate) fn sandbox_start(py: Python<'_>, engine: &Engine, asked: &str) -> PyResult<Sandbox> {
    let engine = engine.get()?;
    let options =
        options::read::<Asked>(asked).and_then(Asked::options).map_err(|error| raised(&error))?;
    require_image(py, &engine, &options.image)?;
    // Dropped after Ctrl-C, it is closed.
    let made = call_or_undo(py, move || engine.sandbox(&options), drop)?;
    Ok(Sandbox(Arc::new(made)))
}

/// A run as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedRun {
    args: Vec<Bytes>,
    env: Vec<Bytes>,
    workdir: Option<Bytes>,
    user: Option<String>,
    timeout: Option<f64>,
    output_limit: Option<u64>,
}

#[pymethods]
impl Sandbox {
    /// The id of its container.
    #[getter]
    fn id(&self) -> &str {
        self.0.id().as_str()
    }

    /// Limits that were asked for and are not kept, each with the reason.
    #[getter]
    fn not_enforced(&self) -> Vec<(&'static str, &'static str)> {
        self.0.not_enforced().iter().map(|each| (each.limit, each.reason)).collect()
    }

    /// Begins to run a program.
    fn begin(&self, asked: &str, stdin: &[u8]) -> PyResult<SandboxRun> {
        let asked = options::read::<AskedRun>(asked).map_err(|error| raised(&error))?;
        let timeout = asked.timeout.map(seconds).transpose().map_err(|error| raised(&error))?;
        let (sender, told) = sync_channel(ROOM);
        let cancel = CancelToken::default();
        let (sandbox, stdin, token) = (self.0.clone(), stdin.to_vec(), cancel.clone());
        let thread = thread::Builder::new().name("minidock-sandbox".to_owned());
        thread.spawn(move || {
            let default = RunOptions::default();
            let output_limit = asked.output_limit.unwrap_or(default.output_limit);
            let options = RunOptions {
                stdin,
                timeout,
                output_limit,
                env: asked.env,
                workdir: asked.workdir,
                user: asked.user,
                on_stdout: Some(Box::new(|bytes: &[u8]| tell(&sender, &token, 1, bytes))),
                on_stderr: Some(Box::new(|bytes: &[u8]| tell(&sender, &token, 2, bytes))),
                cancel: token.clone(),
            };
            let ended = sandbox.run(asked.args, options);
            // Nobody may be there to hear how it ended.
            drop(sender.send(Told::Ended(ended)));
        })?;
        Ok(SandboxRun { told: Mutex::new(told), cancel })
    }

    /// Ends it with everything in it. A second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let sandbox = self.0.clone();
        call(py, move || sandbox.close())
    }
}

fn tell(sender: &SyncSender<Told>, cancel: &CancelToken, stream: i32, bytes: &[u8]) {
    if sender.send(Told::Output(stream, bytes.to_vec())).is_err() {
        cancel.cancel();
    }
}

enum Told {
    Output(i32, Vec<u8>),
    Ended(Result<Output>),
}

/// A program that runs in a sandbox.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct SandboxRun {
    told: Mutex<Receiver<Told>>,
    cancel: CancelToken,
}

/// A piece of output, or how it ended: status, whether its time was up, whether output was
/// dropped, seconds.
type Event<'py> = (i32, Option<Bound<'py, PyBytes>>, Option<(i32, bool, bool, f64)>);

#[pymethods]
impl SandboxRun {
    /// The next piece of output, `(1, …)` or `(2, …)`, or the end, `(0, …)`.
    fn next_event<'py>(&self, py: Python<'py>) -> PyResult<Event<'py>> {
        let told = patience::wait(py, None, |time| {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            match told.recv_timeout(time) {
                Ok(told) => Ok(Some(told)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(broken_off()),
            }
        })?;
        match told {
            Some(Told::Output(stream, bytes)) => Ok((stream, Some(PyBytes::new(py, &bytes)), None)),
            Some(Told::Ended(ended)) => {
                let output = ended.map_err(|error| raised(&error))?;
                let seconds = output.duration.as_secs_f64();
                let end = (output.exit_code, output.timed_out, output.truncated, seconds);
                Ok((0, None, Some(end)))
            }
            None => Err(broken_off()),
        }
    }

    /// Ends the program with all that it started; it is not waited for.
    fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for SandboxRun {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
