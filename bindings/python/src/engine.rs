//! The handle that every call begins with.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use minidock::{EngineOptions, UserNamespace};
use pyo3::prelude::*;

use crate::failure::raised_as;
use crate::patience::call;

/// An open engine. Any thread may use it, but no forked child.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Engine {
    /// `None` once it is closed.
    engine: Mutex<Option<minidock::Engine>>,
    /// Who opened it.
    pid: u32,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (root=None, runtime=None, userns="auto"))]
    fn new(
        py: Python<'_>,
        root: Option<PathBuf>,
        runtime: Option<PathBuf>,
        userns: &str,
    ) -> PyResult<Self> {
        let user_namespace = match userns {
            "auto" => UserNamespace::Auto,
            "single" => UserNamespace::Single,
            _ => {
                let message = format!("userns={userns:?} is not offered");
                return Err(raised_as(
                    "InvalidArgument",
                    &message,
                    Some("give \"auto\" or \"single\""),
                ));
            }
        };
        let options = EngineOptions { root, runtime, user_namespace };
        let engine = call(py, move || minidock::Engine::open(&options))?;
        Ok(Self { engine: Mutex::new(Some(engine)), pid: std::process::id() })
    }

    /// Lets go of it; every later call is refused.
    fn close(&self) {
        if self.pid == std::process::id() {
            drop(self.engine.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.pid == std::process::id()
            && self.engine.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Why containers have a single id, where they do and nobody asked for it.
    #[getter]
    fn single_id_reason(&self) -> PyResult<Option<String>> {
        Ok(self.get()?.single_id_reason().map(str::to_owned))
    }

    /// Where the store lies.
    #[getter]
    fn root(&self) -> PyResult<PathBuf> {
        Ok(self.get()?.store().root().to_path_buf())
    }
}

impl Engine {
    /// The engine, if it can be used here and now.
    pub(crate) fn get(&self) -> PyResult<minidock::Engine> {
        // Looked at first: a lock may be held for ever in a forked child.
        if self.pid != std::process::id() {
            return Err(raised_as(
                "Forked",
                "this client was opened before os.fork() and cannot be used in the child",
                Some("open a fresh one in the child: minidock.from_env()"),
            ));
        }
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.clone().ok_or_else(|| {
            raised_as("ClientClosed", "this client is closed", Some("open a fresh one"))
        })
    }
}
