//! Mounts of `-v`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use minidock_proto::Bytes;

use super::super::options::{MountKind, MountOptions};
use super::{text, wrong};
use crate::error::{Error, Result};
use crate::store::VolumeName;

const FLAG: &str = "--volume";

/// `[source:]target[:options]`. A source with a slash, or `.` and `..`, is a path of the host,
/// counted from the working directory; else it is a volume. A missing path is made.
pub fn volume(value: impl AsRef<OsStr>) -> Result<MountOptions> {
    let value = value.as_ref().as_bytes();
    let hint = "write [SOURCE:]TARGET[:ro], as ./data:/data or cache:/var/cache:ro";
    let bad = |what: &str| wrong(FLAG, value, what).with_hint(hint);
    let parts: Vec<&[u8]> = value.split(|b| *b == b':').collect();
    let (source, target, options) = match parts[..] {
        [target] => (None, target, None),
        [source, target] => (Some(source), target, None),
        [source, target, options] => (Some(source), target, Some(options)),
        _ => {
            return Err(bad("there are more than two colons")
                .with_hint("paths with a colon go with --mount"));
        }
    };
    if !target.starts_with(b"/") {
        return Err(bad("the target is not an absolute path"));
    }
    if target.iter().all(|b| matches!(b, b'/' | b'.')) {
        return Err(bad("the target cannot be the root directory"));
    }
    let mut kind = match source {
        None => MountKind::Volume { name: None, no_copy: false },
        Some(b"") => return Err(bad("the source is empty")),
        Some(source) => kind_of(source, value)?,
    };
    let mut read_only = false;
    if let Some(options) = options {
        for option in text(FLAG, options)?.split(',') {
            apply(option, value, &mut kind, &mut read_only)?;
        }
    }
    Ok(MountOptions { target: Bytes(target.to_vec()), kind, read_only })
}

fn kind_of(source: &[u8], value: &[u8]) -> Result<MountKind> {
    if source.contains(&b'/') || matches!(source, b"." | b"..") {
        let named_like_volume = !matches!(source.first(), Some(b'/' | b'.' | b'~'));
        if named_like_volume {
            return Err(wrong(
                FLAG,
                value,
                "the source is neither a path nor the name of a volume",
            )
            .with_hint("a path begins with / or ./"));
        }
        return Ok(MountKind::Bind { source: absolute(FLAG, source)?, create: true });
    }
    let name: VolumeName = text(FLAG, source)?.parse()?;
    Ok(MountKind::Volume { name: Some(name.as_str().to_owned()), no_copy: false })
}

/// A path of the host, from the working directory on.
pub(super) fn absolute(flag: &str, path: &[u8]) -> Result<PathBuf> {
    std::path::absolute(Path::new(OsStr::from_bytes(path))).map_err(|error| {
        Error::io(format!("{flag}: cannot tell where the source leads to"), error)
            .with_hint("give an absolute path")
    })
}

fn apply(option: &str, value: &[u8], kind: &mut MountKind, read_only: &mut bool) -> Result<()> {
    match (option, kind) {
        ("ro" | "readonly", _) => *read_only = true,
        ("rw", _) => *read_only = false,
        // Words that change nothing here: the mounts of a container never propagate, and
        // consistency is about file sharing with virtual machines.
        ("rprivate" | "private" | "cached" | "delegated" | "consistent" | "default", _) => {}
        ("z" | "Z", _) => refuse_relabel(FLAG, value)?,
        ("nocopy", MountKind::Volume { no_copy, .. }) => *no_copy = true,
        ("nocopy", _) => return Err(wrong(FLAG, value, "nocopy is for volumes")),
        ("shared" | "rshared" | "slave" | "rslave", _) => {
            let what = format!("propagation {option} is not offered: mounts stay private");
            return Err(wrong(FLAG, value, what));
        }
        ("U" | "O" | "copy" | "rro" | "idmap", _) => {
            return Err(wrong(FLAG, value, format!("the option {option} is not built in yet")));
        }
        _ => {
            return Err(wrong(FLAG, value, format!("there is no option {option:?}"))
                .with_hint("known are ro, rw, nocopy, z and Z"));
        }
    }
    Ok(())
}

/// Labels of SELinux: nothing to do where it is off.
pub(super) fn refuse_relabel(flag: &str, value: &[u8]) -> Result<()> {
    match Path::new("/sys/fs/selinux/enforce").exists() {
        true => Err(wrong(flag, value, "relabelling for SELinux is not built in yet")
            .with_hint("label the directory by hand: chcon -Rt container_file_t DIRECTORY")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(source: &str, target: &str, read_only: bool) -> MountOptions {
        let kind = MountKind::Bind { source: source.into(), create: true };
        MountOptions { target: target.into(), kind, read_only }
    }

    fn named(name: Option<&str>, no_copy: bool, target: &str) -> MountOptions {
        let kind = MountKind::Volume { name: name.map(str::to_owned), no_copy };
        MountOptions { target: target.into(), kind, read_only: false }
    }

    #[test]
    fn volumes() {
        let here = std::env::current_dir().unwrap();
        let here = here.to_str().unwrap();
        for (text, expected) in [
            ("/a:/b", bind("/a", "/b", false)),
            ("/a:/b:ro", bind("/a", "/b", true)),
            ("/a:/b:rw,rprivate,cached", bind("/a", "/b", false)),
            ("./a:/b", bind(&format!("{here}/a"), "/b", false)),
            (".:/b", bind(here, "/b", false)),
            ("data:/b", named(Some("data"), false, "/b")),
            ("data:/b:nocopy", named(Some("data"), true, "/b")),
            ("/b", named(None, false, "/b")),
        ] {
            assert_eq!(volume(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            ":",
            "a:b",
            "/a:b",
            ":/b",
            "/a:/",
            "/a:/b:xx",
            "/a:/b:ro:ro",
            "a/b:/c",
            "/a:/b:shared",
            "/a:/b:U",
            "/a:/b:nocopy",
            "-x:/b",
            "/a:/b:",
        ] {
            assert!(volume(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_paths() {
        let mount = volume(OsStr::from_bytes(b"/\xff:/\xfe")).unwrap();
        assert_eq!(mount.target.0, b"/\xfe");
    }
}
