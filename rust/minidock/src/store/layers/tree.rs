//! Owns the trees of a layer: one directory of files per id mapping, made on demand.

use std::path::PathBuf;

use crate::error::Result;

use super::super::files::{self, Flush};
use super::super::ids::{LocalId, MappingName};
use super::super::{Lease, Store};
use super::UNSYNCED;
use super::sync::Mark;

pub(super) const PREFIX: &str = "tree-";
pub(super) const ROOT: &str = "root";

pub(super) fn dir_name(mapping: &MappingName) -> String {
    format!("{PREFIX}{mapping}")
}

/// A further tree of a layer in the making.
#[derive(Debug)]
pub struct TreeIngest<'lease> {
    lease: &'lease Lease,
    layer: LocalId,
    mapping: MappingName,
    dir: PathBuf,
}

impl Store {
    /// The files of a layer for one mapping, if they were made and can be trusted.
    pub fn tree_path(&self, layer: &LocalId, mapping: &MappingName) -> Result<Option<PathBuf>> {
        let dir = self.layer_dir(layer).join(dir_name(mapping));
        let root = dir.join(ROOT);
        let good =
            files::exists(&root)? && self.mark_state(&dir.join(UNSYNCED))? != Mark::OtherBoot;
        Ok(good.then_some(root))
    }

    /// The mappings that a layer has trees for.
    pub fn trees(&self, layer: &LocalId) -> Result<Vec<MappingName>> {
        let mut trees = Vec::new();
        for name in files::names_in(&self.layer_dir(layer))? {
            if let Some(mapping) = name.strip_prefix(PREFIX).and_then(|name| name.parse().ok())
                && self.tree_path(layer, &mapping)?.is_some()
            {
                trees.push(mapping);
            }
        }
        Ok(trees)
    }
}

impl Lease {
    /// Starts a tree for another mapping of a layer, which is kept meanwhile.
    pub fn begin_tree(&self, layer: &LocalId, mapping: &MappingName) -> Result<TreeIngest<'_>> {
        self.store().require_write()?;
        self.keep_layer(layer)?;
        let dir = self.dir().join(format!("{}-{layer}", dir_name(mapping)));
        files::make_dir(&dir)?;
        Ok(TreeIngest { lease: self, layer: layer.clone(), mapping: mapping.clone(), dir })
    }
}

impl TreeIngest<'_> {
    /// Where the tree is to be made; its parent exists.
    pub fn root_path(&self) -> PathBuf {
        self.dir.join(ROOT)
    }

    /// Puts the tree into place; another's that came first is as good. Gives the path of its root.
    pub fn commit(self) -> Result<PathBuf> {
        let store = self.lease.store();
        files::write_atomic(&self.dir.join(UNSYNCED), store.boot().as_bytes(), Flush::Later)?;
        let target = store.layer_dir(&self.layer).join(dir_name(&self.mapping));
        let _held = store.hold()?;
        if store.tree_path(&self.layer, &self.mapping)?.is_none() {
            // One of another boot that was never flushed, if any.
            store.discard(&target)?;
            files::rename_new(&self.dir, &target)?;
        }
        Ok(target.join(ROOT))
    }
}
