//! Owns the set of what must stay: the mark half of mark and sweep.

use std::collections::HashSet;

use minidock_image::digest::Digest;

use crate::error::Result;

use super::ids::LocalId;
use super::{HeldAlone, Store};

/// Layers and blobs that something still needs.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub(crate) layers: HashSet<LocalId>,
    pub(crate) blobs: HashSet<Digest>,
    /// Something is damaged that may need any layer: none may go.
    pub(crate) all_layers: bool,
}

impl Roots {
    pub(crate) fn needs(&self, layer: &LocalId) -> bool {
        self.all_layers || self.layers.contains(layer)
    }
}

impl Store {
    /// Marks from images, the build cache, containers and live leases.
    pub(crate) fn mark(&self, alone: &HeldAlone) -> Result<Roots> {
        let mut roots = Roots::default();
        self.read(|db| {
            Self::mark_images(db, &mut roots)?;
            Self::mark_cache(db, &mut roots)
        })?;
        self.mark_containers(&mut roots)?;
        self.mark_leases(alone, &mut roots)?;
        Ok(roots)
    }
}
