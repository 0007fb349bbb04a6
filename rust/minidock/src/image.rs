//! Images: into the store from files, out of it into files, named, listed, shown, removed.
//!
//! It decides what an image is made of and who may take one away; bytes lie in the store, trees
//! are written and read by the runtime, and nothing here uses the network.

mod change;
mod failure;
mod import;
mod load;
mod own_manifest;
mod platform;
mod sink;
mod times;
mod unpack;

pub(crate) use change::{StageSettings, apply_instruction};
pub use import::ImportOptions;
pub use load::{LoadOptions, Loaded};
pub(crate) use platform::host_platform;
pub(crate) use times::{now_text, seconds_of};
pub(crate) use unpack::Unpacked;

pub use minidock_image::archive::ArchiveFormat;
pub use minidock_image::descriptor::Platform;
pub use minidock_image::digest::Digest;
pub use minidock_image::reference::Reference;

use std::io::Write as _;

use minidock_image::config::ImageConfig;
use minidock_image::descriptor::Descriptor;

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::{ExpectedBlob, Lease, ManifestRecord};

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

/// Stores config and manifest of an image that came without one, and adds them to its blobs.
pub(crate) fn store_manifest(
    lease: &Lease,
    config: &[u8],
    layers: Vec<Descriptor>,
    blobs: &mut Vec<Digest>,
) -> Result<ManifestRecord> {
    let manifest = own_manifest::manifest_bytes(config, layers)?;
    for bytes in [config, &manifest] {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        let mut writer = lease.blob_writer(Some(ExpectedBlob { digest, size }))?;
        writer.write_all(bytes).map_err(|error| Error::io("cannot write a blob", error))?;
        writer.commit()?;
        if !blobs.contains(&digest) {
            blobs.push(digest);
        }
    }
    Ok(ManifestRecord {
        digest: Digest::of(&manifest),
        media_type: minidock_image::media::OCI_MANIFEST.to_owned(),
        size: manifest.len() as u64,
    })
}
