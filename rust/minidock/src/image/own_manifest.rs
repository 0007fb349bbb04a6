//! Manifests for images that came without one, so that their blobs are found again by `save`.

use minidock_image::compression::Compression;
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use minidock_image::manifest::Manifest;
use minidock_image::media;

use crate::error::{Error, ErrorKind, Result};

/// A manifest's bytes, an OCI image manifest.
pub(crate) fn manifest_bytes(config: &[u8], layers: Vec<Descriptor>) -> Result<Vec<u8>> {
    let config = Descriptor::new(media::OCI_CONFIG, Digest::of(config), config.len() as u64);
    Manifest::new(media::OCI_MANIFEST, config, layers).to_json().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the image's manifest cannot be written")
            .with_source(error)
    })
}

/// What a layer's blob is called in a manifest.
pub(crate) fn layer_media_type(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => media::OCI_LAYER_GZIP,
        Compression::Zstd => media::OCI_LAYER_ZSTD,
        // The decoder lets nothing else through.
        _ => media::OCI_LAYER,
    }
}
