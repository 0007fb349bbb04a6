//! Images that a Dockerfile names: of the store, pulled first where that is wanted.

use super::event::BuildEvent;
use super::options::BuildOptions;
use super::plan::UsedImage;
use crate::container::image_config;
use crate::engine::Engine;
use crate::error::Result;
use crate::registry::PullOptions;
use crate::store::Lease;

/// Finds images for one build.
pub(super) struct Obtain<'a> {
    pub(super) engine: &'a Engine,
    pub(super) lease: &'a Lease,
    pub(super) options: &'a BuildOptions,
    pub(super) events: &'a (dyn Fn(BuildEvent) + Sync),
}

impl Obtain<'_> {
    /// An image, its layers kept for the life of the build.
    pub(super) fn image(&self, reference: &str) -> Result<UsedImage> {
        let pull = PullOptions { cancel: self.options.cancel.clone(), ..PullOptions::default() };
        let tell = |event| (self.events)(BuildEvent::Transfer(event));
        let id = self.engine.obtain_image(reference, self.options.pull, &pull, &tell)?;
        let image = self.engine.store().image(&id)?;
        image.layers.iter().try_for_each(|layer| self.lease.keep_layer(layer))?;
        let config = image_config(&id, &image.config)?;
        Ok(UsedImage { config, layers: image.layers })
    }
}
