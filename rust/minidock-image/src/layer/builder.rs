//! From a stream of entries to a layer's index: what replaces what, which directories are
//! implied, which names share a file. It is the one place that decides this; whoever unpacks
//! asks it where an entry really lies before touching a tree.

use std::collections::{BTreeMap, HashMap};

use super::{Entry, EntryKind, EntryPath, IndexError, LayerIndex};

/// Symbolic links followed for one path, as Linux does.
const MAX_LINKS: usize = 40;

/// Why an entry cannot be added to a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something that is no directory is above it.
    #[error("layer has {path:?} below {parent:?}, which is not a directory")]
    NotADirectory {
        /// The entry.
        path: String,
        /// What is above it.
        parent: String,
    },
    /// A hard link leads to nothing in this layer.
    #[error("layer has a hard link {path:?} to {target:?}, which does not come before it")]
    MissingTarget {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A hard link leads to a directory.
    #[error("layer has a hard link {path:?} to {target:?}, which is a directory")]
    DirectoryTarget {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// Symbolic links in its path lead in a circle, or too far.
    #[error("layer has {path:?} behind more than {max} symbolic links", max = MAX_LINKS)]
    LinkLoop {
        /// The entry.
        path: String,
    },
    /// The root is to be something else than a directory, or hidden.
    #[error("layer has something else than a directory at its root")]
    Root,
}

/// What is at a path: a name of an inode.
type Inode = usize;

/// Collects a layer's entries in the order of its tar.
///
/// The last entry of a path wins, as for docker: a directory merges with one that is there,
/// anything else replaces what is there with all that is below. Symbolic links of the same layer
/// above an entry are followed inside the layer's root. A whiteout hides lower layers only: with
/// a directory of its name it makes that opaque, with anything else it says nothing new.
/// A hard link takes the metadata of the entry it leads to.
#[derive(Debug, Default)]
pub struct LayerIndexBuilder {
    names: BTreeMap<EntryPath, Inode>,
    inodes: Vec<Entry>,
}

impl LayerIndexBuilder {
    /// A layer without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where `path` lies once symbolic links above it are followed; the last component is not.
    pub fn place(&self, path: &EntryPath) -> Result<EntryPath, BuildError> {
        let mut todo: Vec<Vec<u8>> = path.components().rev().map(<[u8]>::to_vec).collect();
        let mut done = EntryPath::root();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    done = done.parent().unwrap_or_default();
                    continue;
                }
                _ => {}
            }
            let Ok(next) = done.join(&component) else {
                return Err(BuildError::LinkLoop { path: path.display() });
            };
            let is_last = todo.is_empty();
            match self.get(&next).map(|entry| &entry.kind) {
                Some(EntryKind::Symlink { target }) if !is_last => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(BuildError::LinkLoop { path: path.display() });
                    }
                    if target.first() == Some(&b'/') {
                        done = EntryPath::root();
                    }
                    todo.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                }
                Some(EntryKind::Directory { .. } | EntryKind::Whiteout) | None => done = next,
                Some(_) if is_last => done = next,
                Some(_) => {
                    let (path, parent) = (path.display(), next.display());
                    return Err(BuildError::NotADirectory { path, parent });
                }
            }
        }
        Ok(done)
    }

    /// Adds an entry and returns it as it is now in the layer, at its [place](Self::place).
    pub fn insert(&mut self, mut entry: Entry) -> Result<&Entry, BuildError> {
        entry.path = self.place(&entry.path)?;
        if entry.path.is_root() && !entry.is_directory() {
            return Err(BuildError::Root);
        }
        let path = entry.path.clone();
        match &entry.kind {
            EntryKind::Hardlink { target } => {
                let inode = self.link_inode(&path, target)?;
                if self.names.get(&path) != Some(&inode) {
                    self.replace(&path);
                    self.imply_parents(&path);
                    self.names.insert(path, inode);
                }
                return Ok(&self.inodes[inode]);
            }
            EntryKind::Whiteout => self.hide(entry),
            EntryKind::Directory { .. } => self.insert_directory(entry),
            _ => {
                self.replace(&path);
                self.add(entry);
            }
        }
        let inode = self.names[&path];
        Ok(&self.inodes[inode])
    }

    /// What is at this path; a hard link shows the entry it shares.
    #[must_use]
    pub fn get(&self, path: &EntryPath) -> Option<&Entry> {
        self.names.get(path).map(|inode| &self.inodes[*inode])
    }

    /// Number of names so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The index. Of names that share a file, the first in order is the file, the others are
    /// hard links to it.
    pub fn finish(self) -> Result<LayerIndex, IndexError> {
        let mut first: HashMap<Inode, EntryPath> = HashMap::new();
        let mut entries = Vec::with_capacity(self.names.len());
        for (path, inode) in self.names {
            let mut entry = self.inodes[inode].clone();
            match first.get(&inode) {
                Some(target) => entry.kind = EntryKind::Hardlink { target: target.clone() },
                None => drop(first.insert(inode, path.clone())),
            }
            entry.path = path;
            entries.push(entry);
        }
        LayerIndex::from_sorted(entries)
    }

    fn link_inode(&self, path: &EntryPath, target: &EntryPath) -> Result<Inode, BuildError> {
        let place = self.place(target)?;
        let shown = || (path.display(), target.display());
        let Some(inode) = self.names.get(&place) else {
            let (path, target) = shown();
            return Err(BuildError::MissingTarget { path, target });
        };
        match self.inodes[*inode].kind {
            EntryKind::Whiteout => {
                let (path, target) = shown();
                Err(BuildError::MissingTarget { path, target })
            }
            EntryKind::Directory { .. } => {
                let (path, target) = shown();
                Err(BuildError::DirectoryTarget { path, target })
            }
            _ => Ok(*inode),
        }
    }

    fn insert_directory(&mut self, mut entry: Entry) {
        let EntryKind::Directory { opaque, implied } = entry.kind else {
            return;
        };
        let inode = self.names.get(&entry.path).copied();
        let known = inode.map(|inode| (inode, self.inodes[inode].kind.clone()));
        match known {
            Some((inode, EntryKind::Directory { opaque: was_opaque, implied: was_implied })) => {
                let opaque = opaque || was_opaque;
                if implied {
                    let implied = was_implied;
                    self.inodes[inode].kind = EntryKind::Directory { opaque, implied };
                } else {
                    entry.kind = EntryKind::Directory { opaque, implied: false };
                    self.inodes[inode] = entry;
                }
            }
            Some((inode, EntryKind::Whiteout)) => {
                entry.kind = EntryKind::Directory { opaque: true, implied };
                self.inodes[inode] = entry;
            }
            _ => {
                self.replace(&entry.path.clone());
                self.add(entry);
            }
        }
    }

    /// A whiteout beside an entry of its name: a directory becomes opaque, all else stays.
    fn hide(&mut self, whiteout: Entry) {
        match self.names.get(&whiteout.path).copied() {
            None => self.add(whiteout),
            Some(inode) => {
                if let EntryKind::Directory { opaque, .. } = &mut self.inodes[inode].kind {
                    *opaque = true;
                }
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        self.imply_parents(&entry.path);
        self.names.insert(entry.path.clone(), self.inodes.len());
        self.inodes.push(entry);
    }

    /// Takes away what is at this path, with everything below.
    fn replace(&mut self, path: &EntryPath) {
        let Some(inode) = self.names.remove(path) else {
            return;
        };
        if !self.inodes[inode].is_directory() {
            return;
        }
        let below: Vec<_> = self
            .names
            .range(path.clone()..)
            .map(|(name, _)| name)
            .take_while(|name| name.is_below(path))
            .cloned()
            .collect();
        for name in below {
            self.names.remove(&name);
        }
    }

    /// Directories that the tar did not mention; one hidden by a whiteout becomes opaque.
    fn imply_parents(&mut self, path: &EntryPath) {
        let mut missing = path.parent();
        while let Some(parent) = missing {
            match self.get(&parent).map(|entry| &entry.kind) {
                Some(EntryKind::Directory { .. }) => break,
                Some(EntryKind::Whiteout) => self.imply(&parent, true),
                _ => self.imply(&parent, false),
            }
            missing = parent.parent();
        }
    }

    fn imply(&mut self, path: &EntryPath, opaque: bool) {
        let kind = EntryKind::Directory { opaque, implied: true };
        self.names.insert(path.clone(), self.inodes.len());
        self.inodes.push(Entry::new(path.clone(), kind));
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
