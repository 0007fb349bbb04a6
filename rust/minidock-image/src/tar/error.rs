//! Why a layer tar is refused: one line that names the member and what to do.

use std::io;

use crate::layer::{EntryError, PathError};

/// Why a layer tar is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The stream could not be read.
    #[error("the tar cannot be read")]
    Io {
        /// What the source said.
        #[from]
        source: io::Error,
    },
    /// The stream ends inside a member.
    #[error(
        "the tar ends at byte {offset}, inside a member: it is cut off or a size in it is wrong"
    )]
    Truncated {
        /// Where it ended.
        offset: u64,
    },
    /// A header is damaged, or tar programs would disagree about what it means.
    #[error("the tar has a bad header at byte {offset}: {what}")]
    Header {
        /// Where the header begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A PAX header or a long name is longer than is read.
    #[error("the tar has an extended header of {found} bytes at byte {offset}: at most {max} are read", max = super::MAX_EXTENSION_LEN)]
    ExtensionTooLong {
        /// Where the header begins.
        offset: u64,
        /// Its length.
        found: u64,
    },
    /// A member's path cannot be in a layer.
    #[error("the tar has a member {name:?} whose path is not allowed")]
    Path {
        /// The member's name, shortened.
        name: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A hard link's target cannot be in a layer.
    #[error("the tar has a hard link {name:?} whose target is not allowed")]
    LinkPath {
        /// The member's name, shortened.
        name: String,
        /// What is wrong with the target.
        source: PathError,
    },
    /// A whiteout hides nothing that can be named.
    #[error(
        "the tar has a whiteout {name:?} that names no file: it must be .wh. and a file name, in a directory that is no whiteout"
    )]
    Whiteout {
        /// The member's name, shortened.
        name: String,
    },
    /// A member is of a type that layers do not have.
    #[error(
        "the tar has a member {name:?} of type {flag:?}, which is not supported: only files, directories, links, devices and fifos are"
    )]
    Type {
        /// The member's name, shortened.
        name: String,
        /// The type flag in its header.
        flag: char,
    },
    /// A member is stored as a sparse file.
    #[error(
        "the tar has a sparse member {name:?}, which is not supported: make the tar without --sparse"
    )]
    Sparse {
        /// The member's name, shortened.
        name: String,
    },
    /// A member breaks a limit of entries, such as that of extended attributes.
    #[error("the tar has a member {name:?} that is not allowed")]
    Entry {
        /// The member's name, shortened.
        name: String,
        /// What is wrong with it.
        source: EntryError,
    },
    /// There are more members than the caller allows.
    #[error("the tar has more than {max} members: raise the limit if you trust it")]
    TooManyEntries {
        /// The limit.
        max: u64,
    },
    /// The files are together larger than the caller allows.
    #[error("the tar holds more than {max} bytes of files: raise the limit if you trust it")]
    TooLarge {
        /// The limit.
        max: u64,
    },
}
