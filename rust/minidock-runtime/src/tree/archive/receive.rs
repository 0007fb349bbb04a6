//! What a tar stream holds, into a directory of a container.
//!
//! A name that exists is replaced, never written into; a directory and what is none never replace
//! each other. Symbolic links of the container lead within it, as they do for its own programs.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use minidock_image::layer::EntryPath;
use minidock_image::tar::{PlainEntry, PlainKind, PlainTarReader};
use minidock_proto::archive::Copied;
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{Failure, FailureKind};
use rustix::fs::{AtFlags, FileType, OFlags, StatVfsMountFlags, fstatvfs, statat, unlinkat};
use rustix::io::Errno;

use super::super::write::{self, CopyError, Dress};
use super::super::{BUFFER_LEN, owner, tar_failure};
use super::{Place, TRIES, below, missing};
use crate::failure::{Context as _, Result, failure, failure_with_hint, kind_of};
use crate::rootfs::in_root;

/// Puts the stream's entries into the directory at `place`, which has to exist. `ready` is called
/// when it does, before anything is read.
pub(crate) fn receive(
    root: BorrowedFd<'_>,
    place: &Place,
    tar: impl Read,
    mapping: &Mapping,
    ready: impl FnOnce() -> Result<()>,
) -> Result<Copied> {
    let path = &place.path;
    let directory = in_root::open(root, path, OFlags::PATH | OFlags::DIRECTORY)
        .map_err(|errno| missing(path, errno))?;
    check_writable(&directory, path)?;
    ready()?;
    let mut receiving = Receiving {
        root,
        to: path.clone(),
        mapping,
        parent: (EntryPath::root(), directory),
        directories: Vec::new(),
        copied: Copied::default(),
    };
    let mut reader = PlainTarReader::new(BufReader::with_capacity(BUFFER_LEN, tar));
    let mut buffer = vec![0; BUFFER_LEN];
    while let Some(entry) = reader.next_entry().map_err(|error| tar_failure(&error))? {
        receiving.entry(entry, &mut reader, &mut buffer)?;
    }
    drain(reader.into_inner(), &mut buffer)?;
    receiving.dress_directories()?;
    Ok(receiving.copied)
}

/// Whoever writes the stream may go on after its end.
fn drain(mut rest: impl Read, buffer: &mut [u8]) -> Result<()> {
    loop {
        match rest.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context(|| "read the end of the tar".into()),
        }
    }
}

/// A mount may be read-only, and so may the root file system.
fn check_writable(directory: &OwnedFd, path: &Path) -> Result<()> {
    let mount = fstatvfs(directory).context(|| format!("look at {}", path.display()))?;
    if !mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(());
    }
    Err(failure_with_hint(
        FailureKind::Conflict,
        format!("{} is read-only in the container", path.display()),
        "copy into a volume that can be written",
    ))
}

struct Receiving<'a> {
    root: BorrowedFd<'a>,
    to: PathBuf,
    mapping: &'a Mapping,
    /// The directory that the last entry was put into.
    parent: (EntryPath, OwnedFd),
    /// Directories to be given their attributes at the end.
    directories: Vec<PlainEntry>,
    copied: Copied,
}

impl Receiving<'_> {
    fn entry(
        &mut self,
        entry: PlainEntry,
        content: &mut impl Read,
        buffer: &mut [u8],
    ) -> Result<()> {
        // The directory itself stays as it is, as with docker.
        let (Some(parent), Some(name)) = (entry.path.parent(), entry.path.file_name()) else {
            return Ok(());
        };
        let name = name.to_vec();
        self.enter(parent)?;
        let is_directory = entry.kind == PlainKind::Directory;
        let exists = self.make_room(&entry.path, &name, is_directory)?;
        self.copied.entries += 1;
        match &entry.kind {
            PlainKind::Directory => {
                if !exists {
                    let made = write::directory(self.parent.1.as_fd(), &name);
                    made.context(|| writing(&entry.path))?;
                }
                self.note_owner(&entry);
                self.directories.push(entry);
                Ok(())
            }
            PlainKind::File { .. } => self.file(&entry, &name, content, buffer),
            PlainKind::Hardlink { target } => self.hardlink(&entry, &name, target),
            _ => self.special(&entry, &name),
        }
    }

    /// Opens the directory of an entry; missing ones are made.
    fn enter(&mut self, path: EntryPath) -> Result<()> {
        if self.parent.0 == path {
            return Ok(());
        }
        let full = below(&self.to, &path);
        let fd = match in_root::open(self.root, &full, OFlags::PATH | OFlags::DIRECTORY) {
            Err(Errno::NOENT) => in_root::directory(self.root, &full, &mut Vec::new())?,
            other => other.map_err(|errno| missing(&full, errno))?,
        };
        check_writable(&fd, &full)?;
        self.parent = (path, fd);
        Ok(())
    }

    /// Takes away what an entry replaces; whether a directory stays.
    fn make_room(&mut self, path: &EntryPath, name: &[u8], is_directory: bool) -> Result<bool> {
        let doing = || writing(path);
        for _ in 0..TRIES {
            let stat = match statat(&self.parent.1, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => return Ok(false),
                other => other.context(doing)?,
            };
            let full = below(&self.to, path);
            match (FileType::from_raw_mode(stat.st_mode) == FileType::Directory, is_directory) {
                (true, true) => return Ok(true),
                (true, false) => return Err(clash(&full, "a directory", "something else")),
                (false, true) => return Err(clash(&full, "no directory", "a directory")),
                (false, false) => match unlinkat(&self.parent.1, name, AtFlags::empty()) {
                    // It may have been a link that a parent led through.
                    Ok(()) => return Ok(false),
                    Err(Errno::NOENT | Errno::ISDIR) => {}
                    Err(Errno::BUSY) => return Err(mounted(&full)),
                    Err(errno) => return Err(errno).context(doing),
                },
            }
        }
        let text = format!("{} is changed all the time", below(&self.to, path).display());
        Err(failure(FailureKind::Conflict, text))
    }

    fn file(
        &mut self,
        entry: &PlainEntry,
        name: &[u8],
        content: &mut impl Read,
        buffer: &mut [u8],
    ) -> Result<()> {
        let doing = || writing(&entry.path);
        let mut made = write::file(self.parent.1.as_fd(), name).context(doing)?;
        if let Err(error) = write::content(content, &mut made, buffer) {
            // Half a file is worse than none; the first failure is the one to tell.
            let _first_counts = unlinkat(&self.parent.1, name, AtFlags::empty());
            return match error {
                CopyError::Write(error) => Err(error).context(doing),
                CopyError::Read(error) => {
                    let text =
                        format!("cannot read the tar at {:?}: {error}", entry.path.display());
                    Err(failure(kind_of(&error), text))
                }
            };
        }
        if let PlainKind::File { size } = entry.kind {
            self.copied.bytes += size;
        }
        self.note_owner(entry);
        self.dress(entry, made.as_fd())
    }

    fn hardlink(&mut self, entry: &PlainEntry, name: &[u8], target: &EntryPath) -> Result<()> {
        let doing = || format!("link {:?} in the container", entry.path.display());
        let (Some(above), Some(target_name)) = (target.parent(), target.file_name()) else {
            let text = format!("{:?} cannot be a link to a directory", entry.path.display());
            return Err(failure(FailureKind::InvalidInput, text));
        };
        let full = below(&self.to, &above);
        let from = in_root::open(self.root, &full, OFlags::PATH | OFlags::DIRECTORY)
            .map_err(|errno| missing(&full, errno))?;
        write::link(from.as_fd(), target_name, self.parent.1.as_fd(), name).context(doing)
    }

    fn special(&mut self, entry: &PlainEntry, name: &[u8]) -> Result<()> {
        let doing = || writing(&entry.path);
        let dress = dress(self.mapping, entry);
        let parent = self.parent.1.as_fd();
        let refused = match &entry.kind {
            PlainKind::Symlink { target } => {
                write::symlink(parent, name, target, &dress).context(doing)?;
                entry.xattrs.len()
            }
            PlainKind::Fifo => write::fifo(parent, name, &dress).context(doing)?.len(),
            _ => {
                let text = format!(
                    "{:?} is a device, which cannot be made in a container without root",
                    entry.path.display()
                );
                return Err(failure_with_hint(FailureKind::InvalidInput, text, "leave it out"));
            }
        };
        self.copied.attributes += refused as u64;
        self.note_owner(entry);
        Ok(())
    }

    fn note_owner(&mut self, entry: &PlainEntry) {
        let lost = owner::is_flattened(self.mapping, entry.uid, entry.gid);
        self.copied.flattened += u64::from(lost);
    }

    /// Owner, mode, time and attributes.
    fn dress(&mut self, entry: &PlainEntry, file: BorrowedFd<'_>) -> Result<()> {
        let doing = || format!("set the attributes of {:?} in the container", entry.path.display());
        let dress = dress(self.mapping, entry);
        self.copied.attributes += dress.put_on(file).context(doing)?.len() as u64;
        Ok(())
    }

    /// From the last one back: what is in a directory comes after it.
    fn dress_directories(&mut self) -> Result<()> {
        while let Some(entry) = self.directories.pop() {
            let full = below(&self.to, &entry.path);
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let fd = in_root::open(self.root, &full, flags).map_err(|e| missing(&full, e))?;
            self.dress(&entry, File::from(fd).as_fd())?;
        }
        Ok(())
    }
}

fn dress<'e>(mapping: &Mapping, entry: &'e PlainEntry) -> Dress<'e> {
    let (uid, gid) = owner::in_tree(mapping, entry.uid, entry.gid);
    // What is there may be of others, or of a directory that hands its group down; a single id has
    // everything already.
    let inherits = !mapping.is_single();
    Dress { uid, gid, mode: entry.mode, mtime: entry.mtime, xattrs: &entry.xattrs, inherits }
}

fn writing(path: &EntryPath) -> String {
    format!("write {:?} in the container", path.display())
}

fn clash(path: &Path, is: &str, by: &str) -> Failure {
    let text =
        format!("{} is {is} in the container, it cannot be replaced by {by}", path.display());
    failure_with_hint(FailureKind::InvalidInput, text, "delete it first, or copy elsewhere")
}

fn mounted(path: &Path) -> Failure {
    failure_with_hint(
        FailureKind::Conflict,
        format!("{} is mounted into the container and cannot be replaced", path.display()),
        "write into it with `minidock exec -i CONTAINER sh -c 'cat > FILE'`",
    )
}
