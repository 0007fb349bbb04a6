//! One entry of a layer, as the image describes it: owners and modes are the image's own.

use std::collections::BTreeMap;

use super::{
    EntryError, EntryPath, MAX_TARGET_LEN, MAX_XATTR_NAME_LEN, MAX_XATTR_VALUE_LEN, MAX_XATTRS,
};
use crate::digest::Digest;

/// A modification time; `nanos` counts forward from `secs`, also before 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mtime {
    /// Seconds since 1970-01-01 UTC.
    pub secs: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanos: u32,
}

impl Mtime {
    /// A time in whole seconds.
    #[must_use]
    pub fn from_secs(secs: i64) -> Self {
        Self { secs, nanos: 0 }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory {
        /// Hides what lower layers have in it.
        opaque: bool,
        /// The tar did not mention it: it exists only because something below it does.
        implied: bool,
    },
    /// A regular file.
    File {
        /// Length in bytes.
        size: u64,
        /// Digest of the content.
        digest: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads, byte exact, never resolved here.
        target: Vec<u8>,
    },
    /// Another name of a file, link, device or fifo of the same layer.
    Hardlink {
        /// The entry that it is another name of.
        target: EntryPath,
    },
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// Hides the entry of this name in lower layers.
    Whiteout,
}

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: EntryPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// The image's user id.
    pub uid: u32,
    /// The image's group id.
    pub gid: u32,
    /// When it was modified.
    pub mtime: Mtime,
    /// Extended attributes by their full name, such as `security.capability`.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Entry {
    /// An entry owned by root, of mode 0755 for a directory, 0777 for a link and 0644 else,
    /// modified at time 0, without extended attributes.
    #[must_use]
    pub fn new(path: EntryPath, kind: EntryKind) -> Self {
        let mode = match kind {
            EntryKind::Directory { .. } => 0o755,
            EntryKind::Symlink { .. } => 0o777,
            EntryKind::Whiteout => 0,
            _ => 0o644,
        };
        let (uid, gid, mtime, xattrs) = (0, 0, Mtime::default(), BTreeMap::new());
        Self { path, kind, mode, uid, gid, mtime, xattrs }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory { .. })
    }

    /// Length of the content: 0 for all but files.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        }
    }

    /// Checks what the types do not rule out.
    pub fn validate(&self) -> Result<(), EntryError> {
        if self.path.is_root() && !self.is_directory() {
            return Err(EntryError::RootNotDirectory);
        }
        if self.mode > 0o7777 {
            return Err(EntryError::Mode { path: self.path.display(), mode: self.mode });
        }
        if self.mtime.nanos >= 1_000_000_000 {
            let nanos = self.mtime.nanos;
            return Err(EntryError::Nanos { path: self.path.display(), nanos });
        }
        match &self.kind {
            EntryKind::Symlink { target } => self.check_target(target)?,
            EntryKind::Hardlink { target } if *target == self.path || target.is_root() => {
                return Err(EntryError::HardlinkTarget { path: self.path.display() });
            }
            _ => {}
        }
        self.check_xattrs()
    }

    fn check_target(&self, target: &[u8]) -> Result<(), EntryError> {
        if target.is_empty() || target.len() > MAX_TARGET_LEN || target.contains(&0) {
            return Err(EntryError::Target { path: self.path.display(), found: target.len() });
        }
        Ok(())
    }

    fn check_xattrs(&self) -> Result<(), EntryError> {
        if self.xattrs.len() > MAX_XATTRS {
            let found = self.xattrs.len();
            return Err(EntryError::XattrCount { path: self.path.display(), found });
        }
        for (name, value) in &self.xattrs {
            if name.is_empty() || name.len() > MAX_XATTR_NAME_LEN || name.contains(&0) {
                return Err(EntryError::XattrName { path: self.path.display(), found: name.len() });
            }
            if value.len() > MAX_XATTR_VALUE_LEN {
                let name = String::from_utf8_lossy(name).into_owned();
                let found = value.len();
                return Err(EntryError::XattrValue { path: self.path.display(), name, found });
            }
        }
        Ok(())
    }
}
