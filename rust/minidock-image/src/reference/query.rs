//! What a user may type to name a local image: a reference, an id, or the start of an id.
//! It only reads the text; the caller looks the image up in the order given here.

use std::fmt;
use std::str::FromStr;

use super::grammar::shorten;
use super::{Reference, ReferenceError};
use crate::digest::{Algorithm, Digest};

/// The beginning of an image id: 1 to 64 lower case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Reads `hex`, with or without `sha256:` in front.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let good = (1..=64).contains(&hex.len())
            && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Self(hex.to_owned()))
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id begins with it.
    #[must_use]
    pub fn matches(&self, id: &Digest) -> bool {
        id.algorithm() == Algorithm::Sha256 && id.hex().starts_with(&self.0)
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// It is neither an id nor a reference.
    #[error("{text:?} is neither an image id nor a reference")]
    NotAnImage {
        /// What was given, shortened.
        text: String,
        /// Why it is no reference.
        source: ReferenceError,
    },
}

/// What a user typed to name a local image.
///
/// Docker looks in this order: [`exact_id`](Self::exact_id), then
/// [`reference`](Self::reference), then [`id_prefix`](Self::id_prefix). A tag named `cafe` so
/// wins over an id that begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageQuery {
    reference: Option<Reference>,
    prefix: Option<IdPrefix>,
}

impl ImageQuery {
    /// Reads what the user typed.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let prefix = IdPrefix::parse(text);
        match Reference::parse(text) {
            Ok(reference) => Ok(Self { reference: Some(reference), prefix }),
            Err(_) if prefix.is_some() => Ok(Self { reference: None, prefix }),
            Err(source) => Err(QueryError::NotAnImage { text: shorten(text), source }),
        }
    }

    /// The whole id, if one was typed.
    #[must_use]
    pub fn exact_id(&self) -> Option<Digest> {
        self.prefix.as_ref().and_then(|prefix| Digest::from_sha256_hex(prefix.as_str()).ok())
    }

    /// The reference, if the text can be one.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// The beginning of an id, if the text can be one.
    #[must_use]
    pub fn id_prefix(&self) -> Option<&IdPrefix> {
        self.prefix.as_ref()
    }
}

impl FromStr for ImageQuery {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}
