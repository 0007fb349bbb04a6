//! Where a path of a root file system leads, its symbolic links resolved within that root.
//! Every step is looked at beneath the root's descriptor; nothing is opened for reading.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use minidock_image::layer::EntryPath;
use minidock_proto::request::{Failure, FailureKind};
use rustix::fs::{FileType, OFlags, fstat, readlinkat};
use rustix::io::Errno;

use super::beneath;
use crate::failure::{Context as _, Result, failure};

/// Most symbolic links on the way (Linux `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// A path without symbolic links, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) path: EntryPath,
    /// `None` when nothing is there; some of its parents may be missing then, too.
    pub(super) found: Option<FileType>,
}

/// Resolves `path` with the root as `/`, the last component, too.
pub(super) fn resolve(root: BorrowedFd<'_>, path: &[u8]) -> Result<Resolved> {
    let mut todo: VecDeque<Vec<u8>> = names(path).map(<[u8]>::to_vec).collect();
    let mut current = Resolved { path: EntryPath::root(), found: Some(FileType::Directory) };
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        if name == b".." {
            let above = current.path.parent().unwrap_or_default();
            let found = look(root, &above, path)?.map(|(kind, _)| kind);
            current = Resolved { path: above, found };
            continue;
        }
        if current.found.is_some_and(|found| found != FileType::Directory) {
            return Err(bad(path, &format!("{:?} is not a directory", current.path.display())));
        }
        let next = current.path.join(&name).map_err(|error| bad(path, &error.to_string()))?;
        match look(root, &next, path)? {
            Some((FileType::Symlink, target)) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(bad(path, "too many symbolic links lead there"));
                }
                if target.starts_with(b"/") {
                    let found = Some(FileType::Directory);
                    current = Resolved { path: EntryPath::root(), found };
                }
                for name in names(&target).rev() {
                    todo.push_front(name.to_vec());
                }
            }
            Some((kind, _)) => current = Resolved { path: next, found: Some(kind) },
            None => current = Resolved { path: next, found: None },
        }
    }
    Ok(current)
}

/// Components that say something.
pub(super) fn names(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."))
}

/// What is at a path without symbolic links, with the target if it is one itself.
fn look(
    root: BorrowedFd<'_>,
    real: &EntryPath,
    asked: &[u8],
) -> Result<Option<(FileType, Vec<u8>)>> {
    let doing = || format!("resolve {:?} in the image", String::from_utf8_lossy(asked));
    let fd = match beneath::open(root, real, OFlags::PATH | OFlags::NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.context(doing)?,
    };
    let kind = FileType::from_raw_mode(fstat(&fd).context(doing)?.st_mode);
    let target = if kind == FileType::Symlink {
        readlinkat(&fd, "", Vec::new()).context(doing)?.into_bytes()
    } else {
        Vec::new()
    };
    Ok(Some((kind, target)))
}

fn bad(path: &[u8], why: &str) -> Failure {
    let text = format!("path {:?} in the image: {why}", String::from_utf8_lossy(path));
    failure(FailureKind::InvalidInput, text)
}
