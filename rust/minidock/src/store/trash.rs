//! Owns removal: what goes is renamed into `trash/` first and deleted after, without locks.
//!
//! Decides nothing about what may go.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use minidock_proto::record::LOCK;
use rustix::fs::{AtFlags, Dir, FileType, Mode as Bits, OFlags, openat, unlinkat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

use super::files;
use super::ids::{ContainerId, random_hex};
use super::lock::{Lock, Mode, is_locked};
use super::{Store, files::exists};

/// Deletes what belongs to subordinate ids, in a user namespace that maps them.
pub trait ForeignRemover: Send + Sync {
    /// Deletes `path` and everything below it; its absence is success.
    fn remove(&self, path: &Path) -> Result<()>;
}

/// Bytes that are kept allocated so that a database transaction of a removal fits on a full disk.
const RESERVE: u64 = 512 * 1024;

impl Store {
    /// Moves `path` into the trash; `false` where it does not exist.
    pub(crate) fn discard(&self, path: &Path) -> Result<bool> {
        let target = self.dir("trash").join(random_hex::<16>()?);
        match rustix::fs::rename(path, &target) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(Error::at("move to the trash", path, error)),
        }
    }

    /// Deletes what is in the trash, unless another thread or process is at it, as the
    /// supervisor of a container with `--rm` is at its own. Gives the number
    /// of things that had to stay: they hold files of subordinate ids and nobody can remove them.
    pub fn empty_trash(&self) -> Result<usize> {
        self.require_write()?;
        if files::names_in(&self.dir("trash"))?.is_empty() {
            return Ok(0);
        }
        let path = self.dir("trash.lock");
        if !exists(&path)? {
            drop(Lock::wait(&path, Mode::Exclusive)?);
        }
        match Lock::try_exclusive(&path)? {
            None => Ok(0),
            Some(_lock) => self.delete_trash(&|name| self.is_being_deleted(name)),
        }
    }

    /// As [`Store::empty_trash`], but waits for others.
    pub(crate) fn empty_trash_wholly(&self) -> Result<usize> {
        self.require_write()?;
        let _lock = Lock::wait(&self.dir("trash.lock"), Mode::Exclusive)?;
        self.delete_trash(&|_name| Ok(false))
    }

    /// Whether the supervisor of a container with `--rm` is deleting it.
    fn is_being_deleted(&self, name: &str) -> Result<bool> {
        match name.parse::<ContainerId>() {
            Ok(_) => is_locked(&self.dir("trash").join(name).join(LOCK)),
            Err(_) => Ok(false),
        }
    }

    /// Deletes all but what is `spared`.
    fn delete_trash(&self, spared: &dyn Fn(&str) -> Result<bool>) -> Result<usize> {
        let trash = self.dir("trash");
        // Deleting hoists subdirectories into the trash, so it is listed until nothing goes away.
        loop {
            let mut names = Vec::new();
            for name in files::names_in(&trash)? {
                if !spared(&name)? {
                    names.push(name);
                }
            }
            let mut kept = 0;
            for name in &names {
                if !self.delete_one(&trash, &trash.join(name))? {
                    kept += 1;
                }
            }
            if kept == names.len() {
                return Ok(kept);
            }
        }
    }

    fn delete_one(&self, trash: &Path, path: &Path) -> Result<bool> {
        match flatten(trash, path) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS | Errno::PERM) => match self.remover() {
                None => Ok(false),
                Some(remover) => remover.remove(path).map(|()| true),
            },
            Err(error) => Err(Error::at("delete", path, error)),
        }
    }

    /// Runs a removal; where the disk is too full for it, gives the reserve up and runs it again.
    pub(crate) fn with_reserve<T>(&self, run: impl Fn() -> Result<T>) -> Result<T> {
        match run() {
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                let reserve = self.dir("reserve");
                if !exists(&reserve)? {
                    return Err(error);
                }
                files::remove_file(&reserve)?;
                run()
            }
            other => other,
        }
    }
}

/// Deletes one thing of any depth with one descriptor: what is in it goes, or, if it is a
/// directory with content, moves up into the trash to be deleted there.
fn flatten(trash: &Path, path: &Path) -> Result<(), Errno> {
    let dir = match open_dir(path) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::NOTDIR | Errno::LOOP) => return gone(rustix::fs::unlink(path)),
        Err(error) => return Err(error),
    };
    let mut denied = false;
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let result = match unlinkat(&dir, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => hoist(trash, &dir, name),
            other => gone(other),
        };
        match result {
            Ok(()) => {}
            Err(Errno::ACCESS | Errno::PERM) => denied = true,
            Err(error) => return Err(error),
        }
    }
    match gone(rustix::fs::rmdir(path)) {
        Err(Errno::NOTEMPTY) if denied => Err(Errno::ACCESS),
        // Something was put there while it was read; the next round of the trash takes it.
        Err(Errno::NOTEMPTY) => Ok(()),
        other => other,
    }
}

/// Opens a directory, giving its owner the right to do so if he lacks it.
fn open_dir(path: &Path) -> Result<std::os::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let meta = rustix::fs::lstat(path)?;
    let own_bits = Bits::RWXU.bits();
    if FileType::from_raw_mode(meta.st_mode) == FileType::Directory
        && meta.st_mode & own_bits != own_bits
    {
        let opened = std::fs::Permissions::from_mode(0o700);
        match std::fs::set_permissions(path, opened) {
            Ok(()) => {}
            Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }
    rustix::fs::open(path, flags, Bits::empty())
}

fn hoist(trash: &Path, dir: &impl std::os::fd::AsFd, name: &std::ffi::CStr) -> Result<(), Errno> {
    match unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        other => return gone(other),
    }
    let target = trash.join(random_hex::<16>().map_err(|_unreadable| Errno::IO)?);
    let first = rustix::fs::renameat(dir, name, rustix::fs::CWD, &target);
    if first != Err(Errno::ACCESS) {
        return gone(first);
    }
    // Moving a directory rewrites its "..": its owner needs the right to write it.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let _exists = openat(dir, name, flags, Bits::empty())?;
    rustix::fs::chmodat(dir, name, Bits::RWXU, AtFlags::empty())?;
    gone(rustix::fs::renameat(dir, name, rustix::fs::CWD, &target))
}

fn gone(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Allocates the reserve; a disk without room for it has none, which is no error.
pub(crate) fn fill_reserve(root: &Path) -> Result<()> {
    let path: PathBuf = root.join("reserve");
    if exists(&path)? {
        return Ok(());
    }
    let file = match files::create_new(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NoSpace => return Ok(()),
        // Another process was faster.
        Err(_) if exists(&path)? => return Ok(()),
        Err(error) => return Err(error),
    };
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE) {
        Ok(()) => Ok(()),
        // An empty reserve gives nothing back, and removal then needs room as any write.
        Err(Errno::OPNOTSUPP | Errno::NOSPC | Errno::DQUOT) => files::remove_file(&path),
        Err(error) => Err(Error::at("allocate", &path, error)),
    }
}
