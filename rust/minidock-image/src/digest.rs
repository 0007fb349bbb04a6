//! Content digests: the parsed form of `sha256:<hex>` and how one is computed.
//! Nothing unparsed may become a path or a URL; this module never touches files.

mod stream;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

pub use stream::{DigestReader, DigestWriter};

/// A hash function that the OCI image specification registers for digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256, which every implementation must support.
    Sha256,
    /// SHA-512, which an implementation may support.
    Sha512,
}

impl Algorithm {
    /// The name in front of the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the hash in bytes.
    #[must_use]
    pub fn byte_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// There is no colon between algorithm and hash.
    #[error("digest {text:?} has no algorithm: write it as sha256:<64 hex digits>")]
    NoAlgorithm {
        /// What was given, shortened.
        text: String,
    },
    /// The algorithm is none that is supported.
    #[error("digest algorithm {algorithm:?} is not supported: use sha256 or sha512")]
    UnsupportedAlgorithm {
        /// The name that was given, shortened.
        algorithm: String,
    },
    /// The hash has the wrong length.
    #[error("digest {text:?} has {found} characters after {algorithm}:, it needs {expected}")]
    Length {
        /// What was given, shortened.
        text: String,
        /// The algorithm that was named.
        algorithm: Algorithm,
        /// The length that the algorithm has in hex.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// The hash holds something else than `0-9a-f`.
    #[error("digest {text:?} holds {found:?}: only 0-9 and lower case a-f are allowed")]
    Character {
        /// What was given, shortened.
        text: String,
        /// The first character that is not allowed.
        found: char,
    },
}

/// A digest as the OCI image specification (descriptor.md) defines it, parsed strictly.
///
/// ```
/// use minidock_image::digest::Digest;
/// let digest = Digest::of(b"");
/// assert_eq!(digest.short(), "e3b0c44298fc");
/// assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
/// assert!("sha256:../../etc".parse::<Digest>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Bytes);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bytes {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_sha256(sha2::Sha256::digest(bytes).into())
    }

    /// The SHA-256 digest with this hash value.
    #[must_use]
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self(Bytes::Sha256(hash))
    }

    /// The SHA-512 digest with this hash value.
    #[must_use]
    pub fn from_sha512(hash: [u8; 64]) -> Self {
        Self(Bytes::Sha512(hash))
    }

    /// The SHA-256 digest written as 64 hex digits without its algorithm, as image ids are.
    pub fn from_sha256_hex(hex: &str) -> Result<Self, DigestError> {
        decode_hex(Algorithm::Sha256, hex, hex)
    }

    /// Which hash function made it.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Bytes::Sha256(_) => Algorithm::Sha256,
            Bytes::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The hash value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Sha256(hash) => hash,
            Bytes::Sha512(hash) => hash,
        }
    }

    /// The hash in lower case hex, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        encode_hex(self.as_bytes())
    }

    /// The first 12 hex digits, as docker prints ids.
    #[must_use]
    pub fn short(&self) -> String {
        encode_hex(&self.as_bytes()[..6])
    }

    /// Whether `bytes` hash to this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut hasher = Hasher::new(self.algorithm());
        hasher.update(bytes);
        hasher.finish() == *self
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let Some((name, hex)) = text.split_once(':') else {
            return Err(DigestError::NoAlgorithm { text: shorten(text) });
        };
        let Some(algorithm) = Algorithm::from_name(name) else {
            return Err(DigestError::UnsupportedAlgorithm { algorithm: shorten(name) });
        };
        decode_hex(algorithm, hex, text)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A running hash.
#[derive(Debug, Clone)]
pub struct Hasher(State);

#[derive(Debug, Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Starts a hash of nothing.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of everything added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::from_sha256(state.finalize().into()),
            State::Sha512(state) => Digest::from_sha512(state.finalize().into()),
        }
    }
}

fn encode_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn decode_hex(algorithm: Algorithm, hex: &str, whole: &str) -> Result<Digest, DigestError> {
    let expected = algorithm.byte_len() * 2;
    if hex.len() != expected {
        let found = hex.chars().count();
        return Err(DigestError::Length { text: shorten(whole), algorithm, expected, found });
    }
    if let Some(found) = hex.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(DigestError::Character { text: shorten(whole), found });
    }
    let mut hash = [0_u8; 64];
    for (index, digit) in hex.bytes().enumerate() {
        let value = if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        hash[index / 2] = (hash[index / 2] << 4) | value;
    }
    Ok(match algorithm {
        Algorithm::Sha256 => {
            let mut half = [0_u8; 32];
            half.copy_from_slice(&hash[..32]);
            Digest::from_sha256(half)
        }
        Algorithm::Sha512 => Digest::from_sha512(hash),
    })
}

/// Keeps hostile input from flooding an error line.
fn shorten(text: &str) -> String {
    const KEEP: usize = 100;
    match text.char_indices().nth(KEEP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn round_trips_both_algorithms() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let digest = Hasher::new(algorithm).finish();
            assert_eq!(digest.to_string().parse(), Ok(digest));
            assert_eq!(digest.hex().len(), algorithm.byte_len() * 2);
            assert!(digest.matches(b""));
            assert!(!digest.matches(b"x"));
        }
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(Digest::of(b"").short(), "e3b0c44298fc");
        assert_eq!(Digest::from_sha256_hex(&EMPTY[7..]), Ok(Digest::of(b"")));
    }

    #[test]
    fn is_a_json_string() {
        let json = serde_json::to_string(&Digest::of(b"")).unwrap();
        assert_eq!(json, format!("{EMPTY:?}"));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), Digest::of(b""));
        assert!(serde_json::from_str::<Digest>("\"sha256:abc\"").is_err());
        assert!(serde_json::from_str::<Digest>("7").is_err());
    }

    /// Row G1: nothing but the exact form is a digest.
    #[test]
    fn refuses_everything_else() {
        let upper = EMPTY.to_uppercase();
        let upper_hex = format!("sha256:{}", &upper[7..]);
        let wide = format!("sha256:{}", "é".repeat(32));
        let cases = [
            ("", "has no algorithm"),
            ("@sha256", "has no algorithm"),
            (&EMPTY[7..], "has no algorithm"),
            ("sha256:../../x", "has 7 characters"),
            ("sha256:abc", "has 3 characters"),
            ("sha256:", "has 0 characters"),
            ("md5:d41d8cd98f00b204e9800998ecf8427e", "\"md5\" is not supported"),
            ("sha384:00", "not supported"),
            (":00", "\"\" is not supported"),
            (upper.as_str(), "\"SHA256\" is not supported"),
            (upper_hex.as_str(), "holds 'E'"),
            (wide.as_str(), "holds 'é'"),
            (&format!("{EMPTY}0"), "has 65 characters"),
            (&format!("{EMPTY}\n"), "has 65 characters"),
            (&format!(" {EMPTY}"), "\" sha256\" is not supported"),
            (&format!("sha256:{}", &EMPTY[6..70]), "holds ':'"),
            (&EMPTY.replace("sha256", "sha512"), "it needs 128"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Digest>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error:?}");
        }
        let flood = "x".repeat(1 << 20).parse::<Digest>().unwrap_err().to_string();
        assert!(flood.len() < 300);
    }
}
