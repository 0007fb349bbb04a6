//! From a name to the manifest of one image: through indexes, past what is no image.

use minidock_image::descriptor::{Descriptor, Platform};
use minidock_image::digest::Digest;
use minidock_image::manifest::{MAX_INDEX_DEPTH, Manifest, ManifestError, ManifestOrIndex};
use minidock_image::reference::Reference;
use minidock_registry::{Fetched, Repository};

use super::failure::of_registry;
use super::platform::choose;
use crate::error::{Error, ErrorKind, Result, quoted};

/// An image of a registry, before anything of it but its manifest was fetched.
#[derive(Debug)]
pub(super) struct Resolved {
    /// What the registry calls the image: the digest of what the name leads to.
    pub(super) named: Digest,
    /// The manifest of the one image, as it came.
    pub(super) fetched: Fetched,
    /// What it says.
    pub(super) manifest: Manifest,
}

/// Finds the image for a platform.
pub(super) fn resolve(
    repository: &Repository<'_>,
    reference: &Reference,
    platform: &Platform,
) -> Result<Resolved> {
    let top = repository.manifest(&reference.manifest_key()).map_err(of_registry)?;
    let named = top.digest;
    let (mut fetched, mut media_type) = (top, None::<String>);
    for _ in 0..=MAX_INDEX_DEPTH {
        let announced = media_type.as_deref().unwrap_or(&fetched.media_type);
        let read = ManifestOrIndex::from_json(&fetched.bytes, announced)
            .map_err(|error| of_manifest(reference, error))?;
        let index = match read {
            ManifestOrIndex::Manifest(manifest) => {
                check(reference, &manifest)?;
                return Ok(Resolved { named, fetched, manifest: *manifest });
            }
            ManifestOrIndex::Index(index) => index,
        };
        let chosen = choose(&index, platform)?;
        let (size, digest) = (chosen.size, chosen.digest);
        media_type = Some(chosen.media_type.clone());
        fetched = repository.manifest_of(&digest).map_err(of_registry)?;
        if fetched.bytes.len() as u64 != size {
            let message = format!(
                "the manifest {digest} has {} bytes, the index of {} says {size}",
                fetched.bytes.len(),
                quoted(&reference.familiar())
            );
            return Err(Error::new(ErrorKind::Corrupt, message)
                .with_hint("nothing was stored; ask whoever serves it"));
        }
    }
    let message = format!(
        "{} leads through more than {MAX_INDEX_DEPTH} indexes",
        quoted(&reference.familiar())
    );
    Err(Error::new(ErrorKind::InvalidInput, message))
}

fn check(reference: &Reference, manifest: &Manifest) -> Result<()> {
    let is_image = match manifest.artifact_type.is_empty() || !manifest.layers.is_empty() {
        true => manifest.check_is_image(),
        false => Err(ManifestError::NotImage { media_type: manifest.artifact_type.clone() }),
    };
    is_image.map_err(|error| of_manifest(reference, error))?;
    match manifest.layers.iter().find(|layer| is_foreign(layer)) {
        None => Ok(()),
        Some(layer) => {
            let message = format!(
                "{} has a foreign layer, {}: it may not be distributed and lies elsewhere",
                quoted(&reference.familiar()),
                layer.digest
            );
            Err(Error::new(ErrorKind::InvalidInput, message)
                .with_hint("such layers are not fetched; images for Windows have them"))
        }
    }
}

/// Whether a layer lies somewhere else by its own word (OCI image specification, layer.md,
/// non-distributable layers): its addresses are never followed.
fn is_foreign(layer: &Descriptor) -> bool {
    layer.media_type.contains(".nondistributable.")
        || layer.media_type.contains(".foreign.")
        || !layer.urls.is_empty()
}

fn of_manifest(reference: &Reference, error: ManifestError) -> Error {
    let hint = match &error {
        ManifestError::Schema1 => Some("docker 1.10 and later push images that can be pulled"),
        ManifestError::NotImage { .. } | ManifestError::Artifact => {
            Some("tools such as oras or helm fetch what is no container image")
        }
        _ => None,
    };
    let message = format!("{} cannot be used", quoted(&reference.familiar()));
    let made = Error::new(ErrorKind::InvalidInput, message).with_source(error);
    match hint {
        Some(hint) => made.with_hint(hint),
        None => made,
    }
}
