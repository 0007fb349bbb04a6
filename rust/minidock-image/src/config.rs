//! Image configs: docker's schema 2 and OCI's in one type. Everything in it is data from
//! strangers: labels, environment and names steer nothing by themselves.

mod process;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::descriptor::Platform;
use crate::digest::Digest;
use crate::null::or_default;

pub use process::{Healthcheck, ProcessConfig, StringSet};

/// Largest config that is read, in bytes.
pub const MAX_CONFIG_LEN: u64 = 8 << 20;

/// The config of an image (OCI image specification, config.md, with docker's extensions).
///
/// What this version does not know is kept and written again. The bytes of a config are its
/// identity: keep those that came, and write this type only for images made here.
///
/// ```
/// use minidock_image::config::ImageConfig;
/// let config = ImageConfig::from_json(br#"{"os":"linux","config":{"Env":null},"x":1}"#)?;
/// assert_eq!(config.os, "linux");
/// assert_eq!(config.other["x"], 1);
/// # Ok::<(), minidock_image::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was made, RFC 3339; kept as text, since images hold odd ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Processor, in Go's words.
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// Variant of the processor.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Operating system.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// How containers of it are started.
    #[serde(default, deserialize_with = "or_default")]
    pub config: ProcessConfig,
    /// Its layers.
    #[serde(default, deserialize_with = "or_default")]
    pub rootfs: RootFs,
    /// How it was made.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// What this version does not know, such as `docker_version` and `os.version`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Digests of the uncompressed layers, lowest first.
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<Digest>,
    /// What this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: "layers".to_owned(), diff_ids: Vec::new(), other: Map::new() }
    }
}

/// One step of how an image was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// When, RFC 3339, kept as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// Who.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// A note.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
    /// What this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Why bytes are not an image config.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is longer than is read.
    #[error("image config has {found} bytes: at most {max} are read", max = MAX_CONFIG_LEN)]
    TooLong {
        /// Its length.
        found: u64,
    },
    /// It is no JSON, or a field has the wrong type.
    #[error("image config is not valid")]
    Json {
        /// Where and what.
        #[from]
        source: serde_json::Error,
    },
    /// The rootfs is of a kind that this version does not know.
    #[error("image config has a rootfs of type {kind:?}: only \"layers\" is supported")]
    RootFs {
        /// The type.
        kind: String,
    },
    /// The number of layers differs from the manifest's.
    #[error(
        "image config lists {diff_ids} layers, its manifest {layers}: the image is damaged or forged"
    )]
    LayerCount {
        /// Number in the config.
        diff_ids: usize,
        /// Number in the manifest.
        layers: usize,
    },
}

impl ImageConfig {
    /// Reads a config.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        let found = bytes.len() as u64;
        if found > MAX_CONFIG_LEN {
            return Err(ConfigError::TooLong { found });
        }
        let config: Self = serde_json::from_slice(bytes)?;
        if !matches!(config.rootfs.kind.as_str(), "" | "layers") {
            return Err(ConfigError::RootFs { kind: config.rootfs.kind });
        }
        Ok(config)
    }

    /// The bytes of a config made here: the same value always gives the same bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, ConfigError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Checks that the config has one diff-id for each of the manifest's layers.
    pub fn check_layer_count(&self, layers: usize) -> Result<(), ConfigError> {
        let diff_ids = self.rootfs.diff_ids.len();
        if diff_ids == layers {
            return Ok(());
        }
        Err(ConfigError::LayerCount { diff_ids, layers })
    }

    /// Which machines it is for.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            variant: self.variant.clone(),
            other: Map::new(),
        }
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
