//! Manifests and indexes: what an image is made of, checked before anyone follows it.

mod error;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::descriptor::Descriptor;
use crate::media;
use crate::null::or_default;

pub use error::ManifestError;

/// Largest manifest or index that is read, in bytes.
pub const MAX_MANIFEST_LEN: u64 = 4 << 20;
/// Most entries of an index.
pub const MAX_INDEX_ENTRIES: usize = 1000;
/// Most layers of a manifest.
pub const MAX_LAYERS: usize = 1000;
/// How deep indexes may be in indexes.
pub const MAX_INDEX_DEPTH: usize = 4;

/// A manifest of one image (OCI image specification, manifest.md; docker's schema 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// What it is; OCI allows it to be absent.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// What kind of artifact it is, if it is no image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    /// The image's config.
    pub config: Descriptor,
    /// Its layers, lowest first.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free-form data.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An index of manifests (OCI image specification, image-index.md; docker's manifest list).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// What it is; OCI allows it to be absent.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// What kind of artifact it is, if it is no image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    /// The manifests, or further indexes.
    #[serde(default, deserialize_with = "or_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this index is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free-form data.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What the bytes behind a reference turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestOrIndex {
    /// One image.
    Manifest(Box<Manifest>),
    /// Several, for several machines.
    Index(Box<Index>),
}

impl ManifestOrIndex {
    /// Reads and checks a manifest or an index. `media_type` is what its descriptor or the
    /// registry's Content-Type says; empty if nothing did.
    pub fn from_json(bytes: &[u8], media_type: &str) -> Result<Self, ManifestError> {
        let found = bytes.len() as u64;
        if found > MAX_MANIFEST_LEN {
            return Err(ManifestError::TooLong { found });
        }
        let fields: Fields = serde_json::from_slice(bytes)?;
        if fields.has_layers() && fields.manifests.is_some() {
            return Err(ManifestError::Ambiguous);
        }
        let outside = media_type.split(';').next().unwrap_or_default().trim();
        let inside = fields.media_type.as_deref().unwrap_or_default();
        refuse_known(fields.schema_version, outside)?;
        refuse_known(fields.schema_version, inside)?;
        // Some registries serve everything as plain JSON: that says nothing.
        let outside =
            if matches!(outside, "application/json" | "text/plain") { "" } else { outside };
        if !outside.is_empty() && !inside.is_empty() && outside != inside {
            let (outside, inside) = (outside.to_owned(), inside.to_owned());
            return Err(ManifestError::MediaType { outside, inside });
        }
        let stated = if outside.is_empty() { inside } else { outside };
        if stated.is_empty() && fields.manifests.is_some() || media::is_index(stated) {
            return Index::check(bytes, &fields).map(|index| Self::Index(Box::new(index)));
        }
        if stated.is_empty() && fields.has_layers() || media::is_manifest(stated) {
            let manifest = Manifest::check(bytes, &fields)?;
            return Ok(Self::Manifest(Box::new(manifest)));
        }
        if stated.is_empty() {
            return Err(ManifestError::Neither);
        }
        Err(ManifestError::UnknownType { media_type: stated.to_owned() })
    }
}

impl Manifest {
    /// A manifest of media type `media_type`, which also says whether it is OCI's or docker's.
    #[must_use]
    pub fn new(media_type: &str, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: media_type.to_owned(),
            artifact_type: String::new(),
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Reads and checks a manifest; an index is refused.
    pub fn from_json(bytes: &[u8], media_type: &str) -> Result<Self, ManifestError> {
        match ManifestOrIndex::from_json(bytes, media_type)? {
            ManifestOrIndex::Manifest(manifest) => Ok(*manifest),
            ManifestOrIndex::Index(_) => Err(ManifestError::NotManifest),
        }
    }

    /// The bytes of a manifest made here.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Checks that config and layers are those of an image, not of some other artifact.
    pub fn check_is_image(&self) -> Result<(), ManifestError> {
        if !media::is_config(&self.config.media_type) {
            let media_type = self.config.media_type.clone();
            return Err(ManifestError::NotImage { media_type });
        }
        match self.layers.iter().find(|layer| !media::is_layer(&layer.media_type)) {
            None => Ok(()),
            Some(layer) => Err(ManifestError::LayerType { media_type: layer.media_type.clone() }),
        }
    }

    fn check(bytes: &[u8], fields: &Fields) -> Result<Self, ManifestError> {
        if fields.manifests.is_some() {
            return Err(ManifestError::Contents { expected: "layers", found: "manifests" });
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.layers.len() > MAX_LAYERS {
            return Err(ManifestError::TooManyLayers { found: manifest.layers.len() });
        }
        Ok(manifest)
    }
}

impl Index {
    /// An index of media type `media_type`.
    #[must_use]
    pub fn new(media_type: &str, manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: media_type.to_owned(),
            artifact_type: String::new(),
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Reads and checks an index; a manifest is refused.
    pub fn from_json(bytes: &[u8], media_type: &str) -> Result<Self, ManifestError> {
        match ManifestOrIndex::from_json(bytes, media_type)? {
            ManifestOrIndex::Index(index) => Ok(*index),
            ManifestOrIndex::Manifest(_) => Err(ManifestError::NotIndex),
        }
    }

    /// The bytes of an index made here.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        Ok(serde_json::to_vec(self)?)
    }

    fn check(bytes: &[u8], fields: &Fields) -> Result<Self, ManifestError> {
        if fields.has_layers() {
            return Err(ManifestError::Contents { expected: "manifests", found: "layers" });
        }
        let index: Self = serde_json::from_slice(bytes)?;
        if index.manifests.len() > MAX_INDEX_ENTRIES {
            return Err(ManifestError::TooManyEntries { found: index.manifests.len() });
        }
        Ok(index)
    }
}

/// What decides how the bytes are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    schema_version: Option<u32>,
    media_type: Option<String>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Fields {
    fn has_layers(&self) -> bool {
        self.layers.is_some() || self.config.is_some()
    }
}

fn refuse_known(version: Option<u32>, media_type: &str) -> Result<(), ManifestError> {
    if version == Some(1) || media::DOCKER_SCHEMA1.contains(&media_type) {
        return Err(ManifestError::Schema1);
    }
    if media_type == media::OCI_ARTIFACT {
        return Err(ManifestError::Artifact);
    }
    match version {
        Some(2) => Ok(()),
        Some(found) => Err(ManifestError::Version { found }),
        None => Err(ManifestError::NoVersion),
    }
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
