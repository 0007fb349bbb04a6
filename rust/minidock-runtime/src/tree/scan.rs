//! An overlay's upper directory into a layer: its marks made uniform, its entries indexed.
//!
//! The upper must not be in use. What becomes of it is a tree like any other: whiteouts are
//! character devices 0:0, opaque directories carry `user.overlay.opaque=y`, and no other
//! attribute of an overlay is left. Sockets are deleted: no layer can hold them.

mod lookup;
mod marks;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use minidock_image::digest::DigestReader;
use minidock_image::layer::{Entry, EntryKind, EntryPath, LayerIndex, Mtime};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{Failure, FailureKind, Layer};
use rustix::fs::{
    AtFlags, Dir, FileType, OFlags, Stat, fstat, major, minor, readlinkat, statat, unlinkat,
};
use rustix::io::Errno;

use super::overrides::Overrides;
use super::{BUFFER_LEN, beneath, index_failure, owner, summary, write, write_index, xattr};
use crate::failure::{Context as _, Result, failure};
pub(super) use lookup::Below;

/// Indexes the upper directory and makes it usable as a layer's tree.
///
/// `parents` are the indexes of the layers below, topmost first. An entry that has the same path
/// and type in them keeps their owner if that is one that `mapping` cannot represent (with a
/// single id: any), since copying it up lost it. They also tell which opaque directories hide
/// something; without any all stay opaque. `overrides` is what the upper cannot hold.
/// `ignore` are mount points that the runtime made: while still empty they are deleted.
///
/// The root itself is an entry only if its mode or owner is not that of the layers below, or not
/// 0755 and root's where none of them says; containerd's differ and docker leave it out likewise.
pub(crate) fn scan(
    upper: OwnedFd,
    parents: &[LayerIndex],
    mapping: &Mapping,
    ignore: &[EntryPath],
    overrides: &Overrides,
    index: File,
) -> Result<Layer> {
    delete_ignored(upper.as_fd(), ignore)?;
    let mut scan = Scan {
        upper,
        parents,
        mapping,
        overrides,
        entries: Vec::new(),
        links: HashMap::new(),
        buffer: vec![0; BUFFER_LEN],
    };
    scan.walk()?;
    let entries = scan.link_names()?;
    write_index(&entries, index)?;
    Ok(summary(&entries, mapping))
}

struct Scan<'a> {
    upper: OwnedFd,
    parents: &'a [LayerIndex],
    mapping: &'a Mapping,
    overrides: &'a Overrides,
    entries: Vec<Entry>,
    /// Inodes with several names: the places of their entries.
    links: HashMap<(u64, u64), Vec<usize>>,
    buffer: Vec<u8>,
}

/// A directory that was found: its path and which layers below have it, too.
type Found<'a> = (EntryPath, Below<'a>);

impl<'a> Scan<'a> {
    /// Visits every directory; a list instead of recursion, and each opened by its whole path,
    /// so that depth costs neither stack nor descriptors.
    fn walk(&mut self) -> Result<()> {
        let mut todo = vec![(EntryPath::root(), Below::root(self.parents))];
        while let Some((path, below)) = todo.pop() {
            let fd = beneath::listable(self.upper.as_fd(), &path)
                .context(|| format!("open the directory {:?}", path.display()))?;
            self.directory(&path, &fd, below, &mut todo)?;
        }
        Ok(())
    }

    fn directory(
        &mut self,
        path: &EntryPath,
        fd: &OwnedFd,
        below: Below<'a>,
        todo: &mut Vec<Found<'a>>,
    ) -> Result<()> {
        let doing = || format!("scan the directory {:?}", path.display());
        let stat = fstat(fd).context(doing)?;
        let marks = marks::clean(fd.as_fd(), path)?;
        let listing = marks::listing(fd.as_fd(), path)?;
        let opaque = marks.opaque || listing.opaque;
        // A new directory is opaque, too, for the kernel's convenience: only where something is
        // hidden does it mean anything. Without indexes nobody knows.
        let hides = opaque && (self.parents.is_empty() || below.has_directory());
        marks::set_opaque(fd.as_fd(), marks.marked, hides).context(doing)?;
        let below = if opaque { Below::nothing() } else { below };
        self.entry_of_directory(path, &stat, marks.xattrs, hides, &below);
        for (name, kind) in listing.names {
            let child = path.join(&name).map_err(|error| unrepresentable(path, &name, &error))?;
            match kind {
                marks::Listed::Whiteout => {
                    self.entries.push(Entry::new(child, EntryKind::Whiteout));
                }
                marks::Listed::Entry => self.child(child, fd, &name, &below, todo)?,
            }
        }
        if listing.changed {
            // Nothing that was done here is news to who looks at the directory.
            let times = write::times(mtime(&stat));
            rustix::fs::futimens(fd, &times).context(doing)?;
        }
        Ok(())
    }

    fn child(
        &mut self,
        path: EntryPath,
        parent: &OwnedFd,
        name: &[u8],
        below: &Below<'a>,
        todo: &mut Vec<Found<'a>>,
    ) -> Result<()> {
        let doing = || format!("scan {:?}", path.display());
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).context(doing)?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let below = below.enter(&path);
                todo.push((path, below));
                return Ok(());
            }
            FileType::RegularFile => return self.file(path, parent, name, &stat, below),
            FileType::Symlink => {
                let target = readlinkat(parent, name, Vec::new()).context(doing)?;
                EntryKind::Symlink { target: target.into_bytes() }
            }
            FileType::Fifo => EntryKind::Fifo,
            FileType::CharacterDevice => {
                let (major, minor) = (major(stat.st_rdev), minor(stat.st_rdev));
                EntryKind::CharDevice { major, minor }
            }
            FileType::BlockDevice => {
                let (major, minor) = (major(stat.st_rdev), minor(stat.st_rdev));
                EntryKind::BlockDevice { major, minor }
            }
            // The listing has deleted sockets; the kernel has no other types.
            FileType::Socket | FileType::Unknown => return Ok(()),
        };
        self.keep(path, kind, &stat, xattr::Xattrs::new(), below);
        Ok(())
    }

    fn file(
        &mut self,
        path: EntryPath,
        parent: &OwnedFd,
        name: &[u8],
        stat: &Stat,
        below: &Below<'a>,
    ) -> Result<()> {
        let doing = || format!("read {:?}", path.display());
        // Known by another name already: its content need not be read again.
        let known = self.links.get(&(stat.st_dev, stat.st_ino)).and_then(|names| names.first());
        if let Some(twin) = known.map(|first| self.entries[*first].clone()) {
            self.keep(path, twin.kind, stat, twin.xattrs, below);
            return Ok(());
        }
        // What was written a moment ago was hashed on the way.
        if let Some((size, digest)) = self.overrides.get(&path).and_then(|known| known.content)
            && stat.st_size.unsigned_abs() == size
        {
            let kind = EntryKind::File { size, digest };
            self.keep(path, kind, stat, xattr::Xattrs::new(), below);
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = beneath::open_name(parent.as_fd(), name, flags).context(doing)?;
        let marks = marks::clean(fd.as_fd(), &path)?;
        let mut reader = DigestReader::new(File::from(fd));
        loop {
            match std::io::Read::read(&mut reader, &mut self.buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context(doing),
            }
        }
        let (digest, size) = reader.finish();
        self.keep(path, EntryKind::File { size, digest }, stat, marks.xattrs, below);
        Ok(())
    }

    fn entry_of_directory(
        &mut self,
        path: &EntryPath,
        stat: &Stat,
        xattrs: xattr::Xattrs,
        opaque: bool,
        below: &Below<'a>,
    ) {
        let kind = EntryKind::Directory { opaque, implied: false };
        let before = below.own_entry(path);
        let entry = self.entry(path.clone(), kind, stat, xattrs, before);
        if path.is_root() {
            let default = Entry::new(EntryPath::root(), entry.kind.clone());
            let before = before.unwrap_or(&default);
            let same = (before.mode, before.uid, before.gid) == (entry.mode, entry.uid, entry.gid);
            if same && !opaque {
                return;
            }
        }
        self.entries.push(entry);
    }

    /// Adds an entry that is no directory.
    fn keep(
        &mut self,
        path: EntryPath,
        kind: EntryKind,
        stat: &Stat,
        xattrs: xattr::Xattrs,
        below: &Below<'a>,
    ) {
        let before = below.entry(&path);
        let entry = self.entry(path, kind, stat, xattrs, before);
        self.remember(stat);
        self.entries.push(entry);
    }

    /// Notes the next entry as one of several names of its inode.
    fn remember(&mut self, stat: &Stat) {
        if stat.st_nlink > 1 {
            let names = self.links.entry((stat.st_dev, stat.st_ino)).or_default();
            names.push(self.entries.len());
        }
    }

    fn entry(
        &self,
        path: EntryPath,
        kind: EntryKind,
        stat: &Stat,
        mut xattrs: xattr::Xattrs,
        before: Option<&Entry>,
    ) -> Entry {
        let (mut uid, mut gid) = (stat.st_uid, stat.st_gid);
        if let Some(before) = before
            && std::mem::discriminant(&before.kind) == std::mem::discriminant(&kind)
            && owner::in_tree(self.mapping, before.uid, before.gid) == (uid, gid)
        {
            (uid, gid) = (before.uid, before.gid);
        }
        if let Some(known) = self.overrides.get(&path) {
            (uid, gid) = known.owner.unwrap_or((uid, gid));
            xattrs.extend(known.xattrs.clone());
        }
        let mode = if matches!(kind, EntryKind::Symlink { .. }) { 0o777 } else { stat.st_mode };
        Entry { path, kind, mode: mode & 0o7777, uid, gid, mtime: mtime(stat), xattrs }
    }

    /// Of several names of an inode the first keeps the entry, the others are links to it.
    /// The owner is that of any name that existed before with an owner of its own.
    fn link_names(mut self) -> Result<LayerIndex> {
        for mut names in self.links.into_values() {
            names.sort_by(|left, right| self.entries[*left].path.cmp(&self.entries[*right].path));
            let Some((first, others)) = names.split_first() else { continue };
            let entries = names.iter().map(|name| &self.entries[*name]);
            let mut owners = entries.map(|entry| (entry.uid, entry.gid));
            let flat = |(uid, gid): &(u32, u32)| owner::is_flattened(self.mapping, *uid, *gid);
            if let Some((uid, gid)) = owners.find(flat) {
                for name in &names {
                    (self.entries[*name].uid, self.entries[*name].gid) = (uid, gid);
                }
            }
            let target = self.entries[*first].path.clone();
            for other in others {
                self.entries[*other].kind = EntryKind::Hardlink { target: target.clone() };
                self.entries[*other].xattrs.clear();
            }
        }
        // What the tree cannot hold at all; a whiteout may be what it replaced below.
        let known = self.overrides.0.values();
        let absent: Vec<_> = known.filter_map(|known| known.absent.clone()).collect();
        let taken: HashSet<_> = absent.iter().map(|entry| &entry.path).collect();
        self.entries.retain(|entry| !taken.contains(&entry.path));
        self.entries.extend(absent);
        LayerIndex::from_entries(self.entries).map_err(index_failure)
    }
}

fn mtime(stat: &Stat) -> Mtime {
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Mtime { secs: stat.st_mtime, nanos }
}

/// Deletes mount points that were made for the container, from the deepest up. What has got
/// content since is the container's own.
fn delete_ignored(upper: BorrowedFd<'_>, ignore: &[EntryPath]) -> Result<()> {
    let mut ignore: Vec<_> = ignore.iter().filter(|path| !path.is_root()).collect();
    ignore.sort_unstable_by(|left, right| right.cmp(left));
    for path in ignore {
        let doing = || format!("delete the mount point {:?}", path.display());
        let parent = match beneath::directory(upper, &path.parent().unwrap_or_default()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            other => other.context(doing)?,
        };
        let name = path.file_name().unwrap_or_default();
        let stat = match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            other => other.context(doing)?,
        };
        let flags = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => AtFlags::REMOVEDIR,
            FileType::RegularFile if stat.st_size == 0 && stat.st_nlink == 1 => AtFlags::empty(),
            _ => continue,
        };
        match unlinkat(&parent, name, flags) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::NOENT) => {}
            Err(error) => return Err(error).context(doing),
        }
    }
    Ok(())
}

fn unrepresentable(directory: &EntryPath, name: &[u8], why: &dyn std::fmt::Display) -> Failure {
    let name = String::from_utf8_lossy(name);
    let text = format!("{name:?} in {:?} cannot be in a layer: {why}", directory.display());
    failure(FailureKind::InvalidInput, text)
}

/// Every name in a directory but `.` and `..`, with its type as the kernel tells it.
fn names(directory: BorrowedFd<'_>, path: &EntryPath) -> Result<Vec<(Vec<u8>, FileType)>> {
    let doing = || format!("list the directory {:?}", path.display());
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).context(doing)? {
        let entry = entry.context(doing)?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(names)
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
