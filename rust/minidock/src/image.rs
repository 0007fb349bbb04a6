//! Images: into the store from files, out of it into files, named, listed, shown, removed.
//!
//! It decides what an image is made of and who may take one away; bytes lie in the store, trees
//! are written and read by the runtime, and nothing here uses the network.

pub(crate) mod change;
mod export;
pub(crate) mod failure;
mod history;
mod import;
mod inspect;
mod list;
mod load;
mod names;
mod own_manifest;
mod platform;
mod save;
mod sink;
mod times;
pub(crate) mod unpack;

use minidock_image::config::ImageConfig;

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::ImageRecord;

pub(crate) use change::{StageSettings, apply_instruction};
pub use history::HistoryRow;
pub use import::ImportOptions;
pub use list::{ImageFilter, ImageRow, ImageSummary};
pub use load::{LoadOptions, Loaded};
pub use names::Removed;
pub(crate) use own_manifest::{layer_media_type, store_manifest};
pub(crate) use platform::host_platform;
pub(crate) use times::{now_text, seconds_of};

pub use minidock_image::archive::ArchiveFormat;
pub use minidock_image::descriptor::Platform;
pub use minidock_image::digest::Digest;
pub use minidock_image::reference::Reference;

/// Only a tag can be given to an image: a digest says what an image is, not how it is called.
pub(crate) fn require_tag(reference: &Reference) -> Result<()> {
    if reference.digest().is_none() {
        return Ok(());
    }
    let message = format!("{} has a digest and cannot be given", quoted(&reference.familiar()));
    Err(Error::new(ErrorKind::InvalidInput, message).with_hint("use NAME or NAME:TAG"))
}

/// The config of an image of the store.
pub(crate) fn parsed_config(image: &ImageRecord) -> Result<ImageConfig> {
    ImageConfig::from_json(&image.config).map_err(|error| {
        let message = format!("the config of image {} is damaged", image.id.short());
        Error::new(ErrorKind::Corrupt, message)
            .with_hint("run `minidock system check --repair`, then pull or load it again")
            .with_source(error)
    })
}

/// The bytes of a config made here.
pub(crate) fn config_bytes(config: &ImageConfig) -> Result<Vec<u8>> {
    config.to_json().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the image's config cannot be written")
            .with_source(error)
    })
}
