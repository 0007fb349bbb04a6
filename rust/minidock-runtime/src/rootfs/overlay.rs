//! Mounting a stack of layers with overlayfs in the user namespace.

use std::ffi::CString;
use std::path::Path;

use minidock_proto::request::{FailureKind, Rootfs};
use rustix::mount::MountFlags;

use crate::failure::{Context, Result, failure};
use crate::rootfs::scratch::Scratch;

/// The most layers overlayfs takes (OVL_MAX_STACK).
const MOST_LAYERS: usize = 500;

/// Mounts the layers at `target`.
///
/// The layers are named by short numbered links relative to the working directory: one page
/// holds all of mount(2)'s options, and names with a comma or colon need no escape.
pub(crate) fn mount(rootfs: &Rootfs, scratch: &Scratch, target: &Path, prefix: &str) -> Result<()> {
    if rootfs.lowers.len() > MOST_LAYERS {
        return Err(failure(
            FailureKind::InvalidInput,
            format!("{} layers, overlayfs takes {MOST_LAYERS}", rootfs.lowers.len()),
        ));
    }
    let link = |name: &str, to: &Path| -> Result<()> {
        std::os::unix::fs::symlink(to, scratch.links.join(name))
            .context(|| format!("link the layer {}", to.display()))
    };
    let mut lowers = Vec::new();
    for (number, lower) in rootfs.lowers.iter().enumerate() {
        let name = format!("{prefix}{number}");
        link(&name, lower.as_path())?;
        lowers.push(name);
    }
    // One lower at least, and two where nothing is written.
    if lowers.is_empty() || (lowers.len() == 1 && rootfs.upper.is_none()) {
        let name = format!("{prefix}e");
        link(&name, &scratch.empty)?;
        lowers.push(name);
    }
    let mut options = format!("userxattr,lowerdir={}", lowers.join(":"));
    if let Some(upper) = &rootfs.upper {
        link(&format!("{prefix}u"), upper.directory.as_path())?;
        link(&format!("{prefix}w"), upper.work.as_path())?;
        options.push_str(&format!(",upperdir={prefix}u,workdir={prefix}w"));
        if upper.volatile {
            options.push_str(",volatile");
        }
    }
    let options = CString::new(options)
        .map_err(|_| failure(FailureKind::InvalidInput, "a layer's name has a NUL byte"))?;
    rustix::process::chdir(&scratch.links).context(|| "enter the links of the layers".into())?;
    let mounted = rustix::mount::mount(
        "overlay",
        target,
        "overlay",
        MountFlags::empty(),
        Some(options.as_c_str()),
    );
    rustix::process::chdir("/").context(|| "leave the links of the layers".into())?;
    mounted.context(|| "mount the layers with overlayfs".into())
}
