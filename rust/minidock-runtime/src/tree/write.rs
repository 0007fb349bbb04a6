//! Making one entry in a directory given by its descriptor. Nothing here replaces anything or
//! follows a link: a name that is taken is an error.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use minidock_image::layer::Mtime;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chownat, fchmod,
    fchown, futimens, linkat, mkdirat, mknodat, openat2, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::beneath;
use super::xattr::{self, Xattrs};

/// Owner, mode, time and attributes as the tree gets them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dress<'a> {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) mtime: Mtime,
    pub(super) xattrs: &'a Xattrs,
    /// The directory may have handed its group down (inode(7), set-group-ID).
    pub(super) inherits: bool,
}

impl Dress<'_> {
    /// Gives them to an opened file or directory; returns the attributes that were refused.
    pub(super) fn put_on(&self, file: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
        // The owner first: chown takes setuid bits and capabilities away.
        if let Some((uid, gid)) = self.owner() {
            fchown(file, Some(uid), Some(gid))?;
        }
        let refused = xattr::set(file, self.xattrs)?;
        fchmod(file, Mode::from_raw_mode(self.mode))?;
        futimens(file, &times(self.mtime))?;
        Ok(refused)
    }

    /// The same for a symbolic link, which has no mode and takes no attributes.
    fn put_on_link(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
        if let Some((uid, gid)) = self.owner() {
            chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        utimensat(parent, name, &times(self.mtime), AtFlags::SYMLINK_NOFOLLOW)
    }

    /// What was just made belongs to root already; with a single id nothing else exists.
    fn owner(&self) -> Option<(Uid, Gid)> {
        let wanted = self.inherits || (self.uid, self.gid) != (0, 0);
        wanted.then(|| (Uid::from_raw(self.uid), Gid::from_raw(self.gid)))
    }
}

/// Both times of a file; the kernel brings what the file system cannot hold into its range.
pub(super) fn times(mtime: Mtime) -> Timestamps {
    let time = Timespec { tv_sec: mtime.secs, tv_nsec: mtime.nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}

/// A new empty file, open for writing, not yet dressed.
pub(super) fn file(parent: BorrowedFd<'_>, name: &[u8]) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(parent, name, flags, Mode::RUSR | Mode::WUSR, resolve).map(File::from)
}

/// A new directory that only its owner can use until it is dressed.
pub(super) fn directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    mkdirat(parent, name, Mode::RWXU)
}

/// A new symbolic link.
pub(super) fn symlink(
    parent: BorrowedFd<'_>,
    name: &[u8],
    target: &[u8],
    dress: &Dress<'_>,
) -> Result<(), Errno> {
    symlinkat(target, parent, name)?;
    dress.put_on_link(parent, name)
}

/// A new named pipe; returns the attributes that were refused.
pub(super) fn fifo(
    parent: BorrowedFd<'_>,
    name: &[u8],
    dress: &Dress<'_>,
) -> Result<Xattrs, Errno> {
    mknodat(parent, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    // Open for both directions a pipe never blocks (fifo(7)).
    let fd = beneath::open_name(parent, name, OFlags::RDWR | OFlags::NONBLOCK)?;
    dress.put_on(fd.as_fd())
}

/// A whiteout as overlayfs has it: a character device 0:0, which anyone may make since 5.8.
pub(super) fn whiteout(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0)
}

/// Another name of what exists; a symbolic link is linked itself.
pub(super) fn link(
    from: BorrowedFd<'_>,
    from_name: &[u8],
    parent: BorrowedFd<'_>,
    name: &[u8],
) -> Result<(), Errno> {
    linkat(from, from_name, parent, name, AtFlags::empty())
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies content through `buffer`.
pub(super) fn content(
    from: &mut impl Read,
    to: &mut File,
    buffer: &mut [u8],
) -> Result<(), CopyError> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => to.write_all(&buffer[..len]).map_err(CopyError::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
        }
    }
}
