//! The root file system of a container as it is copied from and into: a clone of the mounts that
//! are this process' own, attached nowhere. What the container mounts itself is not in it, and
//! neither are /proc, /sys and /dev, which it got later: docker copies none of these either.

use std::os::fd::OwnedFd;
use std::path::Path;

use minidock_sys::mount::{Attributes, set_attributes};
use rustix::fs::{Mode, OFlags};
use rustix::mount::OpenTreeFlags;

use crate::failure::{Context, Result};

/// What of it is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Volumes and binds, too.
    pub(crate) mounts: bool,
    /// Nothing can be written but what is mounted on top.
    pub(crate) read_only: bool,
}

/// Clones the mounts at `rootfs`. Devices cannot be opened through them.
pub(crate) fn view(rootfs: &Path, wanted: View) -> Result<OwnedFd> {
    let what = || "clone the mounts of the container".to_owned();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(rootfs, flags, Mode::empty())
        .context(|| "open the root file system".into())?;
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if wanted.mounts {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = rustix::mount::open_tree(&root, c"", flags).context(what)?;
    let no_dev = Attributes { no_dev: true, recursive: true, ..Attributes::default() };
    set_attributes(&tree, no_dev).context(what)?;
    if wanted.read_only {
        let read_only = Attributes { read_only: true, ..Attributes::default() };
        set_attributes(&tree, read_only).context(what)?;
    }
    Ok(tree)
}
