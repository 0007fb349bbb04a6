//! Which control groups this host has, and which controllers its user may hand on.

use std::path::{Path, PathBuf};

use rustix::fs::Access;
use serde::Serialize;

/// `CGROUP2_SUPER_MAGIC` of `linux/magic.h`.
const CGROUP2: u64 = 0x6367_7270;
const MOUNT: &str = "/sys/fs/cgroup";

/// The versions of control groups that are mounted (cgroups(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupMode {
    /// Version 2 alone.
    V2,
    /// Version 1, with version 2 beside it for systemd.
    Hybrid,
    /// Version 1 alone.
    V1,
    /// None is mounted.
    None,
}

/// Control groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cgroup {
    /// Which versions.
    pub mode: CgroupMode,
    /// Controllers that this user may hand on, in this session or by the user's systemd.
    pub delegated: Vec<String>,
}

pub(super) fn find() -> Cgroup {
    let mode = mode(Path::new(MOUNT));
    let delegated = if mode == CgroupMode::V2 { delegated() } else { Vec::new() };
    Cgroup { mode, delegated }
}

fn mode(mount: &Path) -> CgroupMode {
    if is_v2(mount) {
        return CgroupMode::V2;
    }
    if is_v2(&mount.join("unified")) {
        return CgroupMode::Hybrid;
    }
    let has_hierarchy =
        ["memory", "pids", "systemd", "cpu"].iter().any(|name| mount.join(name).exists());
    if has_hierarchy { CgroupMode::V1 } else { CgroupMode::None }
}

fn is_v2(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|stat| stat.f_type as u64 & 0xffff_ffff == CGROUP2)
}

fn delegated() -> Vec<String> {
    let uid = rustix::process::getuid().as_raw();
    let systemd = PathBuf::from(format!("{MOUNT}/user.slice/user-{uid}.slice/user@{uid}.service"));
    for directory in own_group().into_iter().chain([systemd]) {
        let control = directory.join("cgroup.subtree_control");
        if rustix::fs::access(&control, Access::WRITE_OK).is_err() {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(directory.join("cgroup.controllers")) {
            return text.split_whitespace().map(str::to_owned).collect();
        }
    }
    Vec::new()
}

/// The group of this process in version 2.
fn own_group() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    own_path(&text).map(|path| Path::new(MOUNT).join(path))
}

fn own_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_groups() {
        assert_eq!(own_path("4:memory:/x\n0::/user.slice/a\n"), Some("user.slice/a"));
        assert_eq!(own_path("0::/\n"), Some(""));
        assert_eq!(own_path("4:memory:/x\n"), None);
    }

    #[test]
    fn a_directory_without_groups() {
        assert_eq!(mode(Path::new("/nonexistent")), CgroupMode::None);
    }
}
