//! Owns leases: a directory below `ingest/` whose lock is held for the life of one operation.
//!
//! What an operation writes lies in its lease until it is renamed into place; what it found or put
//! into place is named in the lease's `keep/`, and no removal touches it while the lease lives.

use std::path::{Path, PathBuf};

use minidock_image::digest::Digest;

use crate::error::{Error, ErrorKind, Result};

use super::files;
use super::ids::{LocalId, random_hex};
use super::lock::{Lock, is_locked};
use super::roots::Roots;
use super::{Held, HeldAlone, Store, trash};

/// One operation that writes. Dropping it gives up what was not put into place.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    name: String,
    dir: PathBuf,
    /// Declared last of what matters: the directory is discarded while the lock is held.
    _lock: Lock,
}

impl Store {
    /// Starts an operation, after sweeping what dead ones left.
    pub fn begin(&self) -> Result<Lease> {
        self.require_write()?;
        self.sweep()?;
        let name = random_hex::<16>()?;
        let dir = self.dir("ingest").join(&name);
        let held = self.hold()?;
        files::make_dir(&dir)?;
        files::make_dir(&dir.join("keep"))?;
        let path = dir.join("lock");
        drop(files::create_new(&path)?);
        let lock = Lock::try_exclusive(&path)?.ok_or_else(|| {
            Error::new(ErrorKind::Io, format!("the new lock {} is taken", path.display()))
        })?;
        drop(held);
        Ok(Lease { store: self.clone(), name, dir, _lock: lock })
    }

    /// Moves the leases of dead operations to the trash and empties it. Every operation begins
    /// with this; it costs two listings when there is nothing to do.
    pub fn sweep(&self) -> Result<()> {
        self.require_write()?;
        let mut stale = false;
        for name in files::names_in(&self.dir("ingest"))? {
            stale |= !self.lease_lives(&name)?;
        }
        if stale {
            let alone = self.hold_alone()?;
            self.sweep_leases(&alone)?;
        }
        trash::fill_reserve(self.root())?;
        self.empty_trash()?;
        Ok(())
    }

    /// A lease is made under the shared lock: alone, an unlocked one has no owner any more.
    pub(crate) fn sweep_leases(&self, _alone: &HeldAlone) -> Result<usize> {
        let mut swept = 0;
        for name in self.stale_leases()? {
            self.discard(&self.dir("ingest").join(name))?;
            swept += 1;
        }
        Ok(swept)
    }

    pub(crate) fn stale_leases(&self) -> Result<Vec<String>> {
        let mut stale = Vec::new();
        for name in files::names_in(&self.dir("ingest"))? {
            if !self.lease_lives(&name)? {
                stale.push(name);
            }
        }
        Ok(stale)
    }

    /// Whether the operation with this lease is alive.
    pub(crate) fn lease_lives(&self, name: &str) -> Result<bool> {
        is_locked(&self.dir("ingest").join(name).join("lock"))
    }

    /// Adds what live leases keep.
    pub(crate) fn mark_leases(&self, _alone: &HeldAlone, roots: &mut Roots) -> Result<()> {
        for lease in files::names_in(&self.dir("ingest"))? {
            if !self.lease_lives(&lease)? {
                continue;
            }
            for keep in files::names_in(&self.dir("ingest").join(&lease).join("keep"))? {
                mark(&keep, roots);
            }
        }
        Ok(())
    }
}

fn layer_mark(id: &LocalId) -> String {
    format!("layer-{id}")
}

fn blob_mark(digest: &Digest) -> String {
    format!("blob-{}-{}", digest.algorithm().name(), digest.hex())
}

fn mark(keep: &str, roots: &mut Roots) {
    if let Some(id) = keep.strip_prefix("layer-").and_then(|text| text.parse().ok()) {
        roots.layers.insert(id);
    }
    let blob = keep.strip_prefix("blob-").and_then(|text| text.replacen('-', ":", 1).parse().ok());
    if let Some(digest) = blob {
        roots.blobs.insert(digest);
    }
}

impl Lease {
    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The name, which [`Store::lease_lives`] knows.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A directory for the operation's own files, gone with it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a layer for the life of this operation.
    pub fn keep_layer(&self, id: &LocalId) -> Result<()> {
        let held = self.store.hold()?;
        self.store.require_layer(&held, id)?;
        self.mark_layer(&held, id)
    }

    /// Keeps a blob for the life of this operation.
    pub fn keep_blob(&self, digest: &Digest) -> Result<()> {
        let held = self.store.hold()?;
        self.store.require_blob(digest)?;
        self.mark_blob(&held, digest)
    }

    pub(crate) fn mark_layer(&self, _held: &Held, id: &LocalId) -> Result<()> {
        self.put_mark(&layer_mark(id))
    }

    pub(crate) fn mark_blob(&self, _held: &Held, digest: &Digest) -> Result<()> {
        self.put_mark(&blob_mark(digest))
    }

    fn put_mark(&self, name: &str) -> Result<()> {
        let path = self.dir.join("keep").join(name);
        match files::create_new(&path) {
            Ok(_file) => Ok(()),
            Err(_) if files::exists(&path)? => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A forked child must not end its parent's operation.
        if !self.store.is_ours() {
            return;
        }
        // What cannot be discarded now is stale from now on, and the next operation sweeps it.
        if let Ok(true) = self.store.discard(&self.dir) {
            let _swept_later = self.store.empty_trash();
        }
    }
}
