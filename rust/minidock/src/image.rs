//! Images: into the store from files, out of it into files, named, listed, shown, removed.
//!
//! It decides what an image is made of and who may take one away; bytes lie in the store, trees
//! are written and read by the runtime, and nothing here uses the network.

mod change;
mod failure;
mod import;
mod platform;
mod times;
mod unpack;

pub(crate) use change::{StageSettings, apply_instruction};
pub use import::ImportOptions;
pub(crate) use platform::host_platform;
pub(crate) use times::{now_text, seconds_of};
pub(crate) use unpack::Unpacked;

pub use minidock_image::archive::ArchiveFormat;
pub use minidock_image::descriptor::Platform;
pub use minidock_image::digest::Digest;
pub use minidock_image::reference::Reference;

use minidock_image::config::ImageConfig;

use crate::error::{Error, ErrorKind, Result, quoted};

/// Only a tag can be given to an image: a digest says what an image is, not how it is called.
pub(crate) fn require_tag(reference: &Reference) -> Result<()> {
    if reference.digest().is_none() {
        return Ok(());
    }
    let message = format!("{} has a digest and cannot be given", quoted(&reference.familiar()));
    Err(Error::new(ErrorKind::InvalidInput, message).with_hint("use NAME or NAME:TAG"))
}

/// The bytes of a config made here.
pub(crate) fn config_bytes(config: &ImageConfig) -> Result<Vec<u8>> {
    config.to_json().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the image's config cannot be written")
            .with_source(error)
    })
}
