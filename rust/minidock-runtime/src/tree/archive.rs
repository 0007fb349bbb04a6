//! Files in and out of a container as tar streams: what `cp`, `export` and their like need.
//!
//! It works beneath the descriptor of a root file system that a hostile program may change at the
//! same time: each path is resolved by the kernel within that root (openat2(2)), a walk goes from
//! descriptor to descriptor and follows no link, nothing that exists is opened for writing, and
//! nothing of the container is executed, loaded or asked. It crosses mounts, unlike the other
//! walks of trees: a container's volumes are meant to be copied.

mod receive;
mod send;

use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use minidock_image::layer::EntryPath;
use minidock_proto::archive::PathStat;
use minidock_proto::bytes::Bytes;
use minidock_proto::request::FailureKind;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2, readlinkat};
use rustix::io::Errno;

use crate::failure::{Context as _, Result, failure};
use crate::rootfs::in_root;

pub(crate) use receive::receive;
pub(crate) use send::{Source, send};

/// How a walk opens what is beneath a descriptor.
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
/// Most symbolic links on the way (Linux `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
/// openat2 answers EAGAIN when a rename anywhere raced with its check.
const TRIES: usize = 64;

/// A path in a container as docker reads one: absolute whether it says so or not, `..` taken
/// away by its text alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Without the mark at its end.
    path: PathBuf,
    /// It ended with a slash, or with a component that names a directory itself.
    directory: bool,
    /// It ended with `/.`: the contents are meant.
    contents: bool,
}

impl Place {
    pub(crate) fn parse(path: &[u8]) -> Result<Self> {
        if path.contains(&0) || path.len() > 4095 {
            let text = "a path in a container has no NUL byte and at most 4095 bytes";
            return Err(failure(FailureKind::InvalidInput, text));
        }
        let mut names: Vec<&[u8]> = Vec::new();
        for name in path.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(names.pop()),
                _ => names.push(name),
            }
        }
        let contents = path == b"." || path.ends_with(b"/.");
        let directory = names.is_empty() || contents || path.ends_with(b"/");
        let path = [b"/", &names.join(&b'/')[..]].concat();
        Ok(Self { path: PathBuf::from(OsStr::from_bytes(&path)), directory, contents })
    }

    /// The last component, as docker names it.
    fn name(&self) -> &[u8] {
        match (self.contents, self.path.file_name()) {
            (true, Some(_)) => b".",
            (_, Some(name)) => name.as_bytes(),
            (_, None) => b"/",
        }
    }

    /// Opens what is there; a symbolic link itself unless a directory is meant.
    fn open(&self, root: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd> {
        let flags = match self.directory {
            true => flags | OFlags::DIRECTORY,
            false => flags | OFlags::NOFOLLOW,
        };
        in_root::open(root, &self.path, flags).map_err(|errno| missing(&self.path, errno))
    }
}

/// What cannot be opened, in words.
fn missing(path: &Path, errno: Errno) -> minidock_proto::request::Failure {
    let shown = path.display();
    let (kind, text) = match errno {
        Errno::NOENT => (FailureKind::NotFound, format!("there is no {shown} in the container")),
        Errno::NOTDIR => (
            FailureKind::InvalidInput,
            format!("{shown} in the container, or a parent of it, is not a directory"),
        ),
        Errno::LOOP => (
            FailureKind::InvalidInput,
            format!("{shown} in the container leads through too many links, or out of it"),
        ),
        other => (
            crate::failure::kind_of(&other.into()),
            format!("cannot open {shown} in the container: {}", std::io::Error::from(other)),
        ),
    };
    failure(kind, text)
}

/// What is at a path (docker's `HEAD /containers/{id}/archive`).
pub(crate) fn stat(root: BorrowedFd<'_>, place: &Place) -> Result<PathStat> {
    let fd = place.open(root, OFlags::PATH)?;
    let stat = fstat(&fd).context(|| format!("look at {}", place.path.display()))?;
    describe(root, place, &stat)
}

fn describe(root: BorrowedFd<'_>, place: &Place, stat: &Stat) -> Result<PathStat> {
    let target = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => Some(Bytes::from(resolve(root, &place.path)?)),
        _ => None,
    };
    Ok(PathStat {
        name: Bytes(place.name().to_vec()),
        mode: stat.st_mode,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: stat
            .st_mtime
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
        target,
    })
}

/// The path without symbolic links, as far as it exists. It is only told: whoever opens it
/// resolves it again.
fn resolve(root: BorrowedFd<'_>, path: &Path) -> Result<PathBuf> {
    let bytes = path.as_os_str().as_bytes();
    let mut todo: Vec<Vec<u8>> = super::resolve::names(bytes).rev().map(<[u8]>::to_vec).collect();
    let mut current = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == b".." {
            current.pop();
            continue;
        }
        let next = current.join(OsStr::from_bytes(&name));
        let target = match in_root::open(root, &next, OFlags::PATH | OFlags::NOFOLLOW) {
            // Only a symbolic link can be read so.
            Ok(fd) => readlinkat(&fd, c"", Vec::new()).ok(),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(errno) => return Err(missing(path, errno)),
        };
        let Some(target) = target else {
            current = next;
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(missing(path, Errno::LOOP));
        }
        let target = target.into_bytes();
        if target.starts_with(b"/") {
            current = PathBuf::from("/");
        }
        todo.extend(super::resolve::names(&target).rev().map(<[u8]>::to_vec));
    }
    Ok(current)
}

/// Opens one name, or a path without links, beneath a directory.
fn beneath(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut last = Errno::AGAIN;
    for _ in 0..TRIES {
        match openat2(directory, path, flags, Mode::empty(), RESOLVE) {
            Err(errno @ (Errno::AGAIN | Errno::INTR)) => last = errno,
            answer => return answer,
        }
    }
    Err(last)
}

/// The path of an entry below a directory of the container.
fn below(directory: &Path, path: &EntryPath) -> PathBuf {
    match path.is_root() {
        true => directory.to_path_buf(),
        false => directory.join(path.as_path()),
    }
}

#[cfg(test)]
#[path = "archive/tests.rs"]
mod tests;
