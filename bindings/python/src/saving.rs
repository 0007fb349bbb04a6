//! Bytes from the engine to Python: archives of images.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use minidock::Result;
use minidock::image::ArchiveFormat;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::engine::Engine;
use crate::failure::{broken_off, raised_as, raised_for_image};
use crate::patience;

/// Pieces that may wait to be asked for.
const ROOM: usize = 4;

enum Piece {
    Bytes(Vec<u8>),
    Ended(Result<()>),
}

/// An archive in the making. It is given up when nobody can ask any more.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Saving(Mutex<Option<Receiver<Piece>>>);

struct Pieces<'s>(&'s SyncSender<Piece>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let given_up = |_| io::Error::new(io::ErrorKind::BrokenPipe, "it was given up");
        self.0.send(Piece::Bytes(bytes.to_vec())).map_err(given_up)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to write images to an archive (`docker` or `oci`).
#[pyfunction]
pub(crate) fn image_save(engine: &Engine, names: Vec<String>, format: &str) -> PyResult<Saving> {
    let engine = engine.get()?;
    let format = match format {
        "docker" => ArchiveFormat::Docker,
        "oci" => ArchiveFormat::Oci,
        _ => {
            let message = format!("format={format:?} is not offered");
            return Err(raised_as("InvalidArgument", &message, Some("give \"docker\" or \"oci\"")));
        }
    };
    let (sender, receiver) = sync_channel(ROOM);
    let thread = thread::Builder::new().name("minidock-save".to_owned());
    thread.spawn(move || {
        let saved = engine.save_images(&names, format, Pieces(&sender));
        // Whoever gave it up does not ask how it ended.
        drop(sender.send(Piece::Ended(saved)));
    })?;
    Ok(Saving(Mutex::new(Some(receiver))))
}

#[pymethods]
impl Saving {
    /// The next piece; nothing at the end.
    fn next_piece<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let piece = patience::wait(py, None, |time| {
            let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(receiver) = pieces.as_ref() else { return Ok(Some(Piece::Ended(Ok(())))) };
            match receiver.recv_timeout(time) {
                Ok(Piece::Ended(ended)) => {
                    *pieces = None;
                    Ok(Some(Piece::Ended(ended)))
                }
                Ok(piece) => Ok(Some(piece)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(broken_off()),
            }
        })?;
        match piece {
            Some(Piece::Bytes(bytes)) => Ok(Some(PyBytes::new(py, &bytes))),
            Some(Piece::Ended(Err(error))) => Err(raised_for_image(&error)),
            Some(Piece::Ended(Ok(()))) | None => Ok(None),
        }
    }
}
