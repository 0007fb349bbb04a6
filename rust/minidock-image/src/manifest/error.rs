//! Why bytes are not a manifest or an index that can be used.

/// Why bytes are not a manifest or an index that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is longer than is read.
    #[error("manifest has {found} bytes: at most {max} are read", max = super::MAX_MANIFEST_LEN)]
    TooLong {
        /// Its length.
        found: u64,
    },
    /// It is no JSON, or a field is missing or of the wrong type.
    #[error("manifest is not valid")]
    Json {
        /// Where and what.
        #[from]
        source: serde_json::Error,
    },
    /// It could be read as a manifest and as an index.
    #[error("manifest is ambiguous: it has both layers or a config and manifests (CVE-2021-41190)")]
    Ambiguous,
    /// It is of docker's first format.
    #[error(
        "manifest is of docker's schema 1, which is no longer read: push the image again with a docker of 1.10 or later"
    )]
    Schema1,
    /// It is an OCI artifact manifest.
    #[error(
        "manifest is an OCI artifact manifest, which was withdrawn from the specification: it is no image"
    )]
    Artifact,
    /// It has a schema version that this version does not know.
    #[error("manifest has schema version {found}: only 2 is supported")]
    Version {
        /// The version.
        found: u32,
    },
    /// It has no schema version.
    #[error("manifest has no schemaVersion: it is no manifest")]
    NoVersion,
    /// Its own media type is not what was announced.
    #[error("manifest was announced as {outside:?} but says it is {inside:?}")]
    MediaType {
        /// What its descriptor or Content-Type says.
        outside: String,
        /// What it says itself.
        inside: String,
    },
    /// It is of a media type that is no image.
    #[error("manifest has media type {media_type:?}, which is no image or image index")]
    UnknownType {
        /// The media type.
        media_type: String,
    },
    /// It holds what its media type does not have.
    #[error("manifest has {found} where its media type has {expected}")]
    Contents {
        /// What its media type has.
        expected: &'static str,
        /// What it has.
        found: &'static str,
    },
    /// It has neither layers nor manifests.
    #[error("manifest has neither layers nor manifests and says not what it is")]
    Neither,
    /// A manifest was needed, this is an index.
    #[error("expected the manifest of one image, found an index of several")]
    NotManifest,
    /// An index was needed, this is a manifest.
    #[error("expected an index, found the manifest of one image")]
    NotIndex,
    /// It has too many layers.
    #[error("manifest has {found} layers: at most {max} are allowed", max = super::MAX_LAYERS)]
    TooManyLayers {
        /// How many.
        found: usize,
    },
    /// It has too many entries.
    #[error("index has {found} entries: at most {max} are allowed", max = super::MAX_INDEX_ENTRIES)]
    TooManyEntries {
        /// How many.
        found: usize,
    },
    /// It is an artifact of some other kind.
    #[error("manifest has a config of type {media_type:?}: it is no container image")]
    NotImage {
        /// Media type of its config.
        media_type: String,
    },
    /// A layer is of a type that this version does not know.
    #[error("manifest has a layer of type {media_type:?}, which is not supported")]
    LayerType {
        /// Media type of the layer.
        media_type: String,
    },
}
