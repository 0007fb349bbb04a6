//! Owns the numbers of `system df`.

use std::collections::HashSet;

use minidock_image::digest::Digest;

use crate::error::{Error, Result};

use super::Store;
use super::ids::LocalId;

/// One line of `system df`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageItem {
    /// How many there are.
    pub total: usize,
    /// How many are in use.
    pub active: usize,
    /// Bytes.
    pub size: u64,
    /// Bytes that a prune would free.
    pub reclaimable: u64,
}

/// What the store holds, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Images; active are those that containers use. Layers that images share count once.
    pub images: UsageItem,
    /// Containers; active are those that are alive. Their sizes are the engine's to add: their
    /// files belong to subordinate ids.
    pub containers: UsageItem,
    /// Volumes; sizes as with containers.
    pub volumes: UsageItem,
    /// Build cache: the layers that only it needs.
    pub build_cache: UsageItem,
    /// Blobs: what was pulled, loaded, pushed or saved.
    pub blobs: UsageItem,
}

impl Store {
    /// Counts what the store holds.
    pub fn usage(&self) -> Result<Usage> {
        let _held = self.hold()?;
        let images = self.images()?;
        let containers = self.containers()?.containers;
        let used: HashSet<Digest> = containers.iter().filter_map(|c| c.image).collect();
        let in_images: HashSet<LocalId> =
            images.iter().flat_map(|image| image.layers.iter().cloned()).collect();
        let in_use: HashSet<LocalId> = images
            .iter()
            .filter(|image| used.contains(&image.id))
            .flat_map(|image| image.layers.iter().cloned())
            .chain(containers.iter().flat_map(|c| c.layers.iter().cloned()))
            .collect();
        let entries = self.cache_entries()?;
        let cached: HashSet<LocalId> = entries.iter().map(|entry| entry.layer.clone()).collect();
        let cache_only: HashSet<LocalId> =
            cached.iter().filter(|id| !in_images.contains(*id)).cloned().collect();
        let mut alive = 0;
        for container in &containers {
            alive += usize::from(self.is_alive(&container.id)?);
        }
        let image_size = self.sizes(&in_images);
        let cache_size = self.sizes(&cache_only);
        Ok(Usage {
            images: UsageItem {
                total: images.len(),
                active: images.iter().filter(|image| used.contains(&image.id)).count(),
                size: image_size,
                reclaimable: image_size.saturating_sub(self.sizes(&(&in_images & &in_use))),
            },
            containers: UsageItem {
                total: containers.len(),
                active: alive,
                ..UsageItem::default()
            },
            volumes: UsageItem { total: self.volume_names()?.len(), ..UsageItem::default() },
            build_cache: UsageItem {
                total: entries.len(),
                active: 0,
                size: cache_size,
                reclaimable: cache_size.saturating_sub(self.sizes(&(&cache_only & &in_use))),
            },
            blobs: self.blob_usage()?,
        })
    }

    /// A layer that cannot be read counts nothing here; `check` names it.
    fn sizes(&self, layers: &HashSet<LocalId>) -> u64 {
        layers.iter().map(|id| self.layer(id).map_or(0, |layer| layer.size)).sum()
    }

    fn blob_usage(&self) -> Result<UsageItem> {
        let mut roots = super::roots::Roots::default();
        self.read(|db| Self::mark_images(db, &mut roots))?;
        let mut item = UsageItem::default();
        for digest in self.blobs()?.0 {
            let path = self.blob_path(&digest);
            let size = match std::fs::symlink_metadata(&path) {
                Ok(meta) => meta.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::at("examine", &path, error)),
            };
            item.total += 1;
            item.size += size;
            match roots.blobs.contains(&digest) {
                true => item.active += 1,
                false => item.reclaimable += size,
            }
        }
        Ok(item)
    }
}
