//! The kernel, its settings and the file system of the store.

use std::path::Path;

use serde::Serialize;

/// The kernel and its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kernel {
    /// Its release, as `uname -r` says.
    pub release: String,
    /// The machine, as `uname -m` says.
    pub machine: String,
    /// `user.max_user_namespaces`.
    pub max_user_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone`, which Debian's kernels have.
    pub unprivileged_userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, which Ubuntu's kernels have.
    pub apparmor_restrict_userns: Option<u64>,
}

pub(super) fn kernel() -> Kernel {
    let name = rustix::system::uname();
    Kernel {
        release: name.release().to_string_lossy().into_owned(),
        machine: name.machine().to_string_lossy().into_owned(),
        max_user_namespaces: setting("user/max_user_namespaces"),
        unprivileged_userns_clone: setting("kernel/unprivileged_userns_clone"),
        apparmor_restrict_userns: setting("kernel/apparmor_restrict_unprivileged_userns"),
    }
}

/// A number below /proc/sys; `None` where this kernel has no such setting.
fn setting(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
    text.trim().parse().ok()
}

/// Major and minor number of a release.
pub(super) fn release_numbers(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// How many subordinate ids a user is to have, and where useradd begins to hand them out
/// (login.defs(5): `SUB_UID_COUNT`, `SUB_UID_MIN`).
pub(super) const SUBORDINATE_IDS: u64 = 65536;
const FIRST_SUBORDINATE_ID: u64 = 100_000;

/// The first id after all that are handed out, so that no two users share any.
pub(super) fn free_subordinate_id() -> u64 {
    let files = ["/etc/subuid", "/etc/subgid"].map(std::fs::read_to_string);
    files.iter().flatten().map(|text| end_of(text)).fold(FIRST_SUBORDINATE_ID, u64::max)
}

/// The end of the last range of `name:first:count` lines.
fn end_of(text: &str) -> u64 {
    let end = |line: &str| {
        let mut numbers = line.split(':').skip(1).map(|number| number.trim().parse::<u64>().ok());
        numbers.next()??.checked_add(numbers.next()??)
    };
    text.lines().filter_map(end).max().unwrap_or(0)
}

/// The name of the file system at a path, and the bytes that a user may still write there.
pub(super) fn file_system(path: &Path) -> rustix::io::Result<(String, u64)> {
    let stat = rustix::fs::statfs(path)?;
    let space = rustix::fs::statvfs(path)?;
    // Magics are 32 bits; the field's width and sign differ between architectures.
    let magic = stat.f_type as u64 & 0xffff_ffff;
    Ok((name_of(magic), space.f_bavail.saturating_mul(space.f_frsize)))
}

/// Magics of `linux/magic.h` and of the file systems' own headers.
fn name_of(magic: u64) -> String {
    match magic {
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0xca45_1a4e => "bcachefs",
        0xf2f5_2010 => "f2fs",
        0x2fc1_2fc1 => "zfs",
        0x0102_1994 => "tmpfs",
        0x794c_7630 => "overlay",
        other => return format!("type {other:#x}"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        for (text, want) in [
            ("6.18.5", Some((6, 18))),
            ("5.13-rc1", Some((5, 13))),
            ("5.10.0-30-amd64", Some((5, 10))),
            ("6", None),
            ("", None),
            ("x.y", None),
        ] {
            assert_eq!(release_numbers(text), want, "{text}");
        }
    }

    #[test]
    fn ranges_end() {
        for (text, want) in [
            ("", 0),
            ("a:100000:65536\nb:165536:65536\n", 231_072),
            ("b:300000:10\na:100000:65536", 300_010),
            ("# x\na:y:1\na:5", 0),
        ] {
            assert_eq!(end_of(text), want, "{text}");
        }
    }

    #[test]
    fn this_host_has_a_kernel() {
        assert!(release_numbers(&kernel().release).is_some());
        assert!(file_system(Path::new("/proc")).unwrap().0.starts_with("type 0x9fa0"));
    }
}
