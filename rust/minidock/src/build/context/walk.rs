//! Walking directories of the context: one that is copied, with what is left out.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};

use minidock_image::digest::{Digest, DigestReader};
use minidock_image::layer::{Entry, EntryKind, EntryPath, Mtime};
use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, fstat, readlinkat, statat};

use super::manifest::{Item, Origin, Plain};
use super::{Context, Found, attributes, changed, opening, shown, unusable};
use crate::cancel::CancelToken;
use crate::error::{self, Error, Result};

/// Longest piece of a file that is read at once.
const BUFFER: u64 = 256 * 1024;
/// Longest file whose content is kept between the passes.
const SMALL: u64 = 16 * 1024;
/// Most bytes that are kept.
const MOST_KEPT: u64 = 32 << 20;

/// What a walk needs beside the context.
pub(super) struct Walk<'a> {
    pub(super) context: &'a Context,
    pub(super) cancel: &'a CancelToken,
    /// Bytes that are kept so far.
    pub(super) kept: &'a mut u64,
    /// Told about what cannot be in an image and is left out.
    pub(super) skipped: &'a mut Vec<String>,
}

impl Walk<'_> {
    /// Adds one file under its name.
    pub(super) fn file(&mut self, found: &Found, name: &[u8], into: &mut Plain) -> Result<()> {
        let path = EntryPath::root().join(name).map_err(|error| unusable(name, &error))?;
        match self.item(&found.path, &path, found.kind)? {
            Some(item) => into.put(item),
            None => {
                let message = format!("{} is a socket and cannot be copied", shown(name));
                Err(Error::new(error::ErrorKind::InvalidInput, message))
            }
        }
    }

    /// Adds the contents of a directory; a list instead of recursion.
    pub(super) fn directory(&mut self, top: &EntryPath, into: &mut Plain) -> Result<()> {
        into.contents();
        let mut todo = vec![(EntryPath::root(), top.clone())];
        while let Some((target, real)) = todo.pop() {
            for (name, kind) in self.context.list(&real)? {
                self.cancel.check()?;
                let real = real.join(&name).map_err(|error| unusable(&name, &error))?;
                let target = target.join(&name).map_err(|error| unusable(&name, &error))?;
                let ignored = self.context.ignores(&real);
                if kind == FileType::Directory && !(ignored && self.context.ignores_whole(&real)) {
                    todo.push((target.clone(), real.clone()));
                }
                if ignored {
                    continue;
                }
                let Some(item) = self.item(&real, &target, kind)? else {
                    self.skipped
                        .push(format!("the socket {} is not copied", shown(real.as_bytes())));
                    continue;
                };
                self.parents(&item, top, into)?;
                into.put(item)?;
            }
        }
        Ok(())
    }

    /// Directories that are left out but hold something that is not.
    fn parents(&self, item: &Item, top: &EntryPath, into: &mut Plain) -> Result<()> {
        for target in item.entry.path.ancestors().filter(|path| !path.is_root()) {
            if into.has(&target) {
                continue;
            }
            let real = match top.is_root() {
                true => target.clone(),
                false => EntryPath::parse(&[top.as_bytes(), b"/", target.as_bytes()].concat())
                    .map_err(|error| unusable(target.as_bytes(), &error))?,
            };
            into.put(self.folder(&real, &target)?)?;
        }
        Ok(())
    }

    /// Reads one thing; `None` for a socket.
    fn item(
        &mut self,
        real: &EntryPath,
        target: &EntryPath,
        kind: FileType,
    ) -> Result<Option<Item>> {
        match kind {
            FileType::RegularFile => self.regular(real, target).map(Some),
            FileType::Directory => self.folder(real, target).map(Some),
            FileType::Symlink => self.link(real, target).map(Some),
            FileType::Fifo => {
                let fd = self.look(real)?;
                let stat = fstat(&fd).map_err(|error| opening(real, error))?;
                Ok(Some(Item {
                    entry: entry(target, EntryKind::Fifo, &stat),
                    origin: Origin::Nothing,
                }))
            }
            FileType::Socket => Ok(None),
            _ => {
                let message =
                    format!("{} is a device and cannot be copied", shown(real.as_bytes()));
                Err(Error::new(error::ErrorKind::InvalidInput, message)
                    .with_hint("leave it out with a line in .dockerignore"))
            }
        }
    }

    fn regular(&mut self, real: &EntryPath, target: &EntryPath) -> Result<Item> {
        let failed = |error| opening(real, error);
        let (mut file, stat) = self.context.open_regular(real).map_err(failed)?;
        let xattrs = attributes::read(std::os::fd::AsFd::as_fd(&file)).map_err(failed)?;
        let length = stat.st_size.unsigned_abs();
        let small = match length <= SMALL && *self.kept + length <= MOST_KEPT {
            true => self.small(&mut file, length, real)?,
            false => None,
        };
        let (size, digest, origin) = match small {
            Some(text) => (length, Digest::of(&text), Origin::Text(text)),
            None => {
                file.rewind().map_err(|error| reading(real, error))?;
                let (digest, size) = hash(file, length, real, self.cancel)?;
                (size, digest, Origin::Context(real.clone()))
            }
        };
        let mut entry = entry(target, EntryKind::File { size, digest }, &stat);
        entry.xattrs = xattrs;
        Ok(Item { entry, origin })
    }

    /// The whole of a file of this length; `None` if it has another one by now.
    fn small(&mut self, file: &mut File, length: u64, real: &EntryPath) -> Result<Option<Vec<u8>>> {
        self.cancel.check()?;
        let length = usize::try_from(length).unwrap_or_default();
        // Room for one byte more: a shorter answer is the end of the file.
        let mut text = vec![0; length + 1];
        match file.read(&mut text) {
            Ok(read) if read == length => text.truncate(length),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(reading(real, error)),
        }
        *self.kept += length as u64;
        Ok(Some(text))
    }

    fn folder(&self, real: &EntryPath, target: &EntryPath) -> Result<Item> {
        let failed = |error| opening(real, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let fd = self.context.open_beneath(real, flags).map_err(failed)?;
        let stat = fstat(&fd).map_err(failed)?;
        let kind = EntryKind::Directory { opaque: false, implied: false };
        let mut entry = entry(target, kind, &stat);
        entry.xattrs = attributes::read(std::os::fd::AsFd::as_fd(&fd)).map_err(failed)?;
        Ok(Item { entry, origin: Origin::Nothing })
    }

    fn link(&self, real: &EntryPath, goal: &EntryPath) -> Result<Item> {
        let fd = self.look(real)?;
        let stat = fstat(&fd).map_err(|error| opening(real, error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Err(changed(real));
        }
        let target = readlinkat(&fd, "", Vec::new()).map_err(|error| opening(real, error))?;
        let kind = EntryKind::Symlink { target: target.into_bytes() };
        Ok(Item { entry: entry(goal, kind, &stat), origin: Origin::Nothing })
    }

    fn look(&self, real: &EntryPath) -> Result<std::os::fd::OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        self.context.open_beneath(real, flags).map_err(|error| opening(real, error))
    }
}

/// Digest and length of a file of about this length, in pieces that a cancelled build does not
/// wait for.
pub(in crate::build) fn hash(
    file: impl Read,
    length: u64,
    path: &EntryPath,
    cancel: &CancelToken,
) -> Result<(Digest, u64)> {
    let mut reader = DigestReader::new(file);
    // Most files are small: room for the whole and for seeing its end.
    let room = length.saturating_add(1).clamp(512, BUFFER);
    let mut buffer = vec![0; usize::try_from(room).unwrap_or(512)];
    loop {
        cancel.check()?;
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(reader.finish()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(reading(path, error)),
        }
    }
}

fn reading(path: &EntryPath, error: std::io::Error) -> Error {
    Error::io(format!("cannot read {} of the build context", shown(path.as_bytes())), error)
}

/// Files of a context belong to root, as docker has it.
fn entry(path: &EntryPath, kind: EntryKind, stat: &Stat) -> Entry {
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    let mut entry = Entry::new(path.clone(), kind);
    if !matches!(entry.kind, EntryKind::Symlink { .. }) {
        entry.mode = stat.st_mode & 0o7777;
    }
    entry.mtime = Mtime { secs: stat.st_mtime, nanos };
    entry
}

impl Context {
    /// Names in a directory with their types.
    pub(super) fn list(&self, real: &EntryPath) -> Result<Vec<(Vec<u8>, FileType)>> {
        let failed = |error| opening(real, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let fd = self.open_beneath(real, flags).map_err(failed)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let stat = statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                kind => kind,
            };
            names.push((name.to_vec(), kind));
        }
        Ok(names)
    }
}
