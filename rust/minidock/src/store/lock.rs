//! Owns advisory locks: OFD locks, which belong to an open file and end with its last copy.
//!
//! Must not be used in nested fashion: a thread that holds a [`Lock`] never asks for the same one
//! again. Every lock opens the file anew, so that threads of one process exclude each other too.
//! The unlock is explicit, so that a copy of the descriptor in a forked child holds nothing.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind as IoKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use minidock_sys::lock as ofd;
pub(crate) use minidock_sys::lock::Mode;
use rustix::fs::OFlags;
use rustix::process::{Pid, getpid};

use crate::error::{Error, Result};

use super::files;

/// A held lock; dropping it unlocks.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    owner: Pid,
    handed_over: AtomicBool,
}

impl Lock {
    /// Waits for the lock on `path`, which is made if it is absent.
    ///
    /// All who want it pass through a second lock, the queue, which whoever waits keeps: a stream
    /// of shared holders cannot starve the one who waits for the exclusive lock.
    pub(crate) fn wait(path: &Path, mode: Mode) -> Result<Self> {
        let _turn = match open(&queue_of(path), mode)? {
            (file, true) => Some(Self::on(file, path, Mode::Exclusive)?),
            // Where nobody can write nobody asks for the exclusive lock, so nobody starves.
            (_, false) => None,
        };
        loop {
            let (file, _) = open(path, mode)?;
            let lock = Self::on(file, path, mode)?;
            if lock.is_still_at(path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the exclusive lock on `path` if nobody has it. The file must exist.
    pub(crate) fn try_exclusive(path: &Path) -> Result<Option<Self>> {
        let file = open_existing(path).map_err(|e| Error::at("open the lock", path, e))?;
        match ofd::try_lock(&file, Mode::Exclusive) {
            Ok(true) => Ok(Some(Self::held(file))),
            Ok(false) => Ok(None),
            Err(error) => Err(Error::at("lock", path, error)),
        }
    }

    /// As [`Lock::try_exclusive`], for a file that may have to be made first, and that whoever
    /// holds it may remove.
    pub(crate) fn try_made(path: &Path) -> Result<Option<Self>> {
        loop {
            let (file, _) = open(path, Mode::Exclusive)?;
            match ofd::try_lock(&file, Mode::Exclusive) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) => return Err(Error::at("lock", path, error)),
            }
            let lock = Self { file, owner: getpid(), handed_over: AtomicBool::new(false) };
            if lock.is_still_at(path)? {
                return Ok(Some(lock));
            }
        }
    }

    /// Takes the exclusive lock of one byte of the file if nobody has it or the whole file's.
    pub(crate) fn try_byte(path: &Path, byte: u32) -> Result<Option<Self>> {
        let file = open_existing(path).map_err(|e| Error::at("open the lock", path, e))?;
        let taken = ofd::try_lock_byte(&file, byte, Mode::Exclusive);
        let taken = taken.map_err(|e| Error::at("lock", path, e))?;
        Ok(taken.then(|| Self::held(file)))
    }

    fn on(file: File, path: &Path, mode: Mode) -> Result<Self> {
        ofd::lock(&file, mode).map_err(|e| Error::at("lock", path, e))?;
        Ok(Self::held(file))
    }

    /// Waits for the exclusive lock on `path`, without a queue. The file must exist.
    pub(crate) fn exclusive(path: &Path) -> Result<Self> {
        let file = open_existing(path).map_err(|e| Error::at("open the lock", path, e))?;
        Self::on(file, path, Mode::Exclusive)
    }

    fn held(file: File) -> Self {
        Self { file, owner: getpid(), handed_over: AtomicBool::new(false) }
    }

    /// From now on the lock is held by a process that was sent the descriptor: dropping this
    /// closes, and does not unlock.
    pub(crate) fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Relaxed);
    }

    /// A lock file that was removed and made again guards nothing: the caller opens the new one.
    fn is_still_at(&self, path: &Path) -> Result<bool> {
        let held = self.file.metadata().map_err(|e| Error::at("examine", path, e))?;
        match std::fs::symlink_metadata(path) {
            Ok(now) => Ok((now.dev(), now.ino()) == (held.dev(), held.ino())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::at("examine", path, error)),
        }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked child shares the open file: unlocking there would unlock the parent.
        if self.owner == getpid() && !self.handed_over.load(Ordering::Relaxed) {
            // Closing unlocks as well unless a forked child holds a copy; there is nothing else
            // to do about a failure here.
            let _closed_next = ofd::unlock(&self.file);
        }
    }
}

/// Whether some process holds a lock on `path`, found without taking it. An absent file is free.
pub(crate) fn is_locked(path: &Path) -> Result<bool> {
    match File::open(path) {
        Ok(file) => ofd::is_locked(file).map_err(|e| Error::at("test the lock of", path, e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::at("open", path, error)),
    }
}

/// As [`is_locked`], for one byte of the file.
pub(crate) fn is_byte_locked(path: &Path, byte: u32) -> Result<bool> {
    match File::open(path) {
        Ok(file) => {
            ofd::is_byte_locked(file, byte).map_err(|e| Error::at("test the lock of", path, e))
        }
        Err(error) if error.kind() == IoKind::NotFound => Ok(false),
        Err(error) => Err(Error::at("open", path, error)),
    }
}

fn queue_of(path: &Path) -> PathBuf {
    path.with_extension("queue")
}

/// Opens a lock file, for reading only where the caller reads and the file cannot be written.
/// The flag says whether it can be written.
fn open(path: &Path, mode: Mode) -> Result<(File, bool)> {
    let error = match open_existing(path) {
        Err(error) if error.kind() == IoKind::NotFound => match files::create_new(path) {
            Ok(file) => return Ok((file, true)),
            // Another was faster.
            Err(_) if files::exists(path)? => return open(path, mode),
            Err(error) => return Err(error),
        },
        Ok(file) => return Ok((file, true)),
        Err(error) => error,
    };
    let readable = matches!(error.kind(), IoKind::ReadOnlyFilesystem | IoKind::PermissionDenied);
    if mode == Mode::Shared
        && readable
        && let Ok(file) = File::open(path)
    {
        return Ok((file, false));
    }
    Err(Error::at("open the lock", path, error))
}

fn open_existing(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn threads_exclude_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..6 {
                let (path, inside) = (&path, &inside);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let mode = if n % 3 == 0 { Mode::Exclusive } else { Mode::Shared };
                        let _lock = Lock::wait(path, mode).unwrap();
                        if mode == Mode::Exclusive {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        } else {
                            assert_eq!(inside.load(Ordering::SeqCst), 0);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn a_copy_in_a_forked_child_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::wait(&path, Mode::Exclusive).unwrap();
        let copy = held.file.try_clone().unwrap();
        drop(held);
        assert!(!is_locked(&path).unwrap());
        drop(copy);
        let held = Lock::exclusive(&path).unwrap();
        let taken_over = held.file.try_clone().unwrap();
        held.hand_over();
        drop(held);
        assert!(is_locked(&path).unwrap());
        drop(taken_over);
        assert!(!is_locked(&path).unwrap());
    }

    #[test]
    fn a_test_does_not_take() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_locked(&path).unwrap());
        let held = Lock::wait(&path, Mode::Exclusive).unwrap();
        assert!(is_locked(&path).unwrap());
        assert!(Lock::try_exclusive(&path).unwrap().is_none());
        drop(held);
        assert!(!is_locked(&path).unwrap());
        assert!(Lock::try_exclusive(&path).unwrap().is_some());
    }

    #[test]
    fn a_replaced_lock_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::wait(&path, Mode::Exclusive).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!first.is_still_at(&path).unwrap());
        let second = Lock::wait(&path, Mode::Exclusive).unwrap();
        assert!(second.is_still_at(&path).unwrap());
    }
}
