//! Mounts of `--tmpfs`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use minidock_proto::Bytes;

use super::super::options::{MountKind, MountOptions};
use super::{size, split_once, text, wrong};
use crate::error::Result;

const FLAG: &str = "--tmpfs";

/// `target[:options]` with options of mount(8): `size=`, `nr_inodes=`, `mode=`, `exec`, `ro`.
pub fn tmpfs(value: impl AsRef<OsStr>) -> Result<MountOptions> {
    let value = value.as_ref().as_bytes();
    let (target, options) = split_once(value, b':').unwrap_or((value, b""));
    if !target.starts_with(b"/") || target.iter().all(|b| matches!(b, b'/' | b'.')) {
        return Err(wrong(FLAG, value, "the target is not an absolute path below the root")
            .with_hint("write TARGET[:size=64m,mode=1777,exec]"));
    }
    let (mut limit, mut inodes, mut access) = (None, None, None);
    let (mut exec, mut read_only) = (false, false);
    for option in text(FLAG, options)?.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=').unwrap_or((option, "")) {
            // A percentage is of the host's memory, which a container has no share of.
            ("size", bytes) => limit = Some(size(bytes)?),
            ("nr_inodes", number) => {
                inodes = Some(number.parse().map_err(|_| {
                    wrong(FLAG, value, "nr_inodes is not a number")
                        .with_hint("write TARGET:nr_inodes=10000")
                })?);
            }
            ("mode", octal) => access = Some(mode(FLAG, octal, value)?),
            ("exec", "") => exec = true,
            ("noexec", "") => exec = false,
            ("ro", "") => read_only = true,
            ("rw" | "nosuid" | "nodev", "") => {}
            (key, _) => {
                return Err(wrong(FLAG, value, format!("the option {key:?} is not offered"))
                    .with_hint("known are size, nr_inodes, mode, exec, noexec, ro and rw"));
            }
        }
    }
    let kind = MountKind::Tmpfs { size: limit, inodes, mode: access, exec };
    Ok(MountOptions { target: Bytes(target.to_vec()), kind, read_only })
}

/// An octal mode.
pub(super) fn mode(flag: &str, octal: &str, value: &[u8]) -> Result<u32> {
    let digits = !octal.is_empty() && octal.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mode = u32::from_str_radix(octal, 8).ok().filter(|mode| digits && *mode <= 0o7777);
    mode.ok_or_else(|| wrong(flag, value, format!("{octal:?} is not an octal mode, as 1777")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmpfses() {
        for (text, size, inodes, mode, exec, read_only) in [
            ("/t", None, None, None, false, false),
            ("/t:", None, None, None, false, false),
            ("/t:size=1m,mode=1777", Some(1 << 20), None, Some(0o1777), false, false),
            ("/t:nr_inodes=100", None, Some(100), None, false, false),
            ("/t:rw,noexec,nosuid,nodev", None, None, None, false, false),
            ("/t:exec,ro", None, None, None, true, true),
        ] {
            let kind = MountKind::Tmpfs { size, inodes, mode, exec };
            let expected = MountOptions { target: "/t".into(), kind, read_only };
            assert_eq!(tmpfs(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "t",
            "/",
            "/t:size=",
            "/t:nr_inodes=many",
            "/t:mode=8",
            "/t:mode=77777",
            "/t:uid=1",
            "/t:suid",
            "/t:ro=1",
        ] {
            assert!(tmpfs(text).is_err(), "{text}");
        }
    }
}
