//! The build context: a directory of the host that may be hostile.
//!
//! Everything is opened beneath the directory's descriptor and nothing is followed on the way:
//! symbolic links that are named as sources are resolved here, within the context, step by step.
//! Files are read through the descriptor that was checked. No path of the host is made up.

pub(crate) mod attributes;
mod manifest;
mod sources;
mod walk;

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_dockerfile::IgnoreRules;
use minidock_image::layer::EntryPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2, readlinkat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result, quoted};

pub(super) use manifest::{Manifest, Watched, append as append_entry};
pub(super) use walk::hash as file_digest;

/// Most symbolic links on the way to a source (Linux `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
/// Longest Dockerfile or `.dockerignore` that is read.
const LONGEST_TEXT: u64 = 128 << 20;
/// How often an opening is tried again that a rename beside it disturbed.
const TRIES: usize = 100;

/// An opened context.
#[derive(Debug)]
pub(super) struct Context {
    root: OwnedFd,
    ignore: IgnoreRules,
}

/// Something in the context, its symbolic links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it really is.
    pub(super) path: EntryPath,
    /// What it is; never a symbolic link.
    pub(super) kind: FileType,
}

impl Context {
    /// Opens the directory.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => {
                let what = if error == Errno::NOENT { "does not exist" } else { "is no directory" };
                let message = format!("the build context {} {what}", path.display());
                Error::new(ErrorKind::NotFound, message)
                    .with_hint("give the directory that COPY takes files from, for example `.`")
            }
            error => Error::at("open the build context", path, error),
        })?;
        Ok(Self { root, ignore: IgnoreRules::default() })
    }

    /// Reads the ignore rules: those of the Dockerfile named `dockerfile` in the context if it
    /// has its own, else `.dockerignore`.
    pub(super) fn read_ignore(&mut self, dockerfile: Option<&str>) -> Result<()> {
        let own = dockerfile.map(|name| format!("{name}.dockerignore"));
        for name in own.iter().map(String::as_str).chain([".dockerignore"]) {
            if let Some(text) = self.read_text(name)? {
                return self.set_ignore(name, &text);
            }
        }
        Ok(())
    }

    /// Takes these ignore rules.
    pub(super) fn set_ignore(&mut self, name: &str, text: &[u8]) -> Result<()> {
        self.ignore = IgnoreRules::parse(text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("{name} cannot be used")).with_source(error)
        })?;
        Ok(())
    }

    /// The text of a file of the context; `None` where there is none.
    pub(super) fn read_text(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(found) = self.resolve(name.as_bytes())? else { return Ok(None) };
        let file = self.open_file(&found.path).map_err(|error| opening(&found.path, error))?;
        read_text(file, name).map(Some)
    }

    /// Where a path leads with the context as `/`; `None` where nothing is.
    pub(super) fn resolve(&self, path: &[u8]) -> Result<Option<Found>> {
        let mut rest: VecDeque<Vec<u8>> = components(path).collect();
        let mut real = EntryPath::root();
        let mut kind = FileType::Directory;
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            match name.as_slice() {
                b".." => {
                    real = real.parent().unwrap_or_default();
                    kind = FileType::Directory;
                    continue;
                }
                _ if kind != FileType::Directory => return Ok(None),
                _ => {}
            }
            let next = real.join(&name).map_err(|error| unusable(&name, &error))?;
            let fd = match self.open_beneath(&next, OFlags::PATH | OFlags::NOFOLLOW) {
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(Errno::LOOP) => return Err(changed(&next)),
                other => other.map_err(|error| opening(&next, error))?,
            };
            let stat = fstat(&fd).map_err(|error| opening(&next, error))?;
            kind = FileType::from_raw_mode(stat.st_mode);
            if kind != FileType::Symlink {
                real = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                let message = format!("too many symbolic links on the way to {}", shown(path));
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            let target = readlinkat(&fd, "", Vec::new()).map_err(|error| opening(&next, error))?;
            if target.as_bytes().starts_with(b"/") {
                real = EntryPath::root();
            }
            kind = FileType::Directory;
            for name in components(target.as_bytes()).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(name);
            }
        }
        Ok(Some(Found { path: real, kind }))
    }

    /// Opens a path without following any link; a link on the way is `ELOOP`.
    fn open_beneath(&self, path: &EntryPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        // A last component that is a link is still opened by O_PATH with O_NOFOLLOW.
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let name = if path.is_root() { b"." } else { path.as_bytes() };
        let mut tries = 0;
        loop {
            match openat2(&self.root, name, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) if tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }

    /// Opens a regular file for reading; anything else has become of it meanwhile.
    fn open_file(&self, path: &EntryPath) -> Result<File, Errno> {
        self.open_regular(path).map(|(file, _)| file)
    }

    /// The same, with what was seen of it.
    fn open_regular(&self, path: &EntryPath) -> Result<(File, Stat), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.open_beneath(path, flags)?;
        let stat = fstat(&file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok((File::from(file), stat)),
            _ => Err(Errno::LOOP),
        }
    }

    /// Whether a path is left out.
    fn ignores(&self, path: &EntryPath) -> bool {
        self.ignore.is_ignored(&lossy(path))
    }

    /// Whether a directory is left out with all that is in it.
    fn ignores_whole(&self, path: &EntryPath) -> bool {
        self.ignore.can_prune(&lossy(path))
    }
}

impl AsFd for Context {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Reads a text file of bounded length.
pub(super) fn read_text(file: File, name: &str) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(LONGEST_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|error| Error::io(format!("cannot read {name}"), error))?;
    if text.len() as u64 > LONGEST_TEXT {
        let message = format!("{name} is longer than {} MiB", LONGEST_TEXT >> 20);
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(text)
}

fn components(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b".")).map(<[u8]>::to_vec)
}

fn lossy(path: &EntryPath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn shown(path: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(path))
}

/// A file that cannot be opened, or is another one than a moment ago.
fn opening(path: &EntryPath, error: Errno) -> Error {
    match error {
        Errno::LOOP | Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::AGAIN => changed(path),
        Errno::ACCESS | Errno::PERM => {
            Error::io(format!("cannot read {} of the build context", shown(path.as_bytes())), error)
                .with_hint("make it readable, or leave it out with a line in .dockerignore")
        }
        error => {
            Error::io(format!("cannot read {} of the build context", shown(path.as_bytes())), error)
        }
    }
}

fn changed(path: &EntryPath) -> Error {
    let message =
        format!("{} of the build context changed during the build", shown(path.as_bytes()));
    Error::new(ErrorKind::Conflict, message).with_hint("build again when nothing writes there")
}

fn unusable(name: &[u8], error: &minidock_image::layer::PathError) -> Error {
    let message = format!("{} of the build context cannot be copied: {error}", shown(name));
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
#[path = "context/tests.rs"]
mod tests;
