//! Bytes from Python into the engine: archives to be loaded or imported.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use minidock::image::{ImportOptions, LoadOptions};
use minidock::{Engine as Core, Result};
use pyo3::prelude::*;

use crate::engine::Engine;
use crate::failure::{broken_off, raised};
use crate::options::reference;
use crate::patience;

/// Pieces that may wait to be read.
const ROOM: usize = 4;
/// How often it is looked whether there is room.
const PAUSE: Duration = Duration::from_millis(1);

/// Ids and names of what was taken in.
type Taken = Vec<(String, Vec<String>)>;

/// An archive that is handed over in pieces. Nothing of it is stored unless it was finished.
#[pyclass(frozen, module = "minidock._minidock")]
pub(crate) struct Feed {
    pieces: Mutex<Option<SyncSender<Piece>>>,
    done: Mutex<Receiver<Result<Taken>>>,
}

enum Piece {
    Bytes(Vec<u8>),
    End,
}

/// Reads the pieces. One that never ends in order is an error, and the engine stores nothing.
struct Pieces {
    receiver: Receiver<Piece>,
    current: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.current.len() && !self.ended {
            match self.receiver.recv() {
                Ok(Piece::Bytes(bytes)) => (self.current, self.taken) = (bytes, 0),
                Ok(Piece::End) => self.ended = true,
                Err(_) => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "it was given up")),
            }
        }
        let left = &self.current[self.taken..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }
}

/// Begins to load the images of an archive.
#[pyfunction]
pub(crate) fn image_load(engine: &Engine) -> PyResult<Feed> {
    begin(engine, |engine, pieces| {
        let loaded = engine.load_images(pieces, &LoadOptions::default())?;
        let names = |names: &[minidock::Reference]| names.iter().map(|n| n.familiar()).collect();
        Ok(loaded.iter().map(|image| (image.id.to_string(), names(&image.references))).collect())
    })
}

/// Begins to import a root file system.
#[pyfunction]
#[pyo3(signature = (engine, name, changes, message))]
pub(crate) fn image_import(
    engine: &Engine,
    name: Option<&str>,
    changes: Vec<String>,
    message: Option<String>,
) -> PyResult<Feed> {
    let reference = name.map(reference).transpose().map_err(|error| raised(&error))?;
    let options = ImportOptions { reference, changes, message, ..ImportOptions::default() };
    begin(engine, move |engine, pieces| {
        engine.import_image(pieces, &options).map(|id| vec![(id.to_string(), Vec::new())])
    })
}

fn begin(
    engine: &Engine,
    take: impl FnOnce(&Core, Pieces) -> Result<Taken> + Send + 'static,
) -> PyResult<Feed> {
    let engine = engine.get()?;
    let (pieces, receiver) = sync_channel(ROOM);
    let (sender, done) = sync_channel(1);
    let reader = Pieces { receiver, current: Vec::new(), taken: 0, ended: false };
    let thread = thread::Builder::new().name("minidock-feed".to_owned());
    thread.spawn(move || {
        // Whoever gave it up does not ask how it ended.
        drop(sender.send(take(&engine, reader)));
    })?;
    Ok(Feed { pieces: Mutex::new(Some(pieces)), done: Mutex::new(done) })
}

#[pymethods]
impl Feed {
    /// Hands a piece over. False when no more is wanted: `finish` says why.
    fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        let mut piece = Some(Piece::Bytes(data.to_vec()));
        let sent = patience::wait(py, None, |time| Ok(self.send(&mut piece, time)))?;
        Ok(sent.unwrap_or(false))
    }

    /// Says that all was handed over; what was taken in.
    fn finish(&self, py: Python<'_>) -> PyResult<Taken> {
        let mut end = Some(Piece::End);
        patience::wait(py, None, |time| Ok(self.send(&mut end, time)))?;
        let done = patience::wait(py, None, |time| {
            let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            match done.recv_timeout(time) {
                Ok(done) => Ok(Some(done)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(broken_off()),
            }
        })?;
        match done {
            Some(done) => done.map_err(|error| raised(&error)),
            None => Err(broken_off()),
        }
    }

    /// Gives it up; nothing is stored.
    fn abort(&self) {
        drop(self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Feed {
    /// Whether the piece was taken; `None` when there was no room for it in that time.
    fn send(&self, piece: &mut Option<Piece>, time: Duration) -> Option<bool> {
        let began = Instant::now();
        loop {
            let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
            let (Some(sender), Some(next)) = (pieces.as_ref(), piece.take()) else {
                return Some(false);
            };
            match sender.try_send(next) {
                Ok(()) => return Some(true),
                Err(TrySendError::Disconnected(_)) => return Some(false),
                Err(TrySendError::Full(back)) => *piece = Some(back),
            }
            drop(pieces);
            if began.elapsed() >= time {
                return None;
            }
            thread::sleep(PAUSE);
        }
    }
}
