//! Owns which blob a layer was made from.
//!
//! A tar of another maker cannot be made again from a layer's index; whoever saves or pushes an
//! image with that layer needs the blob, also when the image was built upon the one that came.

use minidock_image::descriptor::Descriptor;

use super::super::Store;
use super::super::files::{self, Flush};
use super::super::ids::LocalId;
use super::damaged;
use crate::error::{Error, ErrorKind, Result};

const PACKED: &str = "packed.json";

impl Store {
    /// Notes the blob that a layer was made from. The last one counts.
    pub fn set_packed(&self, id: &LocalId, blob: &Descriptor) -> Result<()> {
        self.require_write()?;
        let held = self.hold()?;
        self.require_layer(&held, id)?;
        let text = serde_json::to_vec(blob)
            .map_err(|e| Error::new(ErrorKind::Io, "cannot write packed.json").with_source(e))?;
        files::write_atomic(&self.layer_dir(id).join(PACKED), &text, Flush::Later)
    }

    /// The blob that a layer was made from, if it came as one. It may be gone.
    pub fn packed(&self, id: &LocalId) -> Result<Option<Descriptor>> {
        let Some(bytes) = files::read_optional(&self.layer_dir(id).join(PACKED))? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| damaged(id, "its packed.json does not parse").with_source(e))
    }
}
