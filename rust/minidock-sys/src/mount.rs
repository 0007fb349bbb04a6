//! Calls of the new mount API that rustix does not wrap yet.
//!
//! Where something is mounted, and why, is decided by the runtime.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::mount::OpenTreeFlags;

/// Attributes of a mount (mount_setattr(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// No writes through this mount.
    pub read_only: bool,
    /// setuid bits and file capabilities do not count.
    pub no_suid: bool,
    /// Device nodes cannot be opened.
    pub no_dev: bool,
    /// Programs cannot be executed.
    pub no_exec: bool,
    /// The same for all mounts below.
    pub recursive: bool,
}

/// Adds attributes to a mount, given by a descriptor of its root.
pub fn set_attributes(mount: impl AsFd, attributes: Attributes) -> io::Result<()> {
    const RDONLY: u64 = 0x1;
    const NOSUID: u64 = 0x2;
    const NODEV: u64 = 0x4;
    const NOEXEC: u64 = 0x8;
    let bit = |wanted: bool, bit: u64| if wanted { bit } else { 0 };
    let attr = libc::mount_attr {
        attr_set: bit(attributes.read_only, RDONLY)
            | bit(attributes.no_suid, NOSUID)
            | bit(attributes.no_dev, NODEV)
            | bit(attributes.no_exec, NOEXEC),
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if attributes.recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is empty and NUL-terminated, `attr` is valid and its true size is given.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A detached read-only bind of one file: no mount point, gone with its last descriptor.
///
/// Needs CAP_SYS_ADMIN over the current mount namespace, and a descriptor that was opened in it.
pub fn detached_read_only(file: impl AsFd) -> io::Result<OwnedFd> {
    let clone = rustix::mount::open_tree(
        file,
        c"",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH,
    )?;
    set_attributes(&clone, Attributes { read_only: true, ..Attributes::default() })?;
    Ok(clone)
}
