//! The two device nodes that a private network and fuse-overlayfs open. Desktops and servers have
//! them open for everybody (udev's 50-udev-default.rules); minimal hosts often do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::call::Call;
use crate::error::{Error, file};
use crate::screen;

struct Device {
    path: &'static str,
    minor: &'static str,
    why: &'static str,
}

/// Character devices of major 10 (Linux's devices.txt).
const MISC: &str = "10";
const DEVICES: &[Device] = &[
    Device { path: "/dev/net/tun", minor: "200", why: "private networks" },
    Device { path: "/dev/fuse", minor: "229", why: "fuse-overlayfs" },
];

/// Makes a missing node and opens a closed one, as root.
pub(super) fn open() -> Result<(), Error> {
    for device in DEVICES {
        let path = Path::new(device.path);
        if !path.exists() {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(file("make", parent))?;
            }
            Call::new("mknod").args([device.path, "c", MISC, device.minor]).run()?;
        }
        if !is_open(path) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o666))
                .map_err(file("open for everybody", path))?;
            screen::say(&format!("device: opened {} ({})", device.path, device.why));
        }
    }
    Ok(())
}

/// Names the nodes that the calling user cannot open.
pub(super) fn tell() {
    for device in DEVICES {
        let path = Path::new(device.path);
        if let Err(error) = fs::OpenOptions::new().read(true).write(true).open(path) {
            screen::say(&format!("missing: {} ({}): {error}", device.path, device.why));
            screen::say(&format!("as root: chmod 0666 {}", device.path));
        }
    }
}

fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o666 == 0o666)
}
