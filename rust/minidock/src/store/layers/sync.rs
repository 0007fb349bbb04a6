//! Owns durability of layers: what was written in another boot and never flushed is not trusted.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::super::Store;
use super::super::files;
use super::super::ids::LocalId;
use super::UNSYNCED;

impl Store {
    /// Flushes everything not flushed yet. pull, load, tag and build return after this.
    ///
    /// One `syncfs` for all; the marks go after it. A mark whose removal a crash undoes does no
    /// harm where an image uses the layer (see [`Store::is_trusted`]), and costs a layer that
    /// nothing uses but the cache.
    pub fn sync_pending(&self) -> Result<()> {
        self.require_write()?;
        let mut marks = Vec::new();
        for id in self.layer_ids()? {
            self.marks_below(&self.layer_dir(&id), &mut marks)?;
        }
        if marks.is_empty() {
            return Ok(());
        }
        let root = File::open(self.root()).map_err(|e| Error::at("open", self.root(), e))?;
        rustix::fs::syncfs(&root).map_err(|e| Error::at("flush", self.root(), e))?;
        marks.iter().try_for_each(|mark| files::remove_file(mark))
    }

    /// Adds the marks of this boot: the layer's own and its trees'.
    fn marks_below(&self, layer: &Path, marks: &mut Vec<PathBuf>) -> Result<()> {
        for name in files::names_in(layer)? {
            let mark = match name.as_str() {
                UNSYNCED => layer.join(name),
                _ if name.starts_with(super::tree::PREFIX) => layer.join(name).join(UNSYNCED),
                _ => continue,
            };
            if self.mark_state(&mark)? == Mark::ThisBoot {
                marks.push(mark);
            }
        }
        Ok(())
    }

    pub(super) fn mark_state(&self, mark: &Path) -> Result<Mark> {
        Ok(match files::read_optional(mark)? {
            None => Mark::Absent,
            Some(boot) if boot == self.boot().as_bytes() => Mark::ThisBoot,
            Some(_) => Mark::OtherBoot,
        })
    }

    /// Whether a layer's content can be relied on. An image's row is written only after its layers
    /// were flushed, so a layer that an image uses is good even where its mark came back.
    ///
    /// Must not be called within a transaction.
    pub(crate) fn is_trusted(&self, id: &LocalId) -> Result<bool> {
        let mark = self.layer_dir(id).join(UNSYNCED);
        if self.mark_state(&mark)? != Mark::OtherBoot {
            return Ok(true);
        }
        let used = self.read(|db| Self::layer_is_in_an_image(db, id))?;
        if used && self.require_write().is_ok() {
            files::remove_file(&mark)?;
        }
        Ok(used)
    }
}

/// What an `unsynced` file says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Absent,
    ThisBoot,
    OtherBoot,
}
