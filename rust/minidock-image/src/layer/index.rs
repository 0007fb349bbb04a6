//! A whole index in memory: sorted, searchable, checked before anyone sees it.

use std::io::{Read, Write};

use super::{Entry, EntryKind, EntryPath, IndexError, IndexReader, IndexWriter};

/// All entries of a layer in ascending order of paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerIndex {
    entries: Vec<Entry>,
}

impl LayerIndex {
    /// Takes entries in any order; a path that is there twice is refused.
    pub fn from_entries(mut entries: Vec<Entry>) -> Result<Self, IndexError> {
        entries.sort_by(|left, right| left.path.cmp(&right.path));
        Self::from_sorted(entries)
    }

    /// Takes entries that are already in ascending order.
    pub fn from_sorted(entries: Vec<Entry>) -> Result<Self, IndexError> {
        for entry in &entries {
            entry.validate()?;
        }
        for pair in entries.windows(2) {
            if pair[0].path >= pair[1].path {
                return Err(IndexError::Order { path: pair[1].path.display() });
            }
        }
        Ok(Self { entries })
    }

    /// Reads a whole index file; nothing is returned unless its checksum matches.
    pub fn read<R: Read>(inner: R) -> Result<Self, IndexError> {
        let entries = IndexReader::new(inner)?.collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Writes the index file and gives the writer back, flushed.
    pub fn write<W: Write>(&self, inner: W) -> Result<W, IndexError> {
        let mut writer = IndexWriter::new(inner)?;
        for entry in &self.entries {
            writer.write(entry)?;
        }
        writer.finish()
    }

    /// The entries in ascending order of paths.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries, for who wants to own them.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at this path.
    #[must_use]
    pub fn get(&self, path: &EntryPath) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        self.entries.get(found)
    }

    /// The entry at this path; a hard link is followed to the entry that it is a name of.
    #[must_use]
    pub fn resolve(&self, path: &EntryPath) -> Option<&Entry> {
        let mut entry = self.get(path)?;
        // Links to links are allowed, circles are not found: each step must be new.
        for _ in 0..self.entries.len() {
            match &entry.kind {
                EntryKind::Hardlink { target } => entry = self.get(target)?,
                _ => return Some(entry),
            }
        }
        None
    }

    /// The entry at this path and everything below it, in order.
    #[must_use]
    pub fn subtree(&self, path: &EntryPath) -> &[Entry] {
        let start = self.entries.partition_point(|entry| entry.path < *path);
        let rest = &self.entries[start..];
        let len = rest.partition_point(|entry| entry.path == *path || entry.path.is_below(path));
        &rest[..len]
    }

    /// Sum of the sizes of all files; hard links count once.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size()))
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
