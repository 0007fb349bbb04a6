//! Owns the ways a file or directory comes into being: explicit modes, temp and rename, fsync.
//!
//! Knows nothing of what the files mean. The process's umask is neither read nor changed: modes
//! are set again after creation.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, IFlags, RenameFlags, ioctl_getflags, ioctl_setflags, renameat_with};
use rustix::io::Errno;

use crate::error::{Error, Result};

use super::ids::random_hex;

/// Makes a directory of mode 0700; one that exists already is an error.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    DirBuilder::new().mode(0o700).create(path).map_err(|e| Error::at("make", path, e))?;
    set_mode(path, 0o700)
}

/// Makes a directory of mode 0700 unless it exists.
pub(crate) fn ensure_dir(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => set_mode(path, 0o700),
        Err(error) if error.kind() == IoKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(Error::at("make", path, error)),
    }
}

/// Tells the file system that the directories in this one are unrelated and need not lie close
/// together (`chattr +T`, ext2 to ext4; ioctl_iflags(2)).
///
/// Else ext4 makes each tree among the inodes of those made and deleted before it, which, without
/// a journal, it walks past one by one for every new file: ten thousand files took 4 s for 0.4 s.
/// Where there is no such attribute nothing is to be told.
pub(crate) fn spread_below(path: &Path) -> Result<()> {
    let directory = File::open(path).map_err(|e| Error::at("open", path, e))?;
    let told = ioctl_getflags(&directory).and_then(|flags| match flags.contains(IFlags::TOPDIR) {
        true => Ok(()),
        false => ioctl_setflags(&directory, flags | IFlags::TOPDIR),
    });
    match told {
        Ok(()) | Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => Ok(()),
        Err(error) => Err(Error::at("set an attribute of", path, error)),
    }
}

/// Sets the mode of a file or directory.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|e| Error::at("set the mode of", path, e))
}

/// Makes a file of mode 0600 that did not exist, open for reading and writing.
pub(crate) fn create_new(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| Error::at("make", path, e))?;
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(|e| Error::at("set the mode of", path, e))?;
    Ok(file)
}

/// Whether the file is flushed before it gets its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Content and name are on the disk when the call returns.
    Now,
    /// The kernel writes when it likes; a crash of the machine may lose the file.
    Later,
}

/// Replaces the content of `path` whole: readers see the old or the new bytes.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], flush: Flush) -> Result<()> {
    let temp = temp_beside(path)?;
    let written = fill(&temp, bytes, flush)
        .and_then(|()| std::fs::rename(&temp, path).map_err(|e| Error::at("write", path, e)));
    if let Err(error) = written {
        // The first failure is what the caller must know; a temp file left is found by `check`.
        let _swept_later = std::fs::remove_file(&temp);
        return Err(error);
    }
    match flush {
        Flush::Now => sync_parent(path),
        Flush::Later => Ok(()),
    }
}

fn fill(path: &Path, bytes: &[u8], flush: Flush) -> Result<()> {
    let mut file = create_new(path)?;
    file.write_all(bytes).map_err(|e| Error::at("write", path, e))?;
    if flush == Flush::Now {
        file.sync_all().map_err(|e| Error::at("flush", path, e))?;
    }
    Ok(())
}

/// Temp files carry this ending and are never read.
pub(crate) const TEMP_SUFFIX: &str = ".tmp";

fn temp_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(path.with_file_name(format!(".{name}.{}{TEMP_SUFFIX}", random_hex::<8>()?)))
}

/// The bytes of a file, or `None` where there is none.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // ENOTDIR: the parent was moved away and something else took its name.
        Err(e) if matches!(e.kind(), IoKind::NotFound | IoKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::at("read", path, error)),
    }
}

/// Whether something, even a dangling link, has this name.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.kind(), IoKind::NotFound | IoKind::NotADirectory) => Ok(false),
        Err(error) => Err(Error::at("examine", path, error)),
    }
}

/// Renames where the new name is free; `false` where it is taken.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<bool> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(Error::at("move into place", to, error)),
    }
}

/// Removes a file; its absence is fine.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == IoKind::NotFound => Ok(()),
        Err(error) => Err(Error::at("remove", path, error)),
    }
}

/// Flushes a directory, which makes the names in it durable.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    let dir = File::open(path).map_err(|e| Error::at("open", path, e))?;
    dir.sync_all().map_err(|e| Error::at("flush", path, e))
}

fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync_dir)
}

/// The names in a directory that are valid UTF-8 (the store makes no others), sorted; an absent
/// directory is empty. Temp files are left out.
pub(crate) fn names_in(path: &Path) -> Result<Vec<String>> {
    let mut names = all_names_in(path)?;
    names.retain(|name| !name.ends_with(TEMP_SUFFIX));
    Ok(names)
}

/// As [`names_in`], with the temp files: only who is alone may touch those.
pub(crate) fn all_names_in(path: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::at("list", path, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::at("list", path, e))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atomic_write_replaces_and_leaves_no_temp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for (bytes, flush) in [("one", Flush::Now), ("two", Flush::Later)] {
            write_atomic(&path, bytes.as_bytes(), flush).unwrap();
            assert_eq!(read_optional(&path).unwrap().unwrap(), bytes.as_bytes());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_one_rename_wins() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b, to) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("to"));
        make_dir(&a).unwrap();
        make_dir(&b).unwrap();
        assert!(rename_new(&a, &to).unwrap());
        assert!(!rename_new(&b, &to).unwrap());
        assert!(exists(&b).unwrap());
    }
}
