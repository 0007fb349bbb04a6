//! A private tmpfs of a supervisor or verb: mount points and libcontainer's own files.
//!
//! It lives in the mount namespace of this process alone and is gone with it.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags};

use crate::failure::{Context, Result};

/// Names in the scratch directory.
pub(crate) struct Scratch {
    /// Where the root file system is mounted.
    pub(crate) rootfs: PathBuf,
    /// libcontainer's bundle.
    pub(crate) bundle: PathBuf,
    /// libcontainer's state.
    pub(crate) state: PathBuf,
    /// Files that are bound into the container's /etc.
    pub(crate) etc: PathBuf,
    /// Numbered links to layers.
    pub(crate) links: PathBuf,
    /// An empty directory.
    pub(crate) empty: PathBuf,
}

/// Makes this mount namespace private and mounts the scratch tmpfs over `base`, an empty
/// directory of the store, so that it hides nothing that is needed.
pub(crate) fn mount(base: &Path) -> Result<Scratch> {
    match std::fs::create_dir(base) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).context(|| format!("make {}", base.display())),
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).context(|| "make the mounts private".into())?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", base, "tmpfs", flags, Some(c"mode=0700,size=64m"))
        .context(|| "mount a tmpfs".into())?;
    let scratch = Scratch {
        rootfs: base.join("rootfs"),
        bundle: base.join("bundle"),
        state: base.join("state"),
        etc: base.join("etc"),
        links: base.join("l"),
        empty: base.join("empty"),
    };
    for directory in [
        &scratch.rootfs,
        &scratch.bundle,
        &scratch.state,
        &scratch.etc,
        &scratch.links,
        &scratch.empty,
    ] {
        std::fs::create_dir(directory)
            .context(|| format!("make {} in a tmpfs", directory.display()))?;
    }
    Ok(scratch)
}
