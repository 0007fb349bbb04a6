//! Which ids containers have: the user's subordinate ids where the host offers them, else one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use minidock_proto::mapping::{Extent, Mapping};

use crate::error::{Error, ErrorKind, Result};

/// The mapping that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserNamespace {
    /// Subordinate ids where they can be had, else a single id.
    #[default]
    Auto,
    /// A single id: root inside is the user outside.
    Single,
}

/// What was decided, and why.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) mapping: Mapping,
    pub(crate) single_because: Option<String>,
}

const SHADOW_DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// Decides the mapping for the calling user.
pub(crate) fn choose(wanted: UserNamespace) -> Result<Chosen> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let single = |because: Option<String>| {
        Ok(Chosen { mapping: Mapping::single(uid, gid), single_because: because })
    };
    if wanted == UserNamespace::Single {
        return single(None);
    }
    match subordinate(uid, gid)? {
        Ok(mapping) => Ok(Chosen { mapping, single_because: None }),
        Err(because) => single(Some(because)),
    }
}

/// The mapping with subordinate ids, or why there is none.
fn subordinate(uid: u32, gid: u32) -> Result<std::result::Result<Mapping, String>> {
    for program in ["newuidmap", "newgidmap"] {
        if let Err(because) = usable(program) {
            return Ok(Err(because));
        }
    }
    if no_new_privileges() {
        return Ok(Err("this process runs under no_new_privs, newuidmap cannot work".to_owned()));
    }
    let name = login_name(uid)?;
    let uids = ranges("/etc/subuid", name.as_deref(), uid)?;
    let gids = ranges("/etc/subgid", name.as_deref(), uid)?;
    if uids.is_empty() || gids.is_empty() {
        let who = name.unwrap_or_else(|| uid.to_string());
        let file = if uids.is_empty() { "/etc/subuid" } else { "/etc/subgid" };
        return Ok(Err(format!("{file} has no line for {who}")));
    }
    Ok(Ok(Mapping { uids: extents(uid, &uids), gids: extents(gid, &gids) }))
}

/// Whether a program of shadow is there and has its privilege.
fn usable(program: &str) -> std::result::Result<(), String> {
    let found = SHADOW_DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(program))
        .find_map(|path| fs::metadata(&path).ok().map(|metadata| (path, metadata)));
    let Some((path, metadata)) = found else {
        return Err(format!("{program} is not installed (package uidmap)"));
    };
    let setuid = metadata.permissions().mode() & 0o4000 != 0 && metadata.uid() == 0;
    let mut value = [0_u8; 64];
    let capable = rustix::fs::getxattr(&path, "security.capability", &mut value[..]).is_ok();
    if setuid || capable {
        return Ok(());
    }
    Err(format!("{} is neither setuid root nor has file capabilities", path.display()))
}

fn no_new_privileges() -> bool {
    fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line == "NoNewPrivs:\t1"))
}

/// The user's name in /etc/passwd; users of other databases are found by number.
fn login_name(uid: u32) -> Result<Option<String>> {
    let text = read("/etc/passwd")?;
    Ok(text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    }))
}

fn read(path: &str) -> Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::at("read", Path::new(path), error)),
    }
}

/// The user's ranges, `name:first:count` each (subuid(5)).
fn ranges(path: &str, name: Option<&str>, uid: u32) -> Result<Vec<(u32, u32)>> {
    let text = read(path)?;
    let number = uid.to_string();
    let mut ranges = Vec::new();
    for (line_number, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(':').collect();
        let [who, first, count] = fields[..] else { continue };
        if who != number && Some(who) != name {
            continue;
        }
        let (Ok(first), Ok(count)) = (first.trim().parse::<u32>(), count.trim().parse::<u32>())
        else {
            return Err(Error::new(
                ErrorKind::HostUnsupported,
                format!("{path}:{}: {line:?} is not `name:first:count`", line_number + 1),
            ));
        };
        if count > 0 && first.checked_add(count).is_some() {
            ranges.push((first, count));
        }
    }
    Ok(ranges)
}

/// Id 0 is the user, the ranges follow from 1 on.
fn extents(own: u32, ranges: &[(u32, u32)]) -> Vec<Extent> {
    let mut extents = vec![Extent { inside: 0, outside: own, count: 1 }];
    let mut inside = 1_u32;
    for &(outside, count) in ranges {
        let count = count.min(u32::MAX - 1 - inside);
        if count == 0 {
            break;
        }
        extents.push(Extent { inside, outside, count });
        inside += count;
    }
    extents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other() {
        let extents = extents(1000, &[(100_000, 65536), (300_000, 10)]);
        let mapping = Mapping { uids: extents.clone(), gids: extents };
        assert!(mapping.has_uid(0) && mapping.has_uid(65536) && mapping.has_uid(65546));
        assert!(!mapping.has_uid(65547));
    }
}
