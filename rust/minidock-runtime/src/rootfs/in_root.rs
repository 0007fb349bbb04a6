//! Paths inside a root file system that an image or a container made: resolved by the kernel
//! beneath a directory descriptor (openat2(2)), never by path.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::request::FailureKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::failure::{Context, Result, failure};

const BENEATH: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
/// A container that renames its directories in a race makes openat2 answer EAGAIN.
const TRIES: usize = 64;

/// Opens a path within the root; symbolic links are followed within it.
pub(crate) fn open(root: impl AsFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut last = Errno::AGAIN;
    for _ in 0..TRIES {
        let flags = flags | OFlags::CLOEXEC;
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), BENEATH) {
            Err(error @ (Errno::AGAIN | Errno::INTR)) => last = error,
            answer => return answer,
        }
    }
    Err(last)
}

/// A directory within the root, made with its parents (0755, root) where missing.
///
/// `created` is told the path, as it was asked for, of every directory that was made.
pub(crate) fn directory(
    root: impl AsFd + Copy,
    path: &Path,
    created: &mut Vec<std::path::PathBuf>,
) -> Result<OwnedFd> {
    let what = || format!("open the directory {} of the image", path.display());
    match open(root, path, OFlags::PATH | OFlags::DIRECTORY) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) => {}
        Err(Errno::NOTDIR) => {
            return Err(failure(
                FailureKind::InvalidInput,
                format!("{} is not a directory in the image", path.display()),
            ));
        }
        Err(error) => return Err(error).context(what),
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NOENT).context(what);
    };
    let parent = directory(root, parent, created)?;
    match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => created.push(path.to_path_buf()),
        // A dangling symbolic link, or somebody was faster; the next open tells which.
        Err(Errno::EXIST) => {}
        Err(error) => {
            return Err(error).context(|| format!("make the directory {}", path.display()));
        }
    }
    open(root, path, OFlags::PATH | OFlags::DIRECTORY).context(what)
}

/// A regular file within the root, made empty with its parents where missing.
pub(crate) fn file(
    root: impl AsFd + Copy,
    path: &Path,
    created: &mut Vec<std::path::PathBuf>,
) -> Result<OwnedFd> {
    let what = || format!("open the file {} of the image", path.display());
    match open(root, path, OFlags::PATH) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error).context(what),
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NOENT).context(what);
    };
    let parent = directory(root, parent, created)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)) {
        Ok(_) => created.push(path.to_path_buf()),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error).context(|| format!("make the file {}", path.display())),
    }
    open(root, path, OFlags::PATH).context(what)
}

/// Makes the path a real directory: whatever else stands there is replaced.
///
/// For `/dev`, `/proc` and `/sys`: a symbolic link there would lead the runtime elsewhere.
pub(crate) fn real_directory(
    root: impl AsFd + Copy,
    name: &str,
    created: &mut Vec<std::path::PathBuf>,
) -> Result<()> {
    let what = || format!("prepare /{name} of the image");
    match rustix::fs::statat(root, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => return Ok(()),
        Ok(_) => rustix::fs::unlinkat(root, name, AtFlags::empty()).context(what)?,
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error).context(what),
    }
    rustix::fs::mkdirat(root, name, Mode::from_raw_mode(0o755)).context(what)?;
    created.push(Path::new("/").join(name));
    Ok(())
}
