//! Layer tars: a careful reader and a writer whose bytes never change; and plain ones, for files
//! that are copied, whose names mean nothing else.
//! Neither touches a tree: the reader hands out entries and contents, the writer takes them.

mod error;
mod file;
mod header;
pub(crate) mod members;
pub(crate) mod name;
mod number;
mod pax;
mod plain;
mod reader;
mod writer;

pub use error::TarError;
pub use file::TarFile;
pub use plain::{PlainEntry, PlainKind, PlainTarReader, PlainTarWriter};
pub use reader::{LayerTarReader, Skipped, TarEntry, TarLimits};
pub use writer::{LayerTarWriter, TarWriteError, write_layer};

/// Number of the format that [`LayerTarWriter`] writes; the same entries give the same bytes for
/// as long as it stays.
pub const TAR_FORMAT: u32 = 1;

/// Longest PAX header, GNU long name or GNU long link target that is read.
pub const MAX_EXTENSION_LEN: u64 = 1 << 20;

const BLOCK_LEN: usize = 512;
const WHITEOUT_PREFIX: &[u8] = b".wh.";
const WHITEOUT_META_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE_MARKER: &[u8] = b".wh..wh..opq";
const XATTR_PREFIX: &str = "SCHILY.xattr.";

#[cfg(test)]
mod tests;
