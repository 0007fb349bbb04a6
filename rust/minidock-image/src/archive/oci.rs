//! OCI layouts: `index.json` lists manifests, or indexes of them for several machines.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::docker::parse_reference;
use super::{
    ArchiveError, INDEX_JSON, LoadedImage, LoadedLayer, MAX_LIST_LEN, NAME_ANNOTATION, OCI_LAYOUT,
    REF_NAME_ANNOTATION,
};
use crate::config::{ImageConfig, MAX_CONFIG_LEN};
use crate::descriptor::{Descriptor, Platform};
use crate::manifest::{
    Index, MAX_INDEX_DEPTH, MAX_MANIFEST_LEN, Manifest, ManifestError, ManifestOrIndex,
};
use crate::media;
use crate::reference::Reference;

const LAYOUT_VERSION: &str = "1.0.0";

/// The file that marks a layout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layout {
    pub(super) image_layout_version: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self { image_layout_version: LAYOUT_VERSION.to_owned() }
    }
}

pub(super) fn load<C: Contents>(
    contents: &mut C,
    platform: &Platform,
) -> Result<Vec<LoadedImage>, ArchiveError> {
    check_layout(contents)?;
    let stored = contents.require(INDEX_JSON, MAX_LIST_LEN)?;
    let bytes = contents.read(INDEX_JSON, stored, MAX_LIST_LEN)?;
    let index = Index::from_json(&bytes, "")?;
    let mut images: Vec<LoadedImage> = Vec::new();
    for descriptor in &index.manifests {
        let Some(mut image) = resolve(contents, descriptor, platform, 1)? else {
            continue;
        };
        image.references = reference(descriptor)?.into_iter().collect();
        // One image with several names is listed once for each.
        match images.iter_mut().find(|known| known.manifest == image.manifest) {
            Some(known) => known.references.append(&mut image.references),
            None => images.push(image),
        }
    }
    if images.is_empty() { Err(ArchiveError::Empty) } else { Ok(images) }
}

fn check_layout(contents: &mut impl Contents) -> Result<(), ArchiveError> {
    let stored = contents.require(OCI_LAYOUT, MAX_LIST_LEN)?;
    let bytes = contents.read(OCI_LAYOUT, stored, MAX_LIST_LEN)?;
    let layout: Layout = serde_json::from_slice(&bytes)
        .map_err(|source| ArchiveError::Json { name: OCI_LAYOUT, source })?;
    if layout.image_layout_version == LAYOUT_VERSION {
        return Ok(());
    }
    Err(ArchiveError::LayoutVersion { version: layout.image_layout_version })
}

/// containerd's name is whole; OCI's is often only a tag, which names nothing by itself.
fn reference(descriptor: &Descriptor) -> Result<Option<Reference>, ArchiveError> {
    if let Some(name) = descriptor.annotations.get(NAME_ANNOTATION) {
        return parse_reference(name).map(Some);
    }
    match descriptor.annotations.get(REF_NAME_ANNOTATION) {
        Some(name) if name.contains(['/', ':']) => parse_reference(name).map(Some),
        _ => Ok(None),
    }
}

/// The image behind a descriptor; `None` for artifacts that are no images.
fn resolve<C: Contents>(
    contents: &mut C,
    descriptor: &Descriptor,
    platform: &Platform,
    depth: usize,
) -> Result<Option<LoadedImage>, ArchiveError> {
    if depth > MAX_INDEX_DEPTH {
        return Err(ArchiveError::TooDeep);
    }
    let stored = contents.blob(descriptor)?;
    let name = descriptor.digest.to_string();
    let bytes = contents.read(&name, stored, MAX_MANIFEST_LEN)?;
    match ManifestOrIndex::from_json(&bytes, &descriptor.media_type)? {
        ManifestOrIndex::Manifest(manifest) => load_image(contents, descriptor, &manifest),
        ManifestOrIndex::Index(index) => {
            let chosen = choose(&index, platform)?;
            resolve(contents, chosen, platform, depth + 1)
        }
    }
}

/// The entry for this machine; an entry that is an index itself may hold it.
fn choose<'i>(index: &'i Index, platform: &Platform) -> Result<&'i Descriptor, ArchiveError> {
    let fits = |entry: &&Descriptor| {
        entry.platform.as_ref().is_some_and(|offered| {
            offered.os == platform.os
                && offered.architecture == platform.architecture
                && (platform.variant.is_empty() || offered.variant == platform.variant)
        })
    };
    let nested = |entry: &&Descriptor| {
        entry.platform.is_none()
            && (media::is_index(&entry.media_type) || index.manifests.len() == 1)
    };
    let chosen = index.manifests.iter().find(fits);
    chosen.or_else(|| index.manifests.iter().find(nested)).ok_or_else(|| {
        let offered = index.manifests.iter().filter_map(|entry| entry.platform.as_ref());
        let offered: BTreeSet<_> = offered.map(ToString::to_string).take(20).collect();
        let found = offered.into_iter().collect::<Vec<_>>().join(", ");
        let found = if found.is_empty() { "none".to_owned() } else { found };
        ArchiveError::Platform { platform: platform.to_string(), found }
    })
}

fn load_image<C: Contents>(
    contents: &mut C,
    descriptor: &Descriptor,
    manifest: &Manifest,
) -> Result<Option<LoadedImage>, ArchiveError> {
    match manifest.check_is_image() {
        Err(ManifestError::NotImage { .. }) => return Ok(None),
        checked => checked?,
    }
    let stored = contents.blob(&manifest.config)?;
    let name = manifest.config.digest.to_string();
    let bytes = contents.read(&name, stored, MAX_CONFIG_LEN)?;
    let config = ImageConfig::from_json(&bytes)?;
    config.check_layer_count(manifest.layers.len())?;
    let mut layers = Vec::new();
    for (layer, diff_id) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
        contents.blob(layer)?;
        layers.push(LoadedLayer { blob: layer.digest, size: layer.size, diff_id: *diff_id });
    }
    let mut bare = Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size);
    if bare.media_type.is_empty() {
        bare.media_type.clone_from(&manifest.media_type);
    }
    Ok(Some(LoadedImage {
        references: Vec::new(),
        manifest: Some(bare),
        config: manifest.config.digest,
        layers,
        platform: config.platform(),
    }))
}
