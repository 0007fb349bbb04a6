//! A path of this host as a tar stream for a container.
//!
//! A container may share the directory: the walk goes from descriptor to descriptor and follows
//! no link beneath what was named.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minidock_image::layer::{EntryPath, Mtime};
use minidock_image::tar::{PlainEntry, PlainKind, PlainTarWriter, TarWriteError};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2, readlinkat, statat,
};
use rustix::io::Errno;

use super::super::archive::check;
use super::CopyOptions;
use super::local::LocalSource;
use crate::build::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::image::failure::of_stream;

const BUFFER: usize = 128 * 1024;
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Writes it; what is copied is called `name`, or is relative to the stream's root without.
/// Gives the number of sockets, which are left out.
pub(super) fn send(
    from: &LocalSource,
    name: Option<&[u8]>,
    out: impl Write,
    options: &CopyOptions,
) -> Result<u64> {
    let failed = |errno: Errno| Error::at("copy", &from.path, errno);
    let top = match name {
        Some(name) => step(&EntryPath::root(), name)?,
        None => EntryPath::root(),
    };
    let mut sending = Sending {
        writer: PlainTarWriter::new(BufWriter::with_capacity(BUFFER, out)),
        options,
        links: HashMap::new(),
        skipped: 0,
        buffer: vec![0; BUFFER],
    };
    let open = |flags: OFlags| {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY;
        rustix::fs::open(&from.path, flags, Mode::empty()).map_err(failed)
    };
    let fd = open(OFlags::PATH)?;
    let stat = fstat(&fd).map_err(failed)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => sending.tree(&open(directory())?, top)?,
        FileType::RegularFile => sending.file(top, open(OFlags::RDONLY | OFlags::NONBLOCK)?)?,
        FileType::Symlink => {
            let target = readlinkat(&fd, c"", Vec::new()).map_err(failed)?.into_bytes();
            sending.special(&top, PlainKind::Symlink { target }, &stat)?;
        }
        FileType::Fifo => sending.special(&top, PlainKind::Fifo, &stat)?,
        FileType::Socket => {
            let text = format!("{} is a socket, which cannot be copied", from.path.display());
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        _ => return Err(device(&from.path.display().to_string())),
    }
    sending.writer.finish().map_err(of_writer)?;
    Ok(sending.skipped)
}

struct Sending<'a, W: Write> {
    writer: PlainTarWriter<BufWriter<W>>,
    options: &'a CopyOptions,
    /// Files with several names that were written already.
    links: HashMap<(u64, u64), EntryPath>,
    skipped: u64,
    buffer: Vec<u8>,
}

/// A directory on the way.
struct Frame {
    path: EntryPath,
    within: EntryPath,
    /// Names that are still to come, the next one last.
    names: Vec<Vec<u8>>,
}

impl<W: Write> Sending<'_, W> {
    /// A directory with all that is in it. Only two directories are open at any time.
    fn tree(&mut self, top: &OwnedFd, path: EntryPath) -> Result<()> {
        let mut here = top.try_clone().map_err(|error| Error::io("cannot copy", error))?;
        let mut frames = vec![self.enter(&here, path, EntryPath::root())?];
        while let Some(frame) = frames.last_mut() {
            check(&self.options.cancel)?;
            let Some(name) = frame.names.pop() else {
                frames.pop();
                let Some(parent) = frames.last() else { break };
                here = beneath(top.as_fd(), parent.within.as_bytes(), directory())
                    .map_err(|errno| reading(&parent.path, errno))?;
                continue;
            };
            let path = step(&frame.path, &name)?;
            let within = step(&frame.within, &name)?;
            if let Some((fd, next)) = self.child(&here, path, within, &name)? {
                here = fd;
                frames.push(next);
            }
        }
        Ok(())
    }

    fn enter(&mut self, fd: &OwnedFd, path: EntryPath, within: EntryPath) -> Result<Frame> {
        let failed = |errno: Errno| reading(&path, errno);
        let stat = fstat(fd).map_err(failed)?;
        let entry = self.entry(&path, PlainKind::Directory, &stat, Some(fd.as_fd()))?;
        self.put(&entry, io::empty())?;
        let mut names = Vec::new();
        for entry in Dir::read_from(fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Frame { path, within, names })
    }

    fn child(
        &mut self,
        here: &OwnedFd,
        path: EntryPath,
        within: EntryPath,
        name: &[u8],
    ) -> Result<Option<(OwnedFd, Frame)>> {
        let failed = |errno: Errno| reading(&path, errno);
        let stat = statat(here, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let fd = beneath(here.as_fd(), name, directory()).map_err(failed)?;
                let frame = self.enter(&fd, path, within)?;
                return Ok(Some((fd, frame)));
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                let fd = beneath(here.as_fd(), name, flags).map_err(failed)?;
                self.file(path, fd)?;
            }
            FileType::Symlink => {
                let target = readlinkat(here, name, Vec::new()).map_err(failed)?.into_bytes();
                self.special(&path, PlainKind::Symlink { target }, &stat)?;
            }
            FileType::Fifo => self.special(&path, PlainKind::Fifo, &stat)?,
            FileType::Socket => self.skipped += 1,
            _ => return Err(device(&shown(&path))),
        }
        Ok(None)
    }

    /// A file that was opened.
    fn file(&mut self, path: EntryPath, fd: OwnedFd) -> Result<()> {
        let stat = fstat(&fd).map_err(|errno| reading(&path, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            let text = format!("{} was replaced while it was copied", shown(&path));
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        if let Some(kind) = self.linked(&path, &stat) {
            let entry = self.entry(&path, kind, &stat, None)?;
            return self.put(&entry, io::empty());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let entry = self.entry(&path, PlainKind::File { size }, &stat, Some(fd.as_fd()))?;
        let cancel = &self.options.cancel;
        let watched = Watched { file: File::from(fd), cancel };
        let written = self.writer.append(&entry, watched, &mut self.buffer);
        written.map_err(of_writer)
    }

    fn special(&mut self, path: &EntryPath, kind: PlainKind, stat: &Stat) -> Result<()> {
        let kind = self.linked(path, stat).unwrap_or(kind);
        let entry = self.entry(path, kind, stat, None)?;
        self.put(&entry, io::empty())
    }

    fn linked(&mut self, path: &EntryPath, stat: &Stat) -> Option<PlainKind> {
        if stat.st_nlink < 2 {
            return None;
        }
        let identity = (stat.st_dev, stat.st_ino);
        if let Some(target) = self.links.get(&identity) {
            return Some(PlainKind::Hardlink { target: target.clone() });
        }
        self.links.insert(identity, path.clone());
        None
    }

    /// As docker's documentation has it: of root, or with `-a` of the owner here.
    fn entry(
        &self,
        path: &EntryPath,
        kind: PlainKind,
        stat: &Stat,
        file: Option<BorrowedFd<'_>>,
    ) -> Result<PlainEntry> {
        let (uid, gid) = match self.options.archive {
            true => (stat.st_uid, stat.st_gid),
            false => (0, 0),
        };
        let xattrs = match file {
            Some(file) => attributes::read(file).map_err(|errno| reading(path, errno))?,
            None => Default::default(),
        };
        let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        let mtime = Mtime { secs: stat.st_mtime, nanos };
        let mode = stat.st_mode & 0o7777;
        Ok(PlainEntry { path: path.clone(), kind, mode, uid, gid, mtime, xattrs })
    }

    fn put(&mut self, entry: &PlainEntry, content: impl io::Read) -> Result<()> {
        self.writer.append(entry, content, &mut self.buffer).map_err(of_writer)
    }
}

/// A file whose reading ends when the copy is cancelled.
struct Watched<'a> {
    file: File,
    cancel: &'a crate::build::CancelToken,
}

impl io::Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check(self.cancel).map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

fn of_writer(error: TarWriteError) -> Error {
    match error {
        TarWriteError::Io { source } => of_stream("cannot hand the files over", source),
        TarWriteError::Content { path, source } => {
            of_stream(&format!("cannot read {path:?}"), source)
        }
        other => Error::new(ErrorKind::InvalidInput, "cannot copy").with_source(other),
    }
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY
}

fn beneath(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut last = Errno::AGAIN;
    for _ in 0..64 {
        match openat2(directory, path, flags, Mode::empty(), RESOLVE) {
            Err(errno @ (Errno::AGAIN | Errno::INTR)) => last = errno,
            answer => return answer,
        }
    }
    Err(last)
}

fn shown(path: &EntryPath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn reading(path: &EntryPath, errno: Errno) -> Error {
    Error::io(format!("cannot read {:?}", shown(path)), errno)
}

fn device(path: &str) -> Error {
    let text = format!("{path} is a device, which cannot be made in a container without root");
    Error::new(ErrorKind::InvalidInput, text).with_hint("leave it out")
}

fn step(directory: &EntryPath, name: &[u8]) -> Result<EntryPath> {
    directory.join(name).map_err(|error| {
        let text = format!("cannot copy {:?}", String::from_utf8_lossy(name));
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    })
}
