//! What a layer's tree holds while it is written, in memory: paths are resolved here, never by
//! the kernel, so that no link of the layer can lead anywhere else. It touches no file.

use std::collections::{BTreeMap, HashMap, VecDeque};

use minidock_image::layer::{Entry, EntryKind, EntryPath, PathError};

/// Most symbolic links on the way to one entry (Linux `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Why an entry has no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// A parent is something else than a directory.
    ParentIsNoDirectory(EntryPath),
    /// More symbolic links than Linux follows.
    TooManyLinks,
    /// A symbolic link leads to a path that cannot be.
    Path(PathError),
}

impl std::fmt::Display for NoPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ParentIsNoDirectory(path) => {
                write!(f, "{:?} is not a directory", path.display())
            }
            Self::TooManyLinks => write!(f, "more than {MAX_LINKS} symbolic links lead there"),
            Self::Path(error) => error.fmt(f),
        }
    }
}

/// Entries by their real path; hard links are several paths of one node.
#[derive(Debug, Default)]
pub(super) struct Model {
    paths: BTreeMap<EntryPath, usize>,
    nodes: Vec<Entry>,
}

impl Model {
    /// The entry at a real path.
    pub(super) fn get(&self, path: &EntryPath) -> Option<&Entry> {
        self.nodes.get(*self.paths.get(path)?)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, path: &EntryPath) -> Option<&mut Entry> {
        self.nodes.get_mut(*self.paths.get(path)?)
    }

    /// Puts an entry at its path, in place of what was there.
    pub(super) fn put(&mut self, entry: Entry) {
        self.paths.insert(entry.path.clone(), self.nodes.len());
        self.nodes.push(entry);
    }

    /// Gives the node at `target` another path.
    pub(super) fn link(&mut self, target: &EntryPath, path: EntryPath) {
        if let Some(node) = self.paths.get(target).copied() {
            self.paths.insert(path, node);
        }
    }

    /// Whether both are paths of one node.
    pub(super) fn same(&self, left: &EntryPath, right: &EntryPath) -> bool {
        matches!((self.paths.get(left), self.paths.get(right)), (Some(l), Some(r)) if l == r)
    }

    /// Takes away a path and everything below it.
    pub(super) fn remove(&mut self, path: &EntryPath) {
        let below = self.paths.range(path.clone()..).map(|(below, _)| below);
        let gone: Vec<_> =
            below.take_while(|below| *below == path || below.is_below(path)).cloned().collect();
        for path in gone {
            self.paths.remove(&path);
        }
    }

    /// Where an entry named `path` really is: the symbolic links among its parents are resolved
    /// within the layer, as if its root were `/`. What does not exist counts as a directory.
    pub(super) fn place(&self, path: &EntryPath) -> Result<EntryPath, NoPlace> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(path.clone());
        };
        if parent.is_root() || self.get(&parent).is_some_and(Entry::is_directory) {
            return Ok(path.clone());
        }
        self.directory(&parent)?.join(name).map_err(NoPlace::Path)
    }

    /// Where the directory at `path` really is, the last component resolved, too.
    pub(super) fn directory(&self, path: &EntryPath) -> Result<EntryPath, NoPlace> {
        let mut todo: VecDeque<Vec<u8>> = path.components().map(<[u8]>::to_vec).collect();
        let mut current = EntryPath::root();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if name == b".." {
                current = current.parent().unwrap_or_default();
                continue;
            }
            let next = current.join(&name).map_err(NoPlace::Path)?;
            match self.get(&next).map(|entry| &entry.kind) {
                None | Some(EntryKind::Directory { .. } | EntryKind::Whiteout) => current = next,
                Some(EntryKind::Symlink { target }) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(NoPlace::TooManyLinks);
                    }
                    if target.starts_with(b"/") {
                        current = EntryPath::root();
                    }
                    let names = target.split(|byte| *byte == b'/');
                    for name in names.filter(|name| !matches!(*name, b"" | b".")).rev() {
                        todo.push_front(name.to_vec());
                    }
                }
                Some(_) => return Err(NoPlace::ParentIsNoDirectory(next)),
            }
        }
        Ok(current)
    }

    /// Directories, deepest first, to be changed.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.paths.values().rev().filter_map(|node| self.nodes.get(*node));
        entries.filter(|entry| entry.is_directory())
    }

    /// The layer's entries in ascending order; of several paths of a node the first has it and
    /// the others are hard links to that.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        let mut first: HashMap<usize, EntryPath> = HashMap::new();
        let mut nodes: Vec<Option<Entry>> = self.nodes.into_iter().map(Some).collect();
        let mut metadata: HashMap<usize, Entry> = HashMap::new();
        let mut names: HashMap<usize, usize> = HashMap::new();
        for node in self.paths.values() {
            *names.entry(*node).or_default() += 1;
        }
        let mut entries = Vec::with_capacity(self.paths.len());
        for (path, node) in self.paths {
            if let Some(target) = first.get(&node) {
                if let Some(twin) = metadata.get(&node) {
                    let kind = EntryKind::Hardlink { target: target.clone() };
                    entries.push(Entry { path, kind, ..twin.clone() });
                }
                continue;
            }
            let Some(mut entry) = nodes.get_mut(node).and_then(Option::take) else { continue };
            entry.path = path.clone();
            if names.get(&node).is_some_and(|names| *names > 1) {
                let twin = Entry { xattrs: BTreeMap::new(), ..entry.clone() };
                first.insert(node, path);
                metadata.insert(node, twin);
            }
            entries.push(entry);
        }
        entries
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
