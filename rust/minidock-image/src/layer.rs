//! A layer as data: its entries, their paths, and the index file that stores them.
//! The index is the truth about a layer (owners, modes, contents); trees are made from it.
//! Nothing here touches a tree.

mod builder;
mod decode;
mod encode;
mod entry;
mod error;
mod index;
mod path;
mod wire;

pub use builder::{BuildError, LayerIndexBuilder};
pub use decode::IndexReader;
pub use encode::IndexWriter;
pub use entry::{Entry, EntryKind, Mtime};
pub use error::{EntryError, IndexError, PathError};
pub use index::LayerIndex;
pub use path::EntryPath;

/// Number of the index file's format; readers refuse any other.
pub const INDEX_FORMAT: u32 = 1;
/// Longest path component in bytes (Linux `NAME_MAX`).
pub const MAX_COMPONENT_LEN: usize = 255;
/// Longest path in bytes (Linux `PATH_MAX` without its NUL).
pub const MAX_PATH_LEN: usize = 4095;
/// Longest symbolic link target in bytes (Linux `PATH_MAX` without its NUL).
pub const MAX_TARGET_LEN: usize = 4095;
/// Longest extended attribute name in bytes (Linux `XATTR_NAME_MAX`).
pub const MAX_XATTR_NAME_LEN: usize = 255;
/// Longest extended attribute value in bytes (Linux `XATTR_SIZE_MAX`).
pub const MAX_XATTR_VALUE_LEN: usize = 64 * 1024;
/// Most extended attributes of one entry; Linux lists at most 64 KiB of names.
pub const MAX_XATTRS: usize = 1024;
