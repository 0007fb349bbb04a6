//! Files in and out of a container as tar streams: the same words for one that runs (its
//! supervisor serves them, [`crate::control::Call::Archive`]) and for one that does not (a fresh
//! runtime does, [`crate::request::Verb::Archive`]).

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::channel::Fd;

/// What is done with a container's files. Paths are absolute inside, resolved there; a slash at
/// the end, or `/.`, says that a directory is meant and follows a symbolic link to it.
///
/// FROZEN with the control protocol: fields are only added, with a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Task {
    /// Tell what is at a path. Reply: [`crate::control::Reply::Path`].
    Stat {
        /// It.
        path: Bytes,
    },
    /// Write what is at a path as a tar stream. Replies: [`crate::control::Reply::Path`], then
    /// [`crate::control::Reply::Copied`].
    Read {
        /// It.
        path: Bytes,
        /// Where the stream goes.
        tar: Fd,
        /// Indexes of the layers, topmost first; needed with a single-id mapping alone: they
        /// have the owners that the trees lost.
        #[serde(default)]
        parents: Vec<Fd>,
    },
    /// Put what a tar stream holds into a directory. Replies: [`crate::control::Reply::Ok`] when
    /// the directory is there, then [`crate::control::Reply::Copied`].
    Write {
        /// The directory.
        path: Bytes,
        /// Where the stream comes from.
        tar: Fd,
    },
    /// Write the root file system without its mounts as a tar stream. Replies as to
    /// [`Task::Read`].
    Export {
        /// Where the stream goes.
        tar: Fd,
        /// As in [`Task::Read`].
        #[serde(default)]
        parents: Vec<Fd>,
    },
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStat {
    /// The last component as it was asked for; `.` for `/x/.`, `/` for the root.
    pub name: Bytes,
    /// Type and permissions as in `st_mode` (inode(7)).
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Where a symbolic link leads, absolute in the container, all links resolved.
    #[serde(default)]
    pub target: Option<Bytes>,
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Files, directories and others.
    pub entries: u64,
    /// Bytes of contents.
    pub bytes: u64,
    /// Entries that belong to root now, since the mapping cannot represent their owner.
    #[serde(default)]
    pub flattened: u64,
    /// Extended attributes that could not be kept.
    #[serde(default)]
    pub attributes: u64,
    /// Sockets and the like, which are not copied.
    #[serde(default)]
    pub skipped: u64,
}

/// One line of `diff`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Absolute path inside.
    pub path: Bytes,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What happened to a path in a container. The numbers are those of docker's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was changed, or something in it.
    Changed = 0,
    /// It is new.
    Added = 1,
    /// It is gone.
    Deleted = 2,
}
