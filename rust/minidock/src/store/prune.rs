//! Owns garbage collection: which images go, and the sweep of what nothing needs.
//!
//! Stopped containers and volumes are the engine's to prune, which knows their settings.

use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use crate::error::Result;

use super::images::{ImageRecord, rows};
use super::{HeldAlone, Store};

/// Which images a prune takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImagePrune {
    /// None.
    #[default]
    Keep,
    /// Those without a reference that no container uses.
    Dangling,
    /// All that no container uses.
    Unused,
}

/// What a prune takes away beside what nothing needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneOptions {
    /// Images.
    pub images: ImagePrune,
    /// The build cache.
    pub build_cache: bool,
}

/// What a prune took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Images.
    pub images: Vec<Digest>,
    /// Their references.
    pub references: Vec<Reference>,
    /// Remembered build steps.
    pub cache_entries: usize,
    /// Layers.
    pub layers: usize,
    /// Blobs.
    pub blobs: usize,
    /// Bytes of the layers' files and the blobs.
    pub bytes: u64,
    /// Things in the trash that could not be deleted: they hold files of subordinate ids.
    pub left_in_trash: usize,
}

impl Store {
    /// Takes away what the options name, and everything that nothing needs: not an image, not the
    /// build cache, not a container, not an operation that is under way.
    pub fn prune(&self, options: &PruneOptions) -> Result<PruneReport> {
        self.require_write()?;
        // Room first: on a full disk the trash may be what fills it.
        self.empty_trash()?;
        let mut report = PruneReport::default();
        {
            let alone = self.hold_alone()?;
            self.sweep_leases(&alone)?;
            self.prune_images(&alone, options.images, &mut report)?;
            if options.build_cache {
                report.cache_entries = self.forget_cache(None)?;
            }
            let roots = self.mark(&alone)?;
            let (layers, layer_bytes) = self.sweep_layers(&alone, &roots)?;
            let (blobs, blob_bytes) = self.sweep_blobs(&alone, &roots)?;
            let (partial, partial_bytes) = self.sweep_partial(&alone)?;
            self.free_stale_claims(&alone)?;
            (report.layers, report.blobs) = (layers, blobs + partial);
            report.bytes = layer_bytes.saturating_add(blob_bytes).saturating_add(partial_bytes);
        }
        report.left_in_trash = self.empty_trash_wholly()?;
        super::trash::fill_reserve(self.root())?;
        Ok(report)
    }

    fn prune_images(
        &self,
        alone: &HeldAlone,
        which: ImagePrune,
        report: &mut PruneReport,
    ) -> Result<()> {
        if which == ImagePrune::Keep {
            return Ok(());
        }
        self.sweep_records(alone)?;
        let used: std::collections::HashSet<Digest> =
            self.containers()?.containers.into_iter().filter_map(|c| c.image).collect();
        let goes = |image: &ImageRecord| {
            !used.contains(&image.id)
                && (which == ImagePrune::Unused || image.references.is_empty())
        };
        let images: Vec<_> = self.images()?.into_iter().filter(goes).collect();
        if images.is_empty() {
            return Ok(());
        }
        self.with_reserve(|| {
            self.write(|db| images.iter().try_for_each(|image| rows::delete(db, &image.id)))
        })?;
        let ids: Vec<_> = images.iter().map(|image| image.id).collect();
        self.forget_records(alone, &ids)?;
        for image in images {
            let id = image.id.to_string();
            for reference in &image.references {
                self.image_event(&id, "untag", &reference.familiar());
            }
            self.image_event(&id, "delete", &id);
            report.images.push(image.id);
            report.references.extend(image.references);
        }
        Ok(())
    }
}
