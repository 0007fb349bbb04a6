//! Mounts of `--mount`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use minidock_proto::Bytes;

use super::super::options::{MountKind, MountOptions};
use super::csv;
use super::volume::{absolute, refuse_relabel};
use super::{size, split_once, text, tmpfs, wrong};
use crate::error::{Error, Result};
use crate::store::VolumeName;

const FLAG: &str = "--mount";

#[derive(Default)]
struct Fields {
    kind: Option<String>,
    source: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    read_only: bool,
    no_copy: Option<bool>,
    create: Option<bool>,
    size: Option<u64>,
    mode: Option<u32>,
}

/// `type=bind|volume|tmpfs,source=…,target=…[,readonly]…`, a line of comma separated values. The
/// type is a volume when it is not said, as docker's is; a bind's source has to exist.
pub fn mount(value: impl AsRef<OsStr>) -> Result<MountOptions> {
    let value = value.as_ref().as_bytes();
    let mut fields = Fields::default();
    for field in csv::fields(FLAG, value)? {
        let (key, content) = match split_once(&field, b'=') {
            Some((key, content)) => (key, Some(content)),
            None => (field.as_slice(), None),
        };
        let key = text(FLAG, key)?.to_ascii_lowercase();
        set(&mut fields, &key, content, value)?;
    }
    finish(fields, value)
}

fn set(fields: &mut Fields, key: &str, content: Option<&[u8]>, value: &[u8]) -> Result<()> {
    let needed = || content.ok_or_else(|| wrong(FLAG, value, format!("{key} has no value")));
    let word = || text(FLAG, needed()?);
    match key {
        "type" => fields.kind = Some(word()?.to_ascii_lowercase()),
        "source" | "src" => fields.source = Some(needed()?.to_vec()),
        "target" | "dst" | "destination" => fields.target = Some(needed()?.to_vec()),
        "readonly" | "ro" => fields.read_only = flag(key, content, value)?,
        "volume-nocopy" => fields.no_copy = Some(flag(key, content, value)?),
        "bind-create-src" => fields.create = Some(flag(key, content, value)?),
        "tmpfs-size" => fields.size = Some(size(word()?)?),
        "tmpfs-mode" => fields.mode = Some(tmpfs::mode(FLAG, word()?, value)?),
        "consistency" => match word()? {
            "cached" | "delegated" | "consistent" | "default" => {}
            _ => {
                return Err(wrong(
                    FLAG,
                    value,
                    "consistency is not cached, delegated or consistent",
                ));
            }
        },
        "bind-propagation" => match word()? {
            "rprivate" | "private" => {}
            other => {
                let what = format!("propagation {other} is not offered: mounts stay private");
                return Err(wrong(FLAG, value, what));
            }
        },
        "bind-recursive" if content == Some(b"enabled") => {}
        "relabel" => refuse_relabel(FLAG, value)?,
        "bind-recursive" | "bind-nonrecursive" | "volume-subpath" | "volume-driver"
        | "volume-label" | "volume-opt" | "image-subpath" | "image-path" => {
            return Err(wrong(FLAG, value, format!("the option {key} is not built in yet")));
        }
        _ => {
            return Err(wrong(FLAG, value, format!("there is no option {key:?}")).with_hint(
                "known are type, source, target, readonly, volume-nocopy, tmpfs-size and tmpfs-mode",
            ));
        }
    }
    Ok(())
}

fn flag(key: &str, content: Option<&[u8]>, value: &[u8]) -> Result<bool> {
    match content {
        None | Some(b"true" | b"1") => Ok(true),
        Some(b"false" | b"0") => Ok(false),
        Some(_) => Err(wrong(FLAG, value, format!("{key} is neither true nor false"))),
    }
}

fn finish(fields: Fields, value: &[u8]) -> Result<MountOptions> {
    let bad = |what: &str| {
        wrong(FLAG, value, what)
            .with_hint("write type=bind,source=/host/path,target=/path[,readonly]")
    };
    let Some(target) = fields.target.as_deref() else {
        return Err(bad("there is no target"));
    };
    if !target.starts_with(b"/") {
        return Err(bad("the target is not an absolute path"));
    }
    if target.iter().all(|b| matches!(b, b'/' | b'.')) {
        return Err(bad("the target cannot be the root directory"));
    }
    let target = Bytes(target.to_vec());
    let read_only = fields.read_only;
    let kind = match fields.kind.as_deref() {
        Some("bind") => bind(fields, &bad)?,
        Some("volume") | None => volume(fields, &bad)?,
        Some("tmpfs") => memory(fields, &bad)?,
        Some(other @ ("image" | "npipe" | "cluster" | "overlay" | "devpts" | "glob" | "ramfs")) => {
            return Err(bad(&format!("mounts of type {other} are not built in yet")));
        }
        Some(other) => {
            return Err(bad(&format!("there is no type {other:?}"))
                .with_hint("known are bind, volume and tmpfs"));
        }
    };
    Ok(MountOptions { target, kind, read_only })
}

fn bind(fields: Fields, bad: &dyn Fn(&str) -> Error) -> Result<MountKind> {
    refuse(fields.no_copy.is_some(), "volume-nocopy", "bind", bad)?;
    refuse(fields.size.is_some(), "tmpfs-size", "bind", bad)?;
    refuse(fields.mode.is_some(), "tmpfs-mode", "bind", bad)?;
    match fields.source.as_deref() {
        None | Some(b"") => Err(bad("a bind needs a source")),
        Some(source) => Ok(MountKind::Bind {
            source: absolute(FLAG, source)?,
            create: fields.create.unwrap_or(false),
        }),
    }
}

fn volume(fields: Fields, bad: &dyn Fn(&str) -> Error) -> Result<MountKind> {
    refuse(fields.create.is_some(), "bind-create-src", "volume", bad)?;
    refuse(fields.size.is_some(), "tmpfs-size", "volume", bad)?;
    refuse(fields.mode.is_some(), "tmpfs-mode", "volume", bad)?;
    let name = match fields.source.as_deref() {
        None | Some(b"") => None,
        Some(name) if name.contains(&b'/') => {
            return Err(bad("the name of a volume has no slash; a path needs type=bind"));
        }
        Some(name) => Some(text(FLAG, name)?.parse::<VolumeName>()?.as_str().to_owned()),
    };
    Ok(MountKind::Volume { name, no_copy: fields.no_copy.unwrap_or(false) })
}

fn memory(fields: Fields, bad: &dyn Fn(&str) -> Error) -> Result<MountKind> {
    refuse(fields.create.is_some(), "bind-create-src", "tmpfs", bad)?;
    refuse(fields.no_copy.is_some(), "volume-nocopy", "tmpfs", bad)?;
    refuse(fields.source.is_some(), "source", "tmpfs", bad)?;
    Ok(MountKind::Tmpfs { size: fields.size, inodes: None, mode: fields.mode, exec: false })
}

fn refuse(given: bool, key: &str, kind: &str, bad: &dyn Fn(&str) -> Error) -> Result<()> {
    match given {
        true => Err(bad(&format!("{key} does not go with type={kind}"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts() {
        let volume = |name: Option<&str>, no_copy| MountKind::Volume {
            name: name.map(str::to_owned),
            no_copy,
        };
        let bind = |source: &str| MountKind::Bind { source: source.into(), create: false };
        for (text, kind, read_only) in [
            ("type=bind,source=/a,target=/t", bind("/a"), false),
            ("type=bind,src=/a,dst=/t,readonly", bind("/a"), true),
            ("type=bind,\"src=/a,b\",destination=/t,ro=false", bind("/a,b"), false),
            ("type=volume,source=v,target=/t,volume-nocopy", volume(Some("v"), true), false),
            ("source=v,target=/t", volume(Some("v"), false), false),
            ("target=/t", volume(None, false), false),
            (
                "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700",
                MountKind::Tmpfs {
                    size: Some(1 << 20),
                    inodes: None,
                    mode: Some(0o700),
                    exec: false,
                },
                false,
            ),
        ] {
            let mount = mount(text).unwrap();
            assert_eq!(mount, MountOptions { target: "/t".into(), kind, read_only }, "{text}");
        }
        for text in [
            "",
            "type=bind,target=/t",
            "type=bind,source=/a",
            "type=bind,source=/a,target=t",
            "type=bind,source=/a,target=/",
            "type=bind,source=/a,target=/t,volume-nocopy",
            "type=bind,source=/a,target=/t,bind-propagation=shared",
            "type=bind,source=/a,target=/t,readonly=maybe",
            "type=volume,source=/a,target=/t",
            "type=tmpfs,source=x,target=/t",
            "type=tmpfs,target=/t,tmpfs-mode=9",
            "type=image,source=x,target=/t",
            "type=what,target=/t",
            "type=bind,source=/a,target=/t,colour=red",
            "target=/t,volume-driver=nfs",
            "type",
        ] {
            assert!(mount(text).is_err(), "{text}");
        }
    }
}
