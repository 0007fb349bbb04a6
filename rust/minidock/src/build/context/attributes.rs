//! Extended attributes of the context's files, as far as an image may hold them.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use rustix::fs::{fgetxattr, flistxattr};
use rustix::io::Errno;

/// The kernel's limit of a list of names and of a value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const MOST_BYTES: usize = 64 * 1024;

/// Attributes of an open file by their full name.
///
/// Those of the user and file capabilities: labels and access lists of this host mean nothing in
/// an image, and attributes of overlayfs would steer it.
pub(crate) fn read(file: BorrowedFd<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Errno> {
    // Most files have none, and an empty list needs no room.
    let mut small = [0_u8; 256];
    let list = match flistxattr(file, &mut small) {
        Ok(length) => small[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut list = vec![0; MOST_BYTES];
            let length = flistxattr(file, &mut list)?;
            list.truncate(length);
            list
        }
        Err(Errno::OPNOTSUPP) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut attributes = BTreeMap::new();
    for name in list.split(|byte| *byte == 0).filter(|name| is_kept(name)) {
        let mut value = vec![0; MOST_BYTES];
        match fgetxattr(file, name, &mut value) {
            Ok(length) => {
                value.truncate(length);
                attributes.insert(name.to_vec(), value);
            }
            Err(Errno::NODATA) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(attributes)
}

fn is_kept(name: &[u8]) -> bool {
    name == b"security.capability"
        || name.starts_with(b"user.") && !name.starts_with(b"user.overlay.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept() {
        for (name, kept) in [
            ("user.mime_type", true),
            ("security.capability", true),
            ("user.overlay.opaque", false),
            ("security.selinux", false),
            ("system.posix_acl_access", false),
            ("trusted.overlay.whiteout", false),
            ("", false),
        ] {
            assert_eq!(is_kept(name.as_bytes()), kept, "{name}");
        }
    }
}
