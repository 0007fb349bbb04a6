//! Files of a mounted root file system as a tar stream, laid out for COPY.
//!
//! Sources and patterns are resolved within the root; what they lead to is read as it is, its
//! own symbolic links as links. Paths of the stream are relative to the destination: a directory
//! gives its contents, and an entry for the stream's root that says so; a file its last name.

mod sources;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use minidock_image::digest::DigestReader;
use minidock_image::layer::{Entry, EntryKind, EntryPath, LayerIndex, Mtime};
use minidock_image::tar::LayerTarWriter;
use minidock_proto::bytes::Bytes;
use minidock_proto::mapping::Mapping;
use minidock_proto::request::FailureKind;
use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, fstat, major, minor, readlinkat, statat};

use super::scan::Below;
use super::{BUFFER_LEN, beneath, owner, tar_write_failure, xattr};
use crate::failure::{Context as _, Result, failure};
use sources::Source;

/// Writes what `paths` name to `tar` and returns how many files and directories they matched.
///
/// A path or pattern that matches nothing is an error. `indexes` are those of the layers that
/// the root is made of, topmost first: they have the owners that `mapping` cannot represent;
/// without them such files are root's.
pub(crate) fn read(
    root: OwnedFd,
    paths: &[Bytes],
    indexes: &[LayerIndex],
    mapping: &Mapping,
    tar: impl Write,
) -> Result<u64> {
    let mut matched = 0;
    let mut reading = Reading { root, indexes, mapping, found: BTreeMap::new() };
    for path in paths {
        let sources = sources::expand(reading.root.as_fd(), path.as_ref())?;
        matched += sources.len() as u64;
        for source in sources {
            reading.collect(source)?;
        }
    }
    reading.write(tar)?;
    Ok(matched)
}

struct Reading<'a> {
    root: OwnedFd,
    indexes: &'a [LayerIndex],
    mapping: &'a Mapping,
    /// What the stream will hold: its path there, and where it is.
    found: BTreeMap<EntryPath, Found>,
}

#[derive(Debug, Clone)]
struct Found {
    real: EntryPath,
    directory: bool,
    /// The owner, when the tree has lost it.
    owner: Option<(u32, u32)>,
}

impl<'a> Reading<'a> {
    fn collect(&mut self, source: Source) -> Result<()> {
        let parent = source.path.parent().unwrap_or_default();
        let below = Below::at(self.indexes, &parent);
        if source.kind == FileType::Directory {
            let below = Below::at(self.indexes, &source.path);
            return self.directory(source.path, below);
        }
        let Some(name) = source.name else {
            return Err(failure(FailureKind::InvalidInput, "a file without a name was named"));
        };
        let owner = self.owner(below.entry(&source.path));
        self.put(name, Found { real: source.path, directory: false, owner })
    }

    /// A directory with all that is in it; a list instead of recursion.
    fn directory(&mut self, top: EntryPath, below: Below<'a>) -> Result<()> {
        let mut todo = vec![(EntryPath::root(), top, below)];
        while let Some((path, real, below)) = todo.pop() {
            let owner = self.owner(below.own_entry(&real));
            let listed = list(self.root.as_fd(), &real)?;
            self.put(path.clone(), Found { real: real.clone(), directory: true, owner })?;
            for (name, kind) in listed {
                let child = step(&path, &name)?;
                let real = step(&real, &name)?;
                match kind {
                    FileType::Directory => {
                        let below = below.enter(&real);
                        todo.push((child, real, below));
                    }
                    // No layer holds sockets.
                    FileType::Socket => {}
                    _ => {
                        let owner = self.owner(below.entry(&real));
                        self.put(child, Found { real, directory: false, owner })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What the index says, if the tree cannot.
    fn owner(&self, entry: Option<&Entry>) -> Option<(u32, u32)> {
        let owner = entry.map(|entry| (entry.uid, entry.gid));
        owner.filter(|(uid, gid)| owner::is_flattened(self.mapping, *uid, *gid))
    }

    /// A later source replaces a file of an earlier one, as copying one by one would.
    fn put(&mut self, path: EntryPath, found: Found) -> Result<()> {
        if let Some(known) = self.found.get(&path)
            && known.directory != found.directory
        {
            let text = format!(
                "{:?} and {:?} would both become {:?}: one is a directory and one is not",
                known.real.display(),
                found.real.display(),
                path.as_path()
            );
            return Err(failure(FailureKind::InvalidInput, text));
        }
        self.found.insert(path, found);
        Ok(())
    }

    fn write(self, tar: impl Write) -> Result<()> {
        let mut writer = LayerTarWriter::new(BufWriter::with_capacity(BUFFER_LEN, tar));
        let mut links = HashMap::new();
        let mut buffer = vec![0; BUFFER_LEN];
        for (path, found) in &self.found {
            let (entry, content) = open(self.root.as_fd(), path, found, &mut links, &mut buffer)?;
            match content {
                Some(file) => writer.append(&entry, file),
                None => writer.append(&entry, io::empty()),
            }
            .map_err(|error| tar_write_failure(&error))?;
        }
        writer.finish().map_err(|error| tar_write_failure(&error))?;
        Ok(())
    }
}

/// The entry for what is there, and its content.
fn open(
    root: BorrowedFd<'_>,
    path: &EntryPath,
    found: &Found,
    links: &mut HashMap<(u64, u64), EntryPath>,
    buffer: &mut [u8],
) -> Result<(Entry, Option<File>)> {
    let doing = || format!("read {:?}", found.real.display());
    if found.directory {
        let fd = beneath::listable(root, &found.real).context(doing)?;
        let stat = fstat(&fd).context(doing)?;
        let kind = EntryKind::Directory { opaque: false, implied: false };
        return Ok((entry(path, kind, &stat, attributes(fd.as_fd(), found)?, found), None));
    }
    let parent = found.real.parent().unwrap_or_default();
    let parent = beneath::directory(root, &parent).context(doing)?;
    let name = found.real.file_name().unwrap_or_default();
    let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).context(doing)?;
    if stat.st_nlink > 1 {
        let identity = (stat.st_dev, stat.st_ino);
        if let Some(target) = links.get(&identity) {
            let kind = EntryKind::Hardlink { target: target.clone() };
            return Ok((entry(path, kind, &stat, xattr::Xattrs::new(), found), None));
        }
        links.insert(identity, path.clone());
    }
    let none = xattr::Xattrs::new();
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
            let open = || beneath::open_name(parent.as_fd(), name, flags).map(File::from);
            let file = open().context(doing)?;
            let xattrs = attributes(file.as_fd(), found)?;
            let mut hashing = DigestReader::new(file);
            while read_some(&mut hashing, buffer).context(doing)? > 0 {}
            let (digest, size) = hashing.finish();
            let kind = EntryKind::File { size, digest };
            return Ok((entry(path, kind, &stat, xattrs, found), Some(open().context(doing)?)));
        }
        FileType::Symlink => {
            let target = readlinkat(&parent, name, Vec::new()).context(doing)?;
            EntryKind::Symlink { target: target.into_bytes() }
        }
        FileType::CharacterDevice => {
            EntryKind::CharDevice { major: major(stat.st_rdev), minor: minor(stat.st_rdev) }
        }
        FileType::BlockDevice => {
            EntryKind::BlockDevice { major: major(stat.st_rdev), minor: minor(stat.st_rdev) }
        }
        FileType::Fifo => EntryKind::Fifo,
        FileType::Directory | FileType::Socket | FileType::Unknown => {
            let text = format!("{:?} cannot be copied: it is a socket", found.real.display());
            return Err(failure(FailureKind::InvalidInput, text));
        }
    };
    Ok((entry(path, kind, &stat, none, found), None))
}

fn entry(
    path: &EntryPath,
    kind: EntryKind,
    stat: &Stat,
    xattrs: xattr::Xattrs,
    found: &Found,
) -> Entry {
    let (uid, gid) = found.owner.unwrap_or((stat.st_uid, stat.st_gid));
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    let mtime = Mtime { secs: stat.st_mtime, nanos };
    Entry { path: path.clone(), kind, mode: stat.st_mode & 0o7777, uid, gid, mtime, xattrs }
}

fn attributes(file: BorrowedFd<'_>, found: &Found) -> Result<xattr::Xattrs> {
    let doing = || format!("read the attributes of {:?}", found.real.display());
    let mut xattrs = xattr::get(file).context(doing)?;
    xattrs.retain(|name, _| !xattr::is_overlay(name));
    Ok(xattrs)
}

fn read_some(from: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Names in a directory with their types.
fn list(root: BorrowedFd<'_>, real: &EntryPath) -> Result<Vec<(Vec<u8>, FileType)>> {
    let doing = || format!("list {:?}", real.display());
    let fd = beneath::listable(root, real).context(doing)?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&fd).context(doing)? {
        let entry = entry.context(doing)?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW).context(doing)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        names.push((name.to_vec(), kind));
    }
    Ok(names)
}

fn step(directory: &EntryPath, name: &[u8]) -> Result<EntryPath> {
    directory.join(name).map_err(|error| {
        let name = String::from_utf8_lossy(name);
        let text = format!("{name:?} in {:?} cannot be copied: {error}", directory.display());
        failure(FailureKind::InvalidInput, text)
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
