//! The OCI runtime configuration that libcontainer gets.
//!
//! It describes namespaces and mounts alone. Ids, groups, capabilities, limits, seccomp, working
//! directory and environment are ours ([`crate::payload`]), the same for init and exec; image
//! metadata never reaches this document, and it carries no annotations.

use std::path::Path;

use minidock_proto::request::{Network, Run};
use serde_json::{Value, json};

use crate::failure::{Context, Result};
use crate::rootfs::scratch::Scratch;

/// What docker masks (moby `oci/defaults.go`), plus what later advisories added.
const MASKED: [&str; 13] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
    "/sys/devices/system/cpu/cpu0/thermal_throttle",
];

const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Writes config.json into the bundle.
pub(crate) fn write(run: &Run, scratch: &Scratch) -> Result<()> {
    let path = scratch.bundle.join("config.json");
    let text = document(run, &scratch.rootfs).to_string();
    std::fs::write(&path, text).context(|| format!("write {}", path.display()))
}

fn document(run: &Run, rootfs: &Path) -> Value {
    let empty: [&str; 0] = [];
    let (masked, read_only) =
        if run.unmasked { (&empty[..], &empty[..]) } else { (&MASKED[..], &READ_ONLY[..]) };
    json!({
        "ociVersion": "1.0.2",
        "root": { "path": rootfs, "readonly": run.rootfs.read_only },
        "hostname": run.hostname,
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["payload"],
            // With HOME missing libcontainer would ask the image's name services for it.
            "env": ["PATH=/", "HOME=/"],
            "cwd": "/",
        },
        "mounts": mounts(run),
        "linux": {
            "cgroupsPath": format!("/{}", run.id),
            "namespaces": [
                { "type": "pid" }, { "type": "ipc" }, { "type": "uts" },
                { "type": "mount" }, { "type": "cgroup" },
            ],
            "maskedPaths": masked,
            "readonlyPaths": read_only,
        },
    })
}

fn mounts(run: &Run) -> Vec<Value> {
    let mount = |destination: &str, kind: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": kind, "options": options });
    let shm_size = format!("size={}", run.shm_size);
    let mut pts = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    // Group tty, where the mapping has it.
    if run.mapping.has_gid(5) {
        pts.push("gid=5");
    }
    let sys_access = if run.unmasked { "rw" } else { "ro" };
    let sys = if matches!(run.network, Network::Host) {
        // A sysfs shows the network of its mounter's namespace, which the host does not own.
        json!({
            "destination": "/sys", "type": "bind", "source": "/sys",
            "options": ["rbind", "nosuid", "noexec", "nodev", sys_access],
        })
    } else {
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", sys_access])
    };
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/dev/pts", "devpts", &pts),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", &shm_size]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        sys,
    ];
    if !matches!(run.network, Network::Host) {
        let options = ["nosuid", "noexec", "nodev", "relatime", sys_access];
        mounts.push(mount("/sys/fs/cgroup", "cgroup", &options));
    }
    mounts
}
