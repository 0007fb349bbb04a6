//! Owns `layers/`: a layer comes whole by one rename, under a random id.
//!
//! ```text
//! index            the truth about the layer's entries; its digest is in meta.json
//! meta.json        sizes and counts; never rewritten
//! diff-id          digest of the uncompressed tar; may come later
//! unsynced         the boot id of whoever wrote it; gone after the next sync
//! tree-<mapping>/  root (the files for one id mapping) and an `unsynced` of its own
//! ```
//!
//! The attributes that change are files of their own, so that nobody has to rewrite what another
//! may be rewriting. `root` lies one level down because a directory owned by a subordinate id
//! cannot be moved by its user, and `tree-<mapping>` can.

use std::path::{Path, PathBuf};

use minidock_image::digest::{Digest, DigestReader};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::files::{self, Flush};
use super::ids::{LocalId, MappingName};
use super::roots::Roots;
use super::{Held, HeldAlone, Lease, Store};

mod packed;
mod sync;
mod tree;

pub use tree::TreeIngest;

pub(crate) const UNSYNCED: &str = "unsynced";
const META: &str = "meta.json";
const DIFF_ID: &str = "diff-id";
const INDEX: &str = "index";

/// What the maker of a layer knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerMeta {
    /// Digest of the uncompressed tar, if it is known already.
    pub diff_id: Option<Digest>,
    /// Bytes of all regular files.
    pub size: u64,
    /// Entries of the index.
    pub entries: u64,
    /// Bytes of the uncompressed tar, if known.
    pub tar_size: Option<u64>,
}

/// A layer of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRecord {
    /// Its id in this store.
    pub id: LocalId,
    /// Digest of the uncompressed tar, once known.
    pub diff_id: Option<Digest>,
    /// Bytes of all regular files.
    pub size: u64,
    /// Entries of the index.
    pub entries: u64,
    /// Bytes of the uncompressed tar, if known.
    pub tar_size: Option<u64>,
    /// Digest of the index file.
    pub index: Digest,
    /// When it was put into place, in seconds since 1970.
    pub created: i64,
}

#[derive(Serialize, Deserialize)]
struct MetaFile {
    size: u64,
    entries: u64,
    tar_size: Option<u64>,
    index: Digest,
    created: i64,
}

/// A layer in the making.
#[derive(Debug)]
pub struct LayerIngest<'lease> {
    lease: &'lease Lease,
    id: LocalId,
    dir: PathBuf,
}

impl Lease {
    /// Starts a layer: the caller fills [`LayerIngest::index_path`] and at least one tree.
    pub fn begin_layer(&self) -> Result<LayerIngest<'_>> {
        self.store().require_write()?;
        let id = LocalId::random()?;
        let dir = self.dir().join(format!("layer-{id}"));
        files::make_dir(&dir)?;
        Ok(LayerIngest { lease: self, id, dir })
    }

    /// Finds a layer by its diff id and keeps it for the life of this operation.
    pub fn find_layer(&self, diff_id: &Digest) -> Result<Option<LocalId>> {
        let held = self.store().hold()?;
        let found = self.store().layer_with(&held, diff_id)?;
        if let Some(id) = &found {
            self.mark_layer(&held, id)?;
        }
        Ok(found)
    }
}

impl LayerIngest<'_> {
    /// The id that the layer will have.
    pub fn id(&self) -> &LocalId {
        &self.id
    }

    /// Where the index is to be written.
    pub fn index_path(&self) -> PathBuf {
        self.dir.join(INDEX)
    }

    /// Where the tree of `mapping` is to be made; its parent exists.
    pub fn tree_path(&self, mapping: &MappingName) -> Result<PathBuf> {
        let dir = self.dir.join(tree::dir_name(mapping));
        files::ensure_dir(&dir)?;
        Ok(dir.join(tree::ROOT))
    }

    /// Puts the layer into place. It is trusted in this boot, and for good after
    /// [`Store::sync_pending`].
    pub fn commit(self, meta: &LayerMeta) -> Result<LocalId> {
        let index = hash_file(&self.index_path())?.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("layer {} was given no index", self.id))
        })?;
        let store = self.lease.store();
        let file = MetaFile {
            size: meta.size,
            entries: meta.entries,
            tar_size: meta.tar_size,
            index,
            created: super::meta::now(),
        };
        let text = serde_json::to_vec(&file)
            .map_err(|e| Error::new(ErrorKind::Io, "cannot write meta.json").with_source(e))?;
        files::write_atomic(&self.dir.join(META), &text, Flush::Later)?;
        if let Some(diff_id) = &meta.diff_id {
            write_diff_id(&self.dir, diff_id)?;
        }
        files::write_atomic(&self.dir.join(UNSYNCED), store.boot().as_bytes(), Flush::Later)?;
        let held = store.hold()?;
        self.lease.mark_layer(&held, &self.id)?;
        let target = store.layer_dir(&self.id);
        match files::rename_new(&self.dir, &target)? {
            true => Ok(self.id),
            false => {
                Err(Error::new(ErrorKind::Conflict, format!("layer {} exists already", self.id)))
            }
        }
    }
}

fn write_diff_id(dir: &Path, diff_id: &Digest) -> Result<()> {
    files::write_atomic(&dir.join(DIFF_ID), diff_id.to_string().as_bytes(), Flush::Later)
}

/// The SHA-256 of a file, or `None` where there is none.
fn hash_file(path: &Path) -> Result<Option<Digest>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::at("open", path, error)),
    };
    let mut reader = DigestReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|e| Error::at("read", path, e))?;
    Ok(Some(reader.finish().0))
}

impl Store {
    /// Where a layer lies.
    pub fn layer_dir(&self, id: &LocalId) -> PathBuf {
        self.dir("layers").join(id.as_str())
    }

    /// Where a layer's index lies.
    pub fn layer_index_path(&self, id: &LocalId) -> PathBuf {
        self.layer_dir(id).join(INDEX)
    }

    /// Whether a layer is there and can be trusted: complete, and flushed or of this boot.
    pub fn has_layer(&self, id: &LocalId) -> Result<bool> {
        Ok(files::exists(&self.layer_dir(id))? && self.is_trusted(id)?)
    }

    pub(crate) fn require_layer(&self, _held: &Held, id: &LocalId) -> Result<()> {
        match self.has_layer(id)? {
            true => Ok(()),
            false => Err(no_layer(id)),
        }
    }

    /// What is known of a layer.
    pub fn layer(&self, id: &LocalId) -> Result<LayerRecord> {
        let dir = self.layer_dir(id);
        let path = dir.join(META);
        let Some(bytes) = files::read_optional(&path)? else {
            return Err(match files::exists(&dir)? {
                true => damaged(id, "its meta.json is missing"),
                false => no_layer(id),
            });
        };
        let file: MetaFile = serde_json::from_slice(&bytes)
            .map_err(|e| damaged(id, "its meta.json does not parse").with_source(e))?;
        Ok(LayerRecord {
            id: id.clone(),
            diff_id: self.diff_id(id)?,
            size: file.size,
            entries: file.entries,
            tar_size: file.tar_size,
            index: file.index,
            created: file.created,
        })
    }

    /// Sets the diff id of a layer that had none. The same one twice is fine, another is refused.
    pub fn set_diff_id(&self, id: &LocalId, diff_id: &Digest) -> Result<()> {
        self.require_write()?;
        let held = self.hold()?;
        self.require_layer(&held, id)?;
        match self.diff_id(id)? {
            None => write_diff_id(&self.layer_dir(id), diff_id),
            Some(known) if known == *diff_id => Ok(()),
            Some(known) => Err(Error::new(
                ErrorKind::Conflict,
                format!("layer {id} has diff id {known}, it cannot become {diff_id}"),
            )),
        }
    }

    /// The diff id of a layer, once known.
    pub fn diff_id(&self, id: &LocalId) -> Result<Option<Digest>> {
        let Some(bytes) = files::read_optional(&self.layer_dir(id).join(DIFF_ID))? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let parsed: Result<Digest, _> = text.parse();
        parsed.map(Some).map_err(|e| damaged(id, "its diff-id does not parse").with_source(e))
    }

    fn layer_with(&self, _held: &Held, diff_id: &Digest) -> Result<Option<LocalId>> {
        for id in self.layer_ids()? {
            if self.known_diff_id(&id)? == Some(*diff_id)
                && self.has_layer(&id)?
                && files::exists(&self.layer_index_path(&id))?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// As [`Store::diff_id`], from memory where it was seen: a diff id never changes. A damaged
    /// one is no match here; `check` names it.
    fn known_diff_id(&self, id: &LocalId) -> Result<Option<Digest>> {
        let cache = || self.inner.diff_ids.lock().unwrap_or_else(|broken| broken.into_inner());
        if let Some(known) = cache().get(id) {
            return Ok(Some(*known));
        }
        let found = match self.diff_id(id) {
            Err(error) if error.kind() == ErrorKind::Corrupt => None,
            other => other?,
        };
        if let Some(diff_id) = found {
            cache().insert(id.clone(), diff_id);
        }
        Ok(found)
    }

    /// The ids of all layers, trusted or not. Other names in the directory are left out.
    pub(crate) fn layer_ids(&self) -> Result<Vec<LocalId>> {
        let names = files::names_in(&self.dir("layers"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// All layers that can be read.
    pub fn layers(&self) -> Result<Vec<LayerRecord>> {
        let mut layers = Vec::new();
        for id in self.layer_ids()? {
            match self.layer(&id) {
                Ok(layer) => layers.push(layer),
                // It went meanwhile, or `check` names it.
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(layers)
    }

    /// Whether a layer's index is there and is the one that was written.
    pub fn verify_layer_index(&self, id: &LocalId) -> Result<bool> {
        let layer = self.layer(id)?;
        Ok(hash_file(&self.layer_index_path(id))? == Some(layer.index))
    }

    /// Moves unmarked layers to the trash; gives their number and bytes.
    pub(crate) fn sweep_layers(&self, _alone: &HeldAlone, roots: &Roots) -> Result<(usize, u64)> {
        let (mut count, mut bytes) = (0, 0);
        for id in self.layer_ids()? {
            if roots.needs(&id) {
                continue;
            }
            bytes += self.layer(&id).map_or(0, |layer| layer.size);
            count += usize::from(self.discard(&self.layer_dir(&id))?);
        }
        Ok((count, bytes))
    }
}

fn no_layer(id: &LocalId) -> Error {
    Error::new(ErrorKind::NotFound, format!("no layer {id} in the store"))
}

fn damaged(id: &LocalId, how: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("layer {id} is damaged: {how}"))
        .with_hint("run `minidock system check --repair`, then pull or build the image again")
}
