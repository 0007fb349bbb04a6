//! Open-file-description locks (fcntl(2), `F_OFD_*`): owned by the open file, not by the process.
//!
//! They end with the last descriptor of the open file, survive `close` of another descriptor of
//! the same file elsewhere in the process, and work between threads. Every lock of the store is
//! one of these. This file does not decide what is locked.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// How a file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Any number of holders, none of them exclusive. Needs a descriptor open for reading.
    Shared,
    /// One holder. Needs a descriptor open for writing.
    Exclusive,
}

impl Mode {
    fn raw(self) -> libc::c_int {
        match self {
            Mode::Shared => libc::F_RDLCK,
            Mode::Exclusive => libc::F_WRLCK,
        }
    }
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn one_byte(kind: libc::c_int, byte: u32) -> libc::flock {
    libc::flock { l_start: libc::off_t::from(byte), l_len: 1, ..whole_file(kind) }
}

fn call(fd: &impl AsFd, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    loop {
        // SAFETY: `lock` is a valid, exclusively borrowed flock for the whole call, and the
        // descriptor is open while it is borrowed.
        let answer = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), command, &raw mut *lock) };
        if answer == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes the lock, waiting for as long as others hold it.
pub fn lock(fd: impl AsFd, mode: Mode) -> io::Result<()> {
    call(&fd, libc::F_OFD_SETLKW, &mut whole_file(mode.raw()))
}

/// Takes the lock if nobody else holds a conflicting one; `false` when somebody does.
pub fn try_lock(fd: impl AsFd, mode: Mode) -> io::Result<bool> {
    match call(&fd, libc::F_OFD_SETLK, &mut whole_file(mode.raw())) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// [`try_lock`] for one byte of the file, whether it has that byte or not. It excludes locks of
/// that byte and of the whole file, and no others.
pub fn try_lock_byte(fd: impl AsFd, byte: u32, mode: Mode) -> io::Result<bool> {
    match call(&fd, libc::F_OFD_SETLK, &mut one_byte(mode.raw(), byte)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// [`is_locked`] for one byte of the file: by a lock of that byte or of the whole file.
///
/// ```
/// use minidock_sys::lock::{self, Mode};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("lock");
/// let held = std::fs::File::create(&path)?;
/// assert!(lock::try_lock_byte(&held, 1, Mode::Exclusive)?);
/// let other = std::fs::File::options().read(true).write(true).open(&path)?;
/// assert!(!lock::is_byte_locked(&other, 0)? && lock::is_byte_locked(&other, 1)?);
/// assert!(!lock::try_lock(&other, Mode::Exclusive)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn is_byte_locked(fd: impl AsFd, byte: u32) -> io::Result<bool> {
    let mut probe = one_byte(libc::F_WRLCK, byte);
    call(&fd, libc::F_OFD_GETLK, &mut probe)?;
    Ok(i32::from(probe.l_type) != libc::F_UNLCK)
}

/// Gives the lock up; nothing happens when none is held.
pub fn unlock(fd: impl AsFd) -> io::Result<()> {
    call(&fd, libc::F_OFD_SETLK, &mut whole_file(libc::F_UNLCK))
}

/// Whether another open file holds the lock in any mode; takes nothing.
///
/// ```
/// use minidock_sys::lock::{self, Mode};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("lock");
/// let held = std::fs::File::create(&path)?;
/// lock::lock(&held, Mode::Exclusive)?;
/// assert!(lock::is_locked(std::fs::File::open(&path)?)?);
/// drop(held);
/// assert!(!lock::is_locked(std::fs::File::open(&path)?)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn is_locked(fd: impl AsFd) -> io::Result<bool> {
    let mut probe = whole_file(libc::F_WRLCK);
    call(&fd, libc::F_OFD_GETLK, &mut probe)?;
    Ok(i32::from(probe.l_type) != libc::F_UNLCK)
}
