//! Diff-ids of new layers, computed while the next step runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use minidock_image::digest::Digest;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::LocalId;

/// One thread that works off layers in order; it is started with the first one.
#[derive(Debug)]
pub(super) struct DiffIds {
    engine: Engine,
    worker: Option<Worker>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Worker {
    layers: Sender<LocalId>,
    thread: JoinHandle<Result<()>>,
}

impl DiffIds {
    pub(super) fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), worker: None, stop: Arc::default() }
    }

    /// Has a layer's diff-id computed, if it is not known.
    pub(super) fn want(&mut self, layer: &LocalId) -> Result<()> {
        if self.engine.store().diff_id(layer)?.is_some() {
            return Ok(());
        }
        let worker = match &self.worker {
            Some(worker) => worker,
            None => self.worker.insert(start(self.engine.clone(), self.stop.clone())?),
        };
        // A worker that failed does not take more; its error comes in `all`.
        let _taken = worker.layers.send(layer.clone());
        Ok(())
    }

    /// The diff-ids of layers, waited for or computed now.
    pub(super) fn all(&mut self, layers: &[LocalId]) -> Result<Vec<Digest>> {
        if let Some(Worker { layers, thread }) = self.worker.take() {
            drop(layers);
            joined(thread)?;
        }
        layers.iter().map(|layer| self.engine.diff_id_of(layer)).collect()
    }
}

impl Drop for DiffIds {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Worker { layers, thread }) = self.worker.take() {
            drop(layers);
            // The build failed for a reason of its own.
            let _unneeded = joined(thread);
        }
    }
}

fn start(engine: Engine, stop: Arc<AtomicBool>) -> Result<Worker> {
    let (layers, queue) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("minidock-diff-id".to_owned())
        .spawn(move || work(&engine, &queue, &stop))
        .map_err(|error| Error::io("cannot start a thread", error))?;
    Ok(Worker { layers, thread })
}

fn work(engine: &Engine, queue: &Receiver<LocalId>, stop: &AtomicBool) -> Result<()> {
    while let Ok(layer) = queue.recv() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        engine.diff_id_of(&layer)?;
    }
    Ok(())
}

fn joined(thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| Err(panicked()))
}

pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Runtime, "a thread of the engine panicked")
}
