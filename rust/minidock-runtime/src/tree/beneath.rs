//! Opening what is beneath a directory descriptor, and nothing else: no symbolic link is
//! followed, no mount crossed, no path of the host ever seen.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minidock_image::layer::EntryPath;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// How every open in a tree resolves.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Descriptors that are kept open for the parents used last.
const KEPT: usize = 16;

/// Opens `path` beneath `root`; the root itself for the empty path.
pub(super) fn open(
    root: BorrowedFd<'_>,
    path: &EntryPath,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let bytes = if path.is_root() { &b"."[..] } else { path.as_bytes() };
    retry(|| openat2(root, bytes, flags | OFlags::CLOEXEC, Mode::empty(), RESOLVE))
}

/// Opens one name in `directory`, which must not lead to another mount.
pub(super) fn open_name(
    directory: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    retry(|| openat2(directory, name, flags, Mode::empty(), RESOLVE))
}

/// A directory for use as the base of other calls.
pub(super) fn directory(root: BorrowedFd<'_>, path: &EntryPath) -> Result<OwnedFd, Errno> {
    open(root, path, OFlags::PATH | OFlags::DIRECTORY)
}

/// A directory that can be listed and given attributes.
pub(super) fn listable(root: BorrowedFd<'_>, path: &EntryPath) -> Result<OwnedFd, Errno> {
    open(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// The kernel answers EAGAIN when a rename anywhere raced with its check (openat2(2)).
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    for _ in 0..64 {
        match call() {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    call()
}

/// The directories that entries are made in; the ones used last stay open.
#[derive(Debug)]
pub(super) struct Parents {
    root: OwnedFd,
    kept: Vec<(EntryPath, OwnedFd)>,
}

impl Parents {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self { root, kept: Vec::with_capacity(KEPT) }
    }

    /// The root that everything is beneath.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The directory at `path`.
    pub(super) fn open(&mut self, path: &EntryPath) -> Result<BorrowedFd<'_>, Errno> {
        let found = match self.kept.iter().position(|(kept, _)| kept == path) {
            Some(found) => found,
            None => {
                if self.kept.len() == KEPT {
                    self.kept.remove(0);
                }
                let fd = directory(self.root.as_fd(), path)?;
                self.kept.push((path.clone(), fd));
                self.kept.len() - 1
            }
        };
        Ok(self.kept[found].1.as_fd())
    }

    /// Forgets `path` and what is below, before it is replaced.
    pub(super) fn forget(&mut self, path: &EntryPath) {
        self.kept.retain(|(kept, _)| kept != path && !kept.is_below(path));
    }
}
