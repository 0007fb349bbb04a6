//! Layers of steps: found again by their key, or made by the runtime and remembered.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use minidock_image::digest::Digest;
use minidock_proto::Outgoing;
use minidock_proto::request::{Commit, Layer, Rootfs, Upper};
use rustix::fs::Mode;

use super::Build;
use super::event::BuildEvent;
use super::made::MadeStep;
use super::stage::StageState;
use crate::error::{Error, Result};
use crate::store::{LayerIngest, LayerMeta, LocalId};

/// A remembered step is noted as used again when its last use was longer ago, in seconds: every
/// build that is wholly remembered would write to the disk otherwise.
const FRESH: i64 = 3600;

/// A layer in the making.
pub(super) struct NewLayer<'l> {
    ingest: LayerIngest<'l>,
    index: File,
    tree: PathBuf,
    /// Of the step alone: overlayfs' work directory and what else it needs.
    pub(super) directory: PathBuf,
    parents: Vec<File>,
}

impl<'l> NewLayer<'l> {
    /// The layers below with this one as the writable one.
    pub(super) fn rootfs(&self, lowers: &[PathBuf]) -> Rootfs {
        Rootfs {
            lowers: lowers.iter().map(|path| path.as_path().into()).collect(),
            upper: Some(Upper {
                directory: self.tree.as_path().into(),
                work: self.directory.join("work").into(),
                volatile: true,
            }),
            read_only: false,
        }
    }

    /// Has the runtime write the index.
    pub(super) fn commit<'a>(&'a self, fds: &mut Outgoing<'a>) -> Commit {
        Commit {
            index: fds.push(self.index.as_fd()),
            parents: self.parents.iter().map(|file| fds.push(file.as_fd())).collect(),
        }
    }

    /// Puts it into place.
    pub(super) fn finish(self, layer: &Layer) -> Result<LocalId> {
        let meta =
            LayerMeta { diff_id: None, size: layer.size, entries: layer.entries, tar_size: None };
        self.ingest.commit(&meta)
    }
}

impl<'a> Build<'a> {
    /// A step that makes a layer: finds it by its key or makes it.
    pub(super) fn layer_step(
        &mut self,
        stage: &mut StageState,
        key: Digest,
        line: String,
        make: impl FnOnce(&mut Self, &StageState) -> Result<LocalId>,
    ) -> Result<()> {
        let layer = match self.recall(&key)? {
            Some(layer) => {
                self.tell(BuildEvent::Cached { number: self.number });
                self.layers.0 += 1;
                layer
            }
            None => {
                let layer = make(self, stage)?;
                self.layers.1 += 1;
                let (parent, description) = (stage.tip, line.clone());
                self.remember(MadeStep { key, layer: layer.clone(), parent, description })?;
                layer
            }
        };
        let created = self.engine.store().layer(&layer)?.created;
        if stage.in_image {
            self.diff_ids.want(&layer)?;
        }
        stage.add_layer(layer, created, key, line);
        Ok(())
    }

    fn recall(&mut self, key: &Digest) -> Result<Option<LocalId>> {
        if self.options.no_cache {
            return Ok(None);
        }
        if let Some(layer) = self.made.find(key) {
            return Ok(Some(layer.clone()));
        }
        let Some(found) = self.lease.cached_step(key)? else { return Ok(None) };
        // A crash may have taken the files of a layer whose index is there.
        if self.engine.store().trees(&found.layer)?.is_empty() {
            return Ok(None);
        }
        if now() - found.last_used > FRESH {
            self.used.push(found.key);
        }
        Ok(Some(found.layer))
    }

    /// Begins a layer on top of others.
    pub(super) fn new_layer(&mut self, below: &[LocalId]) -> Result<NewLayer<'a>> {
        let ingest = self.lease.begin_layer()?;
        let tree = ingest.tree_path(&self.engine.mapping_name()?)?;
        make_directory(&tree, 0o755)?;
        let path = ingest.index_path();
        let index = crate::store::files::create_new(&path)?;
        let directory = self.step_directory()?;
        make_directory(&directory.join("work"), 0o700)?;
        make_directory(&directory.join("scratch"), 0o700)?;
        Ok(NewLayer { ingest, index, tree, directory, parents: self.indexes(below)? })
    }

    /// A directory of one step, gone with the build.
    pub(super) fn step_directory(&mut self) -> Result<PathBuf> {
        self.directories += 1;
        let path = self.lease.dir().join(format!("step-{}", self.directories));
        make_directory(&path, 0o700)?;
        Ok(path)
    }

    /// The indexes of the layers below, topmost first, for a scan: what the mapping lost comes
    /// from there, and which opaque marks hide something.
    pub(super) fn indexes(&self, layers: &[LocalId]) -> Result<Vec<File>> {
        let open = |layer: &LocalId| {
            let path = self.engine.store().layer_index_path(layer);
            File::open(&path).map_err(|error| Error::at("open", &path, error))
        };
        layers.iter().rev().map(open).collect()
    }
}

/// Makes a directory of exactly this mode.
fn make_directory(path: &std::path::Path, mode: u32) -> Result<()> {
    rustix::fs::mkdir(path, Mode::from_raw_mode(mode))
        .and_then(|()| rustix::fs::chmod(path, Mode::from_raw_mode(mode)))
        .map_err(|error| Error::at("make", path, error))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
