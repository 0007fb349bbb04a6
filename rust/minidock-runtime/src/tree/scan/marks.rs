//! The marks that overlay filesystems leave in an upper directory, in whichever of their forms,
//! and how they are made uniform (kernel: Documentation/filesystems/overlayfs.rst; fuse-overlayfs
//! where it cannot make devices writes the image specification's `.wh.` files instead).

use std::collections::HashMap;
use std::os::fd::BorrowedFd;

use minidock_image::layer::EntryPath;
use minidock_proto::request::FailureKind;
use rustix::fs::{AtFlags, FileType, OFlags, major, minor, statat, unlinkat};
use rustix::io::Errno;

use super::super::beneath;
use super::super::write;
use super::super::xattr::{self, Xattrs};
use super::unrepresentable;
use crate::failure::{Context as _, Result, failure};

const PREFIX: &[u8] = b".wh.";
const OPAQUE_FILE: &[u8] = b".wh..wh..opq";

/// The attributes of a file or directory, without what belonged to an overlay.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// It hides what is below it, in whichever form that was said.
    pub(super) opaque: bool,
    /// It carries the uniform mark.
    pub(super) marked: bool,
    /// Attributes were taken away.
    pub(super) changed: bool,
    /// What is left.
    pub(super) xattrs: Xattrs,
}

/// Reads attributes and takes the overlay's own away, but for the uniform opaque mark.
pub(super) fn clean(file: BorrowedFd<'_>, path: &EntryPath) -> Result<Marks> {
    let doing = || format!("read the attributes of {:?}", path.display());
    let mut marks = Marks { xattrs: xattr::get(file).context(doing)?, ..Marks::default() };
    let names: Vec<_> =
        marks.xattrs.keys().filter(|name| xattr::is_overlay(name)).cloned().collect();
    for name in names {
        let value = marks.xattrs.remove(&name).unwrap_or_default();
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let own = name.iter().filter(|byte| **byte == b'.').count() == 2;
        match last {
            b"redirect" | b"metacopy" | b"whiteout" if own => {
                return Err(refused(path, &name));
            }
            b"opaque" if own && value == b"x" => return Err(refused(path, &name)),
            b"opaque" if own && value == b"y" => {
                marks.opaque = true;
                if name == xattr::OPAQUE {
                    marks.marked = true;
                    continue;
                }
            }
            _ => {}
        }
        xattr::remove(file, &name).context(doing)?;
        marks.changed = true;
    }
    Ok(marks)
}

fn refused(path: &EntryPath, name: &[u8]) -> minidock_proto::request::Failure {
    let name = String::from_utf8_lossy(name);
    let text = format!(
        "{:?} has the overlay attribute {name}, which a layer cannot represent",
        path.display()
    );
    failure(FailureKind::HostUnsupported, text)
}

/// Brings the uniform mark of a directory in line with what it has to say.
pub(super) fn set_opaque(
    directory: BorrowedFd<'_>,
    marked: bool,
    wanted: bool,
) -> std::result::Result<(), Errno> {
    match (marked, wanted) {
        (false, true) => xattr::set_opaque(directory),
        (true, false) => xattr::remove(directory, xattr::OPAQUE),
        _ => Ok(()),
    }
}

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// It hides this name below.
    Whiteout,
    /// Anything else.
    Entry,
}

/// The names in a directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) names: HashMap<Vec<u8>, Listed>,
    /// A marker file called the directory opaque.
    pub(super) opaque: bool,
    /// Something in the directory was made or deleted.
    pub(super) changed: bool,
}

/// Lists a directory; marker files become whiteouts, sockets are deleted.
pub(super) fn listing(directory: BorrowedFd<'_>, path: &EntryPath) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut markers = Vec::new();
    for (name, kind) in super::names(directory, path)? {
        if name.starts_with(PREFIX) {
            markers.push(name);
            continue;
        }
        match kind {
            FileType::CharacterDevice | FileType::Socket | FileType::Unknown => {
                listing.special(directory, path, name)?;
            }
            _ => {
                listing.names.insert(name, Listed::Entry);
            }
        }
    }
    for name in markers {
        listing.marker(directory, path, &name)?;
    }
    Ok(listing)
}

impl Listing {
    fn special(
        &mut self,
        directory: BorrowedFd<'_>,
        path: &EntryPath,
        name: Vec<u8>,
    ) -> Result<()> {
        let doing = || format!("scan {:?} in {:?}", String::from_utf8_lossy(&name), path.display());
        let stat = statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).context(doing)?;
        let listed = match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if is_whiteout(stat.st_rdev) => Listed::Whiteout,
            FileType::Socket => {
                unlinkat(directory, &name, AtFlags::empty()).context(doing)?;
                self.changed = true;
                return Ok(());
            }
            _ => Listed::Entry,
        };
        self.names.insert(name, listed);
        Ok(())
    }

    /// A `.wh.` name: only an empty file or a device 0:0 can be a mark; anything else with such
    /// a name would delete files in the image.
    fn marker(&mut self, directory: BorrowedFd<'_>, path: &EntryPath, name: &[u8]) -> Result<()> {
        let doing = || format!("scan {:?} in {:?}", String::from_utf8_lossy(name), path.display());
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).context(doing)?;
        let hidden = name.strip_prefix(PREFIX).unwrap_or_default();
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if is_whiteout(stat.st_rdev) => {}
            FileType::RegularFile if stat.st_size == 0 && name == OPAQUE_FILE => {
                self.opaque = true;
            }
            FileType::RegularFile
                if stat.st_size == 0
                    && !hidden.starts_with(PREFIX)
                    && !matches!(hidden, b"" | b"." | b"..") =>
            {
                self.hide(directory, hidden).context(doing)?;
            }
            _ => {
                let why = "names that begin with .wh. mean deletion in an image; rename it";
                return Err(unrepresentable(path, name, &why));
            }
        }
        unlinkat(directory, name, AtFlags::empty()).context(doing)?;
        self.changed = true;
        Ok(())
    }

    /// A directory beside its own whiteout hides what is below; another file does so anyway.
    fn hide(&mut self, directory: BorrowedFd<'_>, name: &[u8]) -> std::result::Result<(), Errno> {
        if !self.names.contains_key(name) {
            write::whiteout(directory, name)?;
            self.names.insert(name.to_vec(), Listed::Whiteout);
            return Ok(());
        }
        match beneath::open_name(directory, name, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(child) => xattr::set_opaque(std::os::fd::AsFd::as_fd(&child)),
            Err(Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_whiteout(device: u64) -> bool {
    (major(device), minor(device)) == (0, 0)
}
