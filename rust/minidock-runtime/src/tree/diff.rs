//! How the files of a container differ from its image's, as docker's `diff` tells it: by the
//! writable layer, which is only read and may be in use, and the indexes of the layers below.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};

use minidock_image::layer::{EntryKind, EntryPath, LayerIndex};
use minidock_proto::archive::{Change, ChangeKind};
use minidock_proto::bytes::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;

use super::beneath;
use super::scan::Below;
use super::xattr;
use crate::failure::{Context as _, Result};

/// What minidock makes itself before a container starts, where the image has it not: empty
/// files to mount over, and directories. Docker has them in a layer of its own, which `diff` does
/// not show either.
const OWN_FILES: [&[u8]; 3] = [b"etc/hostname", b"etc/hosts", b"etc/resolv.conf"];
const OWN_DIRECTORIES: [&[u8]; 3] = [b"dev", b"proc", b"sys"];

/// The changes, by path. What vanishes meanwhile is left out.
pub(crate) fn diff(upper: OwnedFd, parents: &[LayerIndex]) -> Result<Vec<Change>> {
    let mut changes = BTreeMap::new();
    let mut todo = vec![(EntryPath::root(), Below::root(parents))];
    let mut quiet = Vec::new();
    while let Some((path, below)) = todo.pop() {
        let doing = || format!("list the changes in {:?}", path.display());
        let directory = match beneath::listable(upper.as_fd(), &path) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            other => other.context(doing)?,
        };
        let marks = xattr::get(directory.as_fd()).context(doing)?;
        let opaque = marks.get(xattr::OPAQUE).is_some_and(|value| value == b"y");
        let mut names = std::collections::BTreeSet::new();
        let mut own = 0;
        for entry in Dir::read_from(&directory).context(doing)? {
            let entry = entry.context(doing)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let stat = match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                other => other.context(doing)?,
            };
            // A name that no layer can have is no file of a container either.
            let Ok(child) = path.join(name) else { continue };
            names.insert(name.to_vec());
            let before = below.entry(&child);
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::CharacterDevice && stat.st_rdev == 0 {
                if before.is_some() {
                    changes.insert(child, ChangeKind::Deleted);
                }
                continue;
            }
            if before.is_none() && is_own(&child, kind, stat.st_size, &directory, name) {
                own += 1;
                continue;
            }
            if kind == FileType::Directory {
                todo.push((child.clone(), below.enter(&child)));
            }
            let change = if before.is_some() { ChangeKind::Changed } else { ChangeKind::Added };
            changes.insert(child, change);
        }
        if own > 0 {
            quiet.push(path.clone());
        }
        if opaque {
            for child in below
                .names(&path)
                .into_iter()
                .filter(|child| child.file_name().is_some_and(|name| !names.contains(name)))
            {
                changes.insert(child, ChangeKind::Deleted);
            }
        }
    }
    // A directory that is there only for what minidock made in it.
    for path in quiet.into_iter().filter(|path| !path.is_root()) {
        let alone = !changes.keys().any(|other| other.is_below(&path));
        if alone && changes.get(&path) == Some(&ChangeKind::Changed) {
            changes.remove(&path);
        }
    }
    let change = |(path, kind): (EntryPath, ChangeKind)| Change {
        path: Bytes([b"/", path.as_bytes()].concat()),
        kind,
    };
    Ok(changes.into_iter().map(change).collect())
}

fn is_own(path: &EntryPath, kind: FileType, size: i64, parent: &OwnedFd, name: &[u8]) -> bool {
    match kind {
        FileType::RegularFile => size == 0 && OWN_FILES.contains(&path.as_bytes()),
        FileType::Directory => OWN_DIRECTORIES.contains(&path.as_bytes()) && is_empty(parent, name),
        _ => false,
    }
}

fn is_empty(parent: &OwnedFd, name: &[u8]) -> bool {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
    let Ok(fd) = beneath::open_name(parent.as_fd(), name, flags) else { return false };
    let Ok(entries) = Dir::read_from(&fd) else { return false };
    entries.flatten().all(|entry| matches!(entry.file_name().to_bytes(), b"." | b".."))
}

impl Below<'_> {
    /// Paths that are visible in the directory at `path`.
    fn names(&self, path: &EntryPath) -> Vec<EntryPath> {
        let mut names = BTreeMap::new();
        for layer in self.layers() {
            let entries = layer.entries();
            let first = entries.partition_point(|entry| entry.path <= *path);
            let inside = entries[first..].iter().take_while(|entry| entry.path.is_below(path));
            for entry in inside.filter(|entry| entry.path.parent().as_ref() == Some(path)) {
                names.entry(entry.path.clone()).or_insert(entry.kind != EntryKind::Whiteout);
            }
        }
        names.into_iter().filter(|(_, visible)| *visible).map(|(path, _)| path).collect()
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
