//! Compressed layers: told apart by their first bytes, unpacked within limits, made the same way
//! every time. Names and media types are not believed.

mod decode;
mod encode;
mod limit;

use std::fmt;

pub use decode::Decoder;
pub use encode::{GzipEncoder, gzip};
pub use limit::Limits;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, also with several members.
    Gzip,
    /// RFC 8878, also with several frames.
    Zstd,
    /// xz, which is recognised and refused.
    Xz,
    /// bzip2, which is recognised and refused.
    Bzip2,
}

impl Compression {
    /// Bytes that [`sniff`](Self::sniff) wants to see, if there are as many.
    pub const SNIFF_LEN: usize = 6;

    /// What begins with these bytes.
    #[must_use]
    pub fn sniff(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no compression",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// Why a stream is not unpacked. It comes as the inner error of an [`io::Error`](std::io::Error)
/// from `read`, and as itself from [`Decoder::new`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// The stream could not be read.
    #[error("compressed stream cannot be read")]
    Io {
        /// What the source said.
        #[from]
        source: std::io::Error,
    },
    /// The compression is known but not supported.
    #[error("{compression} is not supported for layers: compress with gzip or zstd")]
    Unsupported {
        /// Which.
        compression: Compression,
    },
    /// More came out than is allowed.
    #[error("stream unpacks to more than {max} bytes: raise the limit if you trust it")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// It grows more than is allowed, as a bomb does.
    #[error(
        "stream unpacks to more than {max} times its size ({unpacked} bytes from {packed}): raise the limit if you trust it"
    )]
    Ratio {
        /// The limit.
        max: u64,
        /// Bytes that came out.
        unpacked: u64,
        /// Bytes that went in.
        packed: u64,
    },
}

#[cfg(test)]
#[path = "compression/tests.rs"]
mod tests;
