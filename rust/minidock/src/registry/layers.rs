//! Layers on their way in: several at once, each unpacked while it comes, none twice, and none
//! usable before it is what the image says.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use minidock_registry::{BlobTarget, Repository};

use super::event::{LayerState, TransferEvent};
use super::failure::of_registry;
use super::follow::{Follower, Growing};
use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::failure::smuggled;
use crate::image::layer_media_type;
use crate::image::unpack::Unpacked;
use crate::runtime::Joined;
use crate::store::{BlobTurn, ExpectedBlob, Lease, LocalId, PartialBlob};

/// Layers that come at once (docker's default).
const AT_ONCE: usize = 3;
/// How often it is looked whether another operation is done with a blob.
const TURN_PAUSE: Duration = Duration::from_millis(50);

/// A layer to be had.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) blob: Descriptor,
    pub(super) diff_id: Digest,
}

/// A layer that is in its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) id: LocalId,
    /// Entries whose owner this mapping cannot represent.
    pub(super) flattened: u64,
    /// It was there before.
    pub(super) was_here: bool,
}

/// Fetches the layers of one image.
pub(super) struct Fetching<'f> {
    pub(super) engine: &'f Engine,
    pub(super) lease: &'f Lease,
    pub(super) repository: &'f Repository<'f>,
    pub(super) cancel: &'f CancelToken,
    /// Set when one layer failed: it ends the others.
    pub(super) failed: Arc<AtomicBool>,
    pub(super) tell: &'f (dyn Fn(TransferEvent) + Sync),
    /// Asked for with the first layer that has to be unpacked.
    pub(super) joined: Mutex<Option<Arc<Joined>>>,
}

impl Fetching<'_> {
    /// Brings all layers in; those of the result are in the order of `wanted`.
    pub(super) fn all(&self, wanted: &[Wanted]) -> Result<Vec<Placed>> {
        for layer in wanted {
            self.say(layer, LayerState::Pending);
        }
        let next = AtomicUsize::new(0);
        let placed: Mutex<Vec<Option<Placed>>> = Mutex::new(vec![None; wanted.len()]);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(wanted.len()) {
                scope.spawn(|| {
                    while let Some((at, layer)) = self.take(&next, wanted) {
                        match self.one(layer) {
                            Ok(done) => lock(&placed)[at] = Some(done),
                            Err(error) => {
                                self.failed.store(true, Ordering::Relaxed);
                                lock(&failure).get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        self.cancel.check()?;
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let placed = placed.into_inner().unwrap_or_else(PoisonError::into_inner);
        placed.into_iter().collect::<Option<_>>().ok_or_else(|| {
            Error::new(ErrorKind::Runtime, "a layer was neither fetched nor refused")
        })
    }

    fn take<'w>(&self, next: &AtomicUsize, wanted: &'w [Wanted]) -> Option<(usize, &'w Wanted)> {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let stops = self.failed.load(Ordering::Relaxed) || self.cancel.is_cancelled();
        wanted.get(at).filter(|_| !stops).map(|layer| (at, layer))
    }

    fn one(&self, layer: &Wanted) -> Result<Placed> {
        // Held until the layer has its place: whoever waits finds it there.
        let turn = self.turn(layer)?;
        if let Some(id) = self.lease.find_layer(&layer.diff_id)?
            && self.engine.store().verify_layer_index(&id)?
        {
            // It came another way since: what there is of the blob has no use.
            turn.forget()?;
            self.say(layer, LayerState::Present);
            return Ok(Placed { id, flattened: 0, was_here: true });
        }
        let unpacked = match self.stored(layer)? {
            true => self.unpack_stored(layer)?,
            false => self.fetch(&turn, layer)?,
        };
        let (compression, flattened) = (unpacked.compression, unpacked.flattened);
        let id = unpacked.commit()?;
        let packed =
            Descriptor::new(layer_media_type(compression), layer.blob.digest, layer.blob.size);
        self.engine.store().set_packed(&id, &packed)?;
        self.say(layer, LayerState::Done);
        Ok(Placed { id, flattened, was_here: false })
    }

    fn turn(&self, layer: &Wanted) -> Result<BlobTurn> {
        let mut told = false;
        loop {
            if let Some(turn) = self.engine.store().try_blob_turn(&layer.blob.digest)? {
                return Ok(turn);
            }
            if !told {
                self.say(layer, LayerState::Waiting);
                told = true;
            }
            self.go_on()?;
            std::thread::sleep(TURN_PAUSE);
        }
    }

    /// Whether the blob is in the store, undamaged.
    fn stored(&self, layer: &Wanted) -> Result<bool> {
        let store = self.engine.store();
        if !store.verify_blob(&layer.blob.digest)? {
            return Ok(false);
        }
        match self.lease.keep_blob(&layer.blob.digest) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn unpack_stored(&self, layer: &Wanted) -> Result<Unpacked<'_>> {
        self.say(layer, LayerState::Unpacking);
        let blob = self.engine.store().open_blob(&layer.blob.digest)?;
        self.unpack(blob, layer)
    }

    fn unpack(&self, packed: impl io::Read + Send, layer: &Wanted) -> Result<Unpacked<'_>> {
        let joined = self.joined()?;
        let packed = Stoppable { inner: packed, fetching: self };
        self.engine.unpack_layer(self.lease, &joined, packed, Some(&layer.diff_id))
    }

    fn joined(&self) -> Result<Arc<Joined>> {
        let mut joined = lock(&self.joined);
        if joined.is_none() {
            *joined = Some(Arc::new(self.engine.join()?));
        }
        joined.clone().ok_or_else(|| Error::new(ErrorKind::Runtime, "no user namespace"))
    }

    /// Fetches a blob and unpacks it at the same time.
    fn fetch(&self, turn: &BlobTurn, layer: &Wanted) -> Result<Unpacked<'_>> {
        let resumed = AtomicBool::new(false);
        match self.fetch_once(turn, layer, &resumed) {
            // What an earlier operation left may be what is wrong: once more from the start.
            Err(error) if error.kind() == ErrorKind::Corrupt && resumed.load(Ordering::Relaxed) => {
                self.go_on()?;
                self.fetch_once(turn, layer, &resumed)
            }
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                turn.forget()?;
                Err(error)
            }
            done => done,
        }
    }

    fn fetch_once(
        &self,
        turn: &BlobTurn,
        layer: &Wanted,
        resumed: &AtomicBool,
    ) -> Result<Unpacked<'_>> {
        let expected = ExpectedBlob { digest: layer.blob.digest, size: layer.blob.size };
        let partial = self.lease.partial_blob(turn, expected)?;
        resumed.store(partial.written() > 0, Ordering::Relaxed);
        let file = partial.reading()?;
        let growing = Growing::default();
        let (fetched, unpacked) = std::thread::scope(|scope| {
            let unpacking = scope.spawn(|| self.unpack(Follower::new(file, &growing), layer));
            let fetched = self.transfer(partial, layer, &growing, resumed);
            growing.end(fetched.is_ok());
            let unpacked = unpacking.join().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Runtime, "the unpacking of a layer panicked"))
            });
            (fetched, unpacked)
        });
        match (fetched, unpacked) {
            (Ok(()), Ok(unpacked)) => Ok(unpacked),
            // What was there before may have been damaged, or was begun anew while it was read:
            // now it is whole.
            (Ok(()), Err(_)) if resumed.load(Ordering::Relaxed) => self.unpack_stored(layer),
            (Ok(()), Err(error)) | (Err(error), _) => Err(error),
        }
    }

    fn transfer(
        &self,
        partial: PartialBlob<'_>,
        layer: &Wanted,
        growing: &Growing,
        resumed: &AtomicBool,
    ) -> Result<()> {
        let mut target = Target { partial, growing, resumed, fetching: self, layer, told: None };
        target.moved();
        self.repository.blob(&layer.blob, &mut target).map_err(of_registry)?;
        self.say(layer, LayerState::Unpacking);
        target.partial.commit()
    }

    fn go_on(&self) -> Result<()> {
        self.cancel.check()?;
        match self.failed.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Error::new(ErrorKind::Cancelled, "another layer failed")),
        }
    }

    fn say(&self, layer: &Wanted, state: LayerState) {
        let (digest, size) = (layer.blob.digest, layer.blob.size);
        (self.tell)(TransferEvent::Layer { digest, size, state });
    }
}

/// Takes the bytes of a layer's blob.
struct Target<'t> {
    partial: PartialBlob<'t>,
    growing: &'t Growing,
    resumed: &'t AtomicBool,
    fetching: &'t Fetching<'t>,
    layer: &'t Wanted,
    told: Option<Instant>,
}

impl Target<'_> {
    fn moved(&mut self) {
        let done = self.partial.written();
        self.growing.grown(done);
        let due = self.told.is_none_or(|told| told.elapsed() >= super::TELL_PAUSE);
        if due || done == self.layer.blob.size {
            self.told = Some(Instant::now());
            self.fetching.say(self.layer, LayerState::Moving { done });
        }
    }
}

impl BlobTarget for Target<'_> {
    fn len(&self) -> u64 {
        self.partial.written()
    }

    fn restart(&mut self) -> io::Result<()> {
        self.resumed.store(true, Ordering::Relaxed);
        self.partial.restart()?;
        self.moved();
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.partial.write_all(bytes)?;
        self.moved();
        Ok(())
    }
}

/// Ends with an error when the operation was cancelled, which ends the unpacking of it.
struct Stoppable<'s, R> {
    inner: R,
    fetching: &'s Fetching<'s>,
}

impl<R: io::Read> io::Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fetching.go_on().map_err(smuggled)?;
        self.inner.read(buffer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
