//! What can be wrong with a path, an entry or an index file.

use std::io;

/// Why bytes are not the path of a layer's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It begins with a slash.
    #[error("path is absolute: it must be relative to the layer's root")]
    Absolute,
    /// Two slashes meet, or it ends with one.
    #[error("path has an empty component: write single slashes and none at the end")]
    EmptyComponent,
    /// A component is `.`.
    #[error("path has a `.` component: leave it out")]
    Dot,
    /// A component is `..`.
    #[error("path has a `..` component: it must stay inside the layer")]
    DotDot,
    /// It holds a NUL byte.
    #[error("path holds a NUL byte, which no Linux file name can")]
    Nul,
    /// A component is longer than a file name can be.
    #[error("path has a component of {found} bytes: at most {max} are allowed", max = super::MAX_COMPONENT_LEN)]
    ComponentTooLong {
        /// Its length.
        found: usize,
    },
    /// The path is longer than Linux takes.
    #[error("path has {found} bytes: at most {max} are allowed", max = super::MAX_PATH_LEN)]
    TooLong {
        /// Its length.
        found: usize,
    },
}

/// Why an entry cannot be in a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The layer's root is something else than a directory.
    #[error("the root of a layer must be a directory")]
    RootNotDirectory,
    /// The mode has bits beyond 07777.
    #[error("mode {mode:o} of {path:?} has bits beyond 7777")]
    Mode {
        /// Which entry.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The nanoseconds are a second or more.
    #[error("modification time of {path:?} has {nanos} nanoseconds: at most 999999999 are allowed")]
    Nanos {
        /// Which entry.
        path: String,
        /// Its nanoseconds.
        nanos: u32,
    },
    /// The symbolic link's target is empty, too long or holds a NUL byte.
    #[error("symbolic link {path:?} has a target of {found} bytes: 1 to {max} without NUL are allowed", max = super::MAX_TARGET_LEN)]
    Target {
        /// Which entry.
        path: String,
        /// Length of the target.
        found: usize,
    },
    /// A hard link leads to itself or to the root.
    #[error("hard link {path:?} leads to itself or to the layer's root")]
    HardlinkTarget {
        /// Which entry.
        path: String,
    },
    /// An extended attribute's name is empty, too long or holds a NUL byte.
    #[error("extended attribute of {path:?} has a name of {found} bytes: 1 to {max} without NUL are allowed", max = super::MAX_XATTR_NAME_LEN)]
    XattrName {
        /// Which entry.
        path: String,
        /// Length of the name.
        found: usize,
    },
    /// An extended attribute's value is too long.
    #[error("extended attribute {name:?} of {path:?} has {found} bytes: at most {max} are allowed", max = super::MAX_XATTR_VALUE_LEN)]
    XattrValue {
        /// Which entry.
        path: String,
        /// Which attribute.
        name: String,
        /// Length of the value.
        found: usize,
    },
    /// There are too many extended attributes.
    #[error("{path:?} has {found} extended attributes: at most {max} are allowed", max = super::MAX_XATTRS)]
    XattrCount {
        /// Which entry.
        path: String,
        /// How many.
        found: usize,
    },
}

/// Why an index cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The file could not be read or written.
    #[error("layer index cannot be read or written")]
    Io {
        /// What the system said.
        #[from]
        source: io::Error,
    },
    /// It is no index at all.
    #[error("not a layer index: it does not begin with its magic number")]
    Magic,
    /// It is of a format that this version does not know.
    #[error("layer index has format {found}, this version reads {known}: use the version that wrote it", known = super::INDEX_FORMAT)]
    Format {
        /// The number found.
        found: u32,
    },
    /// It ends too early, as after a torn write.
    #[error("layer index is cut off after {offset} bytes: repair or pull the layer again")]
    Truncated {
        /// Where it ended.
        offset: u64,
    },
    /// Something in it cannot be.
    #[error("layer index is damaged at byte {offset}: {what}")]
    Corrupt {
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The checksum at its end does not match.
    #[error("layer index is damaged: its checksum does not match")]
    Checksum,
    /// Entries are not in ascending order, or one is there twice.
    #[error("layer index has {path:?} out of order or twice")]
    Order {
        /// The entry that is not after the one before it.
        path: String,
    },
    /// An entry is not valid.
    #[error("layer index has an entry that is not allowed")]
    Entry {
        /// What is wrong with it.
        #[from]
        source: EntryError,
    },
}
