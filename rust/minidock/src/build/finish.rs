//! From a built stage to an image of the store.

use minidock_image::config::ImageConfig;
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use super::Build;
use super::stage::StageState;
use crate::error::{ErrorKind, Result};
use crate::image::{config_bytes, seconds_of};
use crate::store::{LocalId, NewImage};

impl Build<'_> {
    /// Puts the image into the store under its names. One that is there already, with these names,
    /// costs no write.
    pub(super) fn put(
        &mut self,
        stage: &StageState,
        references: &[Reference],
        labels: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Digest> {
        let mut config = self.complete(stage)?;
        config.config.labels.extend(labels);
        let bytes = config_bytes(&config)?;
        let id = Digest::of(&bytes);
        let store = self.engine.store();
        match store.image(&id) {
            Ok(known) if known.layers == stage.layers => {
                for reference in references.iter().filter(|r| !known.references.contains(r)) {
                    store.tag(reference, &id)?;
                }
                return Ok(id);
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let blobs = self.blobs_below(&stage.layers)?;
        store.put_image(&NewImage {
            config: &bytes,
            layers: &stage.layers,
            blobs: &blobs,
            manifest: None,
            created: seconds_of(config.created.as_deref()),
            references,
        })
    }

    /// The blobs that layers came as: this image needs them to be saved, whatever becomes of the
    /// image that brought them.
    fn blobs_below(&self, layers: &[LocalId]) -> Result<Vec<Digest>> {
        let mut blobs = Vec::new();
        for layer in layers {
            let Some(blob) = self.engine.store().packed(layer)? else { continue };
            match self.lease.keep_blob(&blob.digest) {
                Ok(()) => blobs.push(blob.digest),
                // Its tar is made from the index, if it can be made again.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(blobs)
    }

    /// The config with the diff-ids of all layers.
    fn complete(&mut self, stage: &StageState) -> Result<ImageConfig> {
        let mut config = stage.config.clone();
        let known = config.rootfs.diff_ids.len().min(stage.layers.len());
        config.rootfs.kind = "layers".to_owned();
        config.rootfs.diff_ids.extend(self.diff_ids.all(&stage.layers[known..])?);
        Ok(config)
    }

    /// Keeps the state before a step that failed, as an image without a name; `None` where there
    /// was nothing yet.
    pub(super) fn state_before(&mut self, stage: &StageState) -> Result<Option<Digest>> {
        if stage.layers.is_empty() {
            return Ok(None);
        }
        self.put(stage, &[], []).map(Some)
    }
}
