//! Manifests for images that came without one, so that their blobs are found again by `save`.

use std::io::Write;

use minidock_image::compression::Compression;
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use minidock_image::manifest::Manifest;
use minidock_image::media;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{ExpectedBlob, Lease, ManifestRecord};

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

/// Stores config and manifest of an image that came without one, and adds them to its blobs.
pub(crate) fn store_manifest(
    lease: &Lease,
    config: &[u8],
    layers: Vec<Descriptor>,
    blobs: &mut Vec<Digest>,
) -> Result<ManifestRecord> {
    let manifest = manifest_bytes(config, layers)?;
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
        media_type: media::OCI_MANIFEST.to_owned(),
        size: manifest.len() as u64,
    })
}
