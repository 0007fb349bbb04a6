//! A tar stream that came out of a container, into a directory of this host.
//!
//! Its names and contents are a stranger's. Everything is made beneath one opened directory and
//! through no link; what exists is replaced, never written into or changed, but for directories
//! that the stream has, too. Modes lose setuid, setgid and, but for directories, the sticky bit.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minidock_image::layer::EntryPath;
use minidock_image::tar::{PlainEntry, PlainKind, PlainTarReader, TarError};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, fchmod, fchown,
    fstat, futimens, linkat, mkdirat, mknodat, openat2, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::CopyReport;
use crate::error::{Error, ErrorKind, Result};
use crate::image::failure::of_stream;

const BUFFER: usize = 128 * 1024;
/// openat2 answers EAGAIN when a rename anywhere raced with its check.
const TRIES: usize = 64;
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// What the first component of the stream's paths becomes.
pub(super) struct Top {
    /// The paths have none: they are relative to what was copied.
    pub(super) rooted: bool,
    /// What was copied is called this; nothing if it is poured into the directory.
    pub(super) name: Option<Vec<u8>>,
}

impl Top {
    fn rename(&self, path: &EntryPath) -> Result<EntryPath> {
        let Some(name) = &self.name else { return Ok(path.clone()) };
        let rest = match self.rooted {
            true => path.as_bytes(),
            false => {
                let bytes = path.as_bytes();
                let slash = bytes.iter().position(|byte| *byte == b'/');
                slash.map_or(&b""[..], |slash| &bytes[slash + 1..])
            }
        };
        let full = match rest.is_empty() {
            true => name.clone(),
            false => [name, &b"/"[..], rest].concat(),
        };
        EntryPath::parse(&full).map_err(|error| {
            let text = format!("cannot copy to {:?}", String::from_utf8_lossy(&full));
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })
    }
}

/// Puts what comes into the directory. `owners` asks for those of the stream.
pub(super) fn receive(
    directory: &File,
    tar: &mut impl Read,
    top: &Top,
    owners: bool,
) -> Result<CopyReport> {
    let root = directory.try_clone().map_err(|error| Error::io("cannot copy", error))?;
    let mut receiving = Receiving {
        root: directory.as_fd(),
        parent: (EntryPath::root(), root.into()),
        directories: Vec::new(),
        left_out: HashSet::new(),
        owners,
        report: CopyReport::default(),
    };
    let mut reader = PlainTarReader::new(BufReader::with_capacity(BUFFER, tar));
    let mut buffer = vec![0; BUFFER];
    while let Some(mut entry) = reader.next_entry().map_err(of_tar)? {
        entry.path = top.rename(&entry.path)?;
        if let PlainKind::Hardlink { target } = &mut entry.kind {
            *target = top.rename(target)?;
        }
        receiving.entry(entry, &mut reader, &mut buffer)?;
    }
    // Whether all of it came is known at the end of the stream.
    let mut rest = reader.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink())
        .map_err(|error| of_stream("cannot read the container's files", error))?;
    receiving.dress_directories()?;
    Ok(receiving.report)
}

fn of_tar(error: TarError) -> Error {
    match error {
        TarError::Io { source } => of_stream("cannot read the container's files", source),
        other => {
            Error::new(ErrorKind::Runtime, "the container's files came damaged").with_source(other)
        }
    }
}

struct Receiving<'a> {
    root: BorrowedFd<'a>,
    /// The directory that the last entry was put into.
    parent: (EntryPath, OwnedFd),
    directories: Vec<PlainEntry>,
    /// Devices, which other names of theirs are left out with.
    left_out: HashSet<EntryPath>,
    owners: bool,
    report: CopyReport,
}

impl Receiving<'_> {
    fn entry(
        &mut self,
        entry: PlainEntry,
        content: &mut impl Read,
        buffer: &mut [u8],
    ) -> Result<()> {
        let (Some(parent), Some(name)) = (entry.path.parent(), entry.path.file_name()) else {
            return Ok(());
        };
        let name = name.to_vec();
        let doing = |errno: Errno| writing(&entry.path, errno);
        match &entry.kind {
            PlainKind::CharDevice(..) | PlainKind::BlockDevice(..) => {
                self.report.skipped += 1;
                self.left_out.insert(entry.path);
                return Ok(());
            }
            PlainKind::Hardlink { target } if self.left_out.contains(target) => {
                self.report.skipped += 1;
                return Ok(());
            }
            _ => {}
        }
        if self.parent.0 != parent {
            let fd = beneath(self.root, parent.as_bytes(), OFlags::PATH | OFlags::DIRECTORY);
            self.parent = (parent, fd.map_err(doing)?);
        }
        let is_directory = entry.kind == PlainKind::Directory;
        let exists = self.make_room(&entry.path, &name, is_directory)?;
        self.report.entries += 1;
        let parent = &self.parent.1;
        match &entry.kind {
            PlainKind::Directory => {
                if !exists {
                    // Only its owner may look in until it is complete.
                    mkdirat(parent, &name[..], Mode::RWXU).map_err(doing)?;
                }
                self.directories.push(entry);
                return Ok(());
            }
            PlainKind::File { size } => {
                let size = *size;
                self.file(&entry, &name, content, buffer)?;
                self.report.bytes += size;
                return Ok(());
            }
            PlainKind::Hardlink { target } => {
                let above = target.parent().unwrap_or_default();
                let from = beneath(self.root, above.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)
                    .map_err(doing)?;
                let from_name = target.file_name().unwrap_or(b".");
                linkat(&from, from_name, parent, &name[..], AtFlags::empty()).map_err(doing)?;
                return Ok(());
            }
            PlainKind::Symlink { target } => {
                symlinkat(&target[..], parent, &name[..]).map_err(doing)?;
                let times = times(&entry);
                utimensat(parent, &name[..], &times, AtFlags::SYMLINK_NOFOLLOW).map_err(doing)?;
                return Ok(());
            }
            PlainKind::Fifo => {
                let mode = Mode::RUSR | Mode::WUSR;
                mknodat(parent, &name[..], FileType::Fifo, mode, 0).map_err(doing)?;
            }
            PlainKind::CharDevice(..) | PlainKind::BlockDevice(..) => return Ok(()),
        }
        // Open for both directions a pipe never blocks (fifo(7)).
        let fd = beneath(parent.as_fd(), &name, OFlags::RDWR | OFlags::NONBLOCK).map_err(doing)?;
        self.dress(&entry, fd.as_fd())
    }

    /// Takes away what an entry replaces; whether a directory stays.
    fn make_room(&self, path: &EntryPath, name: &[u8], is_directory: bool) -> Result<bool> {
        let parent = &self.parent.1;
        let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            other => other.map_err(|errno| writing(path, errno))?,
        };
        let clash = |is: &str, by: &str| {
            let shown = shown(path);
            let text = format!("{shown:?} is {is} here, it cannot be replaced by {by}");
            Error::new(ErrorKind::InvalidInput, text)
                .with_hint("delete it first, or copy elsewhere")
        };
        match (FileType::from_raw_mode(stat.st_mode) == FileType::Directory, is_directory) {
            (true, true) => Ok(true),
            (true, false) => Err(clash("a directory", "something else")),
            (false, true) => Err(clash("no directory", "a directory")),
            (false, false) => match unlinkat(parent, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(false),
                Err(errno) => Err(writing(path, errno)),
            },
        }
    }

    fn file(
        &mut self,
        entry: &PlainEntry,
        name: &[u8],
        content: &mut impl Read,
        buffer: &mut [u8],
    ) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let made = beneath(self.parent.1.as_fd(), name, flags);
        let mut made = File::from(made.map_err(|errno| writing(&entry.path, errno))?);
        let copied = copy(content, &mut made, buffer, &entry.path);
        if copied.is_err() {
            // Half a file is worse than none; the first failure is the one to tell.
            let _first_counts = unlinkat(&self.parent.1, name, AtFlags::empty());
        }
        copied?;
        self.dress(entry, made.as_fd())
    }

    fn dress(&mut self, entry: &PlainEntry, file: BorrowedFd<'_>) -> Result<()> {
        let doing = |errno: Errno| writing(&entry.path, errno);
        if self.owners {
            self.own(entry, file)?;
        }
        let kept = match entry.kind {
            PlainKind::Directory => 0o1777,
            _ => 0o777,
        };
        fchmod(file, Mode::from_raw_mode(entry.mode & kept)).map_err(doing)?;
        futimens(file, &times(entry)).map_err(doing)
    }

    /// Only root may give files away; what the kernel refuses is counted.
    fn own(&mut self, entry: &PlainEntry, file: BorrowedFd<'_>) -> Result<()> {
        let doing = |errno: Errno| writing(&entry.path, errno);
        let stat = fstat(file).map_err(doing)?;
        if (stat.st_uid, stat.st_gid) == (entry.uid, entry.gid) {
            return Ok(());
        }
        match fchown(file, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid))) {
            Ok(()) => Ok(()),
            Err(Errno::PERM | Errno::INVAL) => {
                self.report.other_owner += 1;
                Ok(())
            }
            Err(errno) => Err(doing(errno)),
        }
    }

    /// From the last one back: what is in a directory comes after it.
    fn dress_directories(&mut self) -> Result<()> {
        while let Some(entry) = self.directories.pop() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let fd = beneath(self.root, entry.path.as_bytes(), flags)
                .map_err(|errno| writing(&entry.path, errno))?;
            self.dress(&entry, fd.as_fd())?;
        }
        Ok(())
    }
}

fn copy(
    content: &mut impl Read,
    made: &mut File,
    buffer: &mut [u8],
    path: &EntryPath,
) -> Result<()> {
    loop {
        match content.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => made
                .write_all(&buffer[..length])
                .map_err(|error| Error::io(format!("cannot write {:?}", shown(path)), error))?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(of_stream("cannot read the container's files", error)),
        }
    }
}

fn beneath(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = match flags.contains(OFlags::CREATE) {
        true => Mode::RUSR | Mode::WUSR,
        false => Mode::empty(),
    };
    let mut last = Errno::AGAIN;
    for _ in 0..TRIES {
        match openat2(directory, path, flags, mode, RESOLVE) {
            Err(errno @ (Errno::AGAIN | Errno::INTR)) => last = errno,
            answer => return answer,
        }
    }
    Err(last)
}

fn times(entry: &PlainEntry) -> Timestamps {
    let time = Timespec { tv_sec: entry.mtime.secs, tv_nsec: entry.mtime.nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}

fn shown(path: &EntryPath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn writing(path: &EntryPath, errno: Errno) -> Error {
    let error = Error::io(format!("cannot write {:?}", shown(path)), errno);
    match errno {
        Errno::LOOP | Errno::NOTDIR => {
            error.with_hint("a parent of it here is a link or a file: copy to where it leads")
        }
        _ => error,
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
