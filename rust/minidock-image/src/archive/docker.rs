//! Docker archives: `manifest.json` lists each image's config, names and layers.

use serde::{Deserialize, Serialize};

use super::contents::{Contents, Stored};
use super::{ArchiveError, LoadedImage, LoadedLayer, MANIFEST_JSON, MAX_LIST_LEN};
use crate::config::{ImageConfig, MAX_CONFIG_LEN};
use crate::digest::Digest;
use crate::layer::EntryPath;
use crate::null::or_default;
use crate::reference::Reference;

/// One image in `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) config: String,
    #[serde(default)]
    pub(super) repo_tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) layers: Vec<String>,
}

pub(super) fn load(contents: &mut impl Contents) -> Result<Vec<LoadedImage>, ArchiveError> {
    let stored = contents.require(MANIFEST_JSON, MAX_LIST_LEN)?;
    let bytes = contents.read(MANIFEST_JSON, stored, MAX_LIST_LEN)?;
    let listed: Vec<Listed> = serde_json::from_slice(&bytes)
        .map_err(|source| ArchiveError::Json { name: MANIFEST_JSON, source })?;
    if listed.is_empty() {
        return Err(ArchiveError::Empty);
    }
    listed.into_iter().map(|image| load_image(contents, image)).collect()
}

fn load_image(contents: &mut impl Contents, listed: Listed) -> Result<LoadedImage, ArchiveError> {
    let stored = named_file(contents, &listed.config)?;
    let bytes = contents.read(&listed.config, stored, MAX_CONFIG_LEN)?;
    let config = ImageConfig::from_json(&bytes)?;
    config.check_layer_count(listed.layers.len())?;
    let mut layers = Vec::new();
    for (name, diff_id) in listed.layers.iter().zip(&config.rootfs.diff_ids) {
        let Stored { digest, size } = named_file(contents, name)?;
        layers.push(LoadedLayer { blob: digest, size, diff_id: *diff_id });
    }
    let references = listed.repo_tags.unwrap_or_default();
    let references =
        references.iter().map(|text| parse_reference(text)).collect::<Result<_, _>>()?;
    let platform = config.platform();
    Ok(LoadedImage { references, manifest: None, config: stored.digest, layers, platform })
}

/// A file that the list names. Names that hold a digest must tell the truth.
fn named_file(contents: &mut impl Contents, name: &str) -> Result<Stored, ArchiveError> {
    let is_name = EntryPath::parse(name.as_bytes());
    is_name.map_err(|source| ArchiveError::Name { name: name.to_owned(), source })?;
    let stored = contents.require(name, u64::MAX)?;
    let hex = name.strip_prefix("blobs/sha256/").or_else(|| name.strip_suffix(".json"));
    let named = hex.and_then(|hex| Digest::from_sha256_hex(hex).ok());
    if named.is_some_and(|named| named != stored.digest) {
        let found = Box::new(stored.digest);
        return Err(ArchiveError::Digest { name: name.to_owned(), found });
    }
    Ok(stored)
}

pub(super) fn parse_reference(text: &str) -> Result<Reference, ArchiveError> {
    Reference::parse(text)
        .map_err(|source| ArchiveError::Reference { text: text.to_owned(), source })
}
