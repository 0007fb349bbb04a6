//! Extended attributes of trees: which are set, which stay in the index alone, and the marks
//! of overlay filesystems, which are never an image's to set.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

/// Attributes by their full name.
pub(super) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// The mark of a directory that hides what is below it (overlayfs with `userxattr`).
pub(super) const OPAQUE: &[u8] = b"user.overlay.opaque";
const CAPABILITY: &[u8] = b"security.capability";
const MAX_VALUE: usize = 64 * 1024;

/// Whether the attribute steers an overlay filesystem.
pub(super) fn is_overlay(name: &[u8]) -> bool {
    [&b"user.overlay."[..], b"trusted.overlay.", b"user.fuseoverlayfs.", b"user.containers."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether a tree gets the attribute. What names ids or belongs to the host's own policy
/// (SELinux, IMA, `trusted.`) is kept in the index alone.
fn is_for_tree(name: &[u8]) -> bool {
    !is_overlay(name)
        && (name.starts_with(b"user.")
            || name == CAPABILITY
            || name.starts_with(b"system.posix_acl_"))
}

/// Sets what the kernel takes and returns what it does not; the opened file must be its own
/// to write.
pub(super) fn set(file: BorrowedFd<'_>, xattrs: &Xattrs) -> Result<Xattrs, Errno> {
    let mut refused = Xattrs::new();
    for (name, value) in xattrs {
        if !is_for_tree(name) {
            refused.insert(name.clone(), value.clone());
            continue;
        }
        match fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
            Ok(()) => {}
            // Not for this file, file system or namespace; ext4 says ENOSPC and others E2BIG
            // or ERANGE for values beyond a block.
            Err(
                Errno::PERM
                | Errno::ACCESS
                | Errno::OPNOTSUPP
                | Errno::INVAL
                | Errno::TOOBIG
                | Errno::RANGE,
            ) => {
                refused.insert(name.clone(), value.clone());
            }
            Err(Errno::NOSPC) if value.len() > 2048 => {
                refused.insert(name.clone(), value.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// Marks a directory opaque.
pub(super) fn set_opaque(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    fsetxattr(directory, OPAQUE, b"y", XattrFlags::empty())
}

/// All attributes that a tree may have; the host's own policy is left out.
pub(super) fn get(file: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    let mut xattrs = Xattrs::new();
    for name in names(file)? {
        if !is_for_tree(&name) && !is_overlay(&name) {
            continue;
        }
        let mut value = vec![0; MAX_VALUE];
        match fgetxattr(file, name.as_slice(), &mut value[..]) {
            Ok(len) => {
                value.truncate(len);
                xattrs.insert(name, value);
            }
            Err(Errno::NODATA) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(xattrs)
}

/// Whether a file has no attributes that a layer would know of but, at most, these.
pub(super) fn has_only(file: BorrowedFd<'_>, known: &Xattrs) -> Result<bool, Errno> {
    let found = names(file)?;
    Ok(found
        .iter()
        .all(|name| known.contains_key(name) || !(is_for_tree(name) || is_overlay(name))))
}

/// Takes an attribute away; one that is gone is no error.
pub(super) fn remove(file: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match fremovexattr(file, name) {
        Err(Errno::NODATA) => Ok(()),
        other => other,
    }
}

fn names(file: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Errno> {
    // Most files have none or few: ask with a small buffer first.
    let mut few = [0_u8; 512];
    let mut many = Vec::new();
    let list = match flistxattr(file, &mut few[..]) {
        Ok(len) => &few[..len],
        Err(Errno::RANGE) => {
            many.resize(MAX_VALUE, 0);
            let len = flistxattr(file, &mut many[..])?;
            &many[..len]
        }
        Err(Errno::OPNOTSUPP) => &[],
        Err(error) => return Err(error),
    };
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}
