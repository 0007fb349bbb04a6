//! What an entry of an upper directory truly is where its tree cannot hold it: handed from the
//! copy that made it to the scan that writes the index.

use std::collections::BTreeMap;

use minidock_image::digest::Digest;
use minidock_image::layer::{Entry, EntryPath};

use super::xattr::Xattrs;

/// The truth about one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Override {
    /// Its owner, when the mapping cannot represent it.
    pub(crate) owner: Option<(u32, u32)>,
    /// Attributes that the kernel did not take; with known content, all.
    pub(crate) xattrs: Xattrs,
    /// Length and digest of a file that the copy wrote, so that nobody reads it again.
    pub(crate) content: Option<(u64, Digest)>,
    /// The whole entry, when the tree has nothing there: a device.
    pub(crate) absent: Option<Entry>,
}

/// Overrides by real path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overrides(pub(crate) BTreeMap<EntryPath, Override>);

impl Overrides {
    /// No overrides.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// What is known about `path`.
    pub(super) fn get(&self, path: &EntryPath) -> Option<&Override> {
        self.0.get(path)
    }

    /// Remembers what is not the default; what was known before is replaced.
    pub(super) fn put(&mut self, path: EntryPath, found: Override) {
        if found == Override::default() {
            self.0.remove(&path);
        } else {
            self.0.insert(path, found);
        }
    }

    /// Forgets `path`: it was replaced.
    pub(super) fn forget(&mut self, path: &EntryPath) {
        self.0.remove(path);
    }
}
