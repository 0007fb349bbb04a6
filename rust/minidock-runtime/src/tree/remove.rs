//! Deleting whole directories: any depth in bounded memory and descriptors, no link followed,
//! no mount entered.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use minidock_proto::bytes::Bytes;
use minidock_proto::request::{Failure, FailureKind};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, chmodat, fchmod, fstat, openat,
    openat2, unlinkat,
};
use rustix::io::Errno;

use super::beneath;
use crate::failure::{Context as _, Result, failure};

/// Deletes what is at these paths, with all that is in it; what is gone already is no error.
/// One that cannot be deleted does not keep the others: the first failure is returned.
pub(crate) fn remove(paths: &[Bytes]) -> Result<()> {
    let mut first = Ok(());
    for path in paths {
        let done = remove_path(path.as_path());
        first = first.and(done);
    }
    first
}

fn remove_path(path: &Path) -> Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        let text = format!("cannot delete {path:?}: it names no directory of its own");
        return Err(failure(FailureKind::InvalidInput, text));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let opened = openat2(CWD, parent, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    match opened {
        Err(Errno::NOENT) => Ok(()),
        opened => {
            let parent = opened.context(|| format!("open {parent:?}"))?;
            tree(parent, std::os::unix::ffi::OsStrExt::as_bytes(name))
        }
    }
}

/// A directory that is being emptied: its name in the one above, and what is still to be done.
struct Level {
    name: Vec<u8>,
    identity: (u64, u64),
    todo: Vec<Vec<u8>>,
}

/// Deletes `name` in `parent`, whatever it is.
pub(super) fn tree(parent: OwnedFd, name: &[u8]) -> Result<()> {
    let mut removal = Removal { current: parent, levels: Vec::new() };
    removal.entry(name.to_vec())?;
    while let Some(level) = removal.levels.last_mut() {
        match level.todo.pop() {
            Some(name) => removal.entry(name)?,
            None => removal.leave()?,
        }
    }
    Ok(())
}

/// Where a removal is. Only the current directory is open: the way up is `..`, checked to be
/// the directory that it came from.
struct Removal {
    current: OwnedFd,
    levels: Vec<Level>,
}

impl Removal {
    /// Deletes an entry of the current directory, or goes down into it.
    fn entry(&mut self, name: Vec<u8>) -> Result<()> {
        match self.enter(&name) {
            Ok(opened) => self.descend(opened, name),
            Err(Errno::NOENT) => Ok(()),
            Err(Errno::NOTDIR | Errno::LOOP) => self.unlink(&name, AtFlags::empty()),
            Err(error) => Err(self.failed(&name, error)),
        }
    }

    fn enter(&self, name: &[u8]) -> std::result::Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match beneath::open_name(self.current.as_fd(), name, flags) {
            // Only without CAP_DAC_OVERRIDE: outside a user namespace. It is a directory of a
            // tree that is being deleted, so its mode can go first.
            Err(Errno::ACCESS) => {
                chmodat(&self.current, name, Mode::RWXU, AtFlags::empty())?;
                beneath::open_name(self.current.as_fd(), name, flags)
            }
            other => other,
        }
    }

    fn descend(&mut self, opened: OwnedFd, name: Vec<u8>) -> Result<()> {
        let above = self.stat(&self.current)?;
        let stat = self.stat(&opened)?;
        if stat.st_mode & 0o700 != 0o700 {
            // Where this is refused, so is deleting, and that says why.
            let _ = fchmod(&opened, Mode::RWXU);
        }
        self.current = opened;
        self.levels.push(Level { name, identity: (above.st_dev, above.st_ino), todo: Vec::new() });
        let todo = self.sweep()?;
        if let Some(level) = self.levels.last_mut() {
            level.todo = todo;
        }
        Ok(())
    }

    /// Deletes what is not a directory and lists what is.
    fn sweep(&self) -> Result<Vec<Vec<u8>>> {
        let mut directories = Vec::new();
        let listing = Dir::read_from(&self.current).map_err(|error| self.failed(b".", error))?;
        for entry in listing {
            let entry = entry.map_err(|error| self.failed(b".", error))?;
            let name = entry.file_name().to_bytes();
            match entry.file_type() {
                _ if matches!(name, b"." | b"..") => {}
                FileType::Directory | FileType::Unknown => directories.push(name.to_vec()),
                _ => self.unlink(name, AtFlags::empty())?,
            }
        }
        Ok(directories)
    }

    /// Goes back up and deletes the directory that is empty now.
    fn leave(&mut self) -> Result<()> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let above = openat(&self.current, "..", flags, Mode::empty())
            .map_err(|error| self.failed(&level.name, error))?;
        let stat = self.stat(&above)?;
        if (stat.st_dev, stat.st_ino) != level.identity {
            let text = format!(
                "cannot delete {:?}: it was moved meanwhile",
                String::from_utf8_lossy(&level.name)
            );
            return Err(failure(FailureKind::Conflict, text));
        }
        self.current = above;
        self.unlink(&level.name, AtFlags::REMOVEDIR)
    }

    fn unlink(&self, name: &[u8], flags: AtFlags) -> Result<()> {
        match unlinkat(&self.current, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    fn stat(&self, fd: &OwnedFd) -> Result<Stat> {
        fstat(fd).map_err(|error| self.failed(b".", error))
    }

    fn failed(&self, name: &[u8], error: Errno) -> Failure {
        let mut path = Vec::new();
        for level in self.levels.iter().take(8) {
            path.extend_from_slice(&level.name);
            path.push(b'/');
        }
        if self.levels.len() > 8 {
            path.extend_from_slice(b"...");
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let path = String::from_utf8_lossy(&path);
        match error {
            Errno::XDEV | Errno::BUSY => {
                let text = format!("cannot delete {path:?}: something is mounted there");
                failure(FailureKind::Conflict, text)
            }
            Errno::NOTEMPTY => {
                let text = format!("cannot delete {path:?}: something still writes in it");
                failure(FailureKind::Conflict, text)
            }
            error => match Err::<(), _>(error).context(|| format!("delete {path:?}")) {
                Err(failure) => failure,
                Ok(()) => failure(FailureKind::System, format!("cannot delete {path:?}")),
            },
        }
    }
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
