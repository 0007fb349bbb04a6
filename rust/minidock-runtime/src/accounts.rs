//! The image's users and groups: `/etc/passwd` and `/etc/group` beneath a root, as data.
//!
//! It reads regular files alone, resolved within the root, and never asks the host's databases.
//! A number is always taken as an id, never as a name (docker's rule).

mod table;

use std::io::Read as _;
use std::os::fd::BorrowedFd;

use minidock_proto::bytes::Bytes;
use minidock_proto::request::FailureKind;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

use crate::failure::{Context as _, Result, failure, failure_with_hint};
use table::Row;

/// Most that is read of either file.
const MAX_LEN: u64 = 1 << 20;
/// Most groups of a process (Linux `NGROUPS_MAX`).
const MAX_GROUPS: usize = 65536;
/// -1 means "no change" to chown(2) and setresuid(2): it is no id.
const NO_ID: u32 = u32::MAX;

/// The account files of one root.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    passwd: Vec<u8>,
    group: Vec<u8>,
}

/// Who a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// User id.
    pub(crate) uid: u32,
    /// Primary group id.
    pub(crate) gid: u32,
    /// Home directory; `/` where the image names none.
    pub(crate) home: Bytes,
    /// Supplementary groups, when the specification named no group.
    pub(crate) groups: Vec<u32>,
}

/// What a user or group is called in a specification.
enum Key<'a> {
    Id(u32),
    Name(&'a str),
}

impl Accounts {
    /// Reads both files; one that does not exist is empty.
    pub(crate) fn open(root: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self { passwd: read(root, "etc/passwd")?, group: read(root, "etc/group")? })
    }

    /// Resolves `user`, `uid`, `user:group` or any mix of names and numbers; empty is uid 0.
    /// An unknown number is itself; an unknown name is an error.
    pub(crate) fn user(&self, spec: &str) -> Result<User> {
        let (user, group) = split(spec)?;
        let key = if user.is_empty() { Key::Id(0) } else { key(user, spec)? };
        let row = table::rows(&self.passwd).find(|row| matches(row, &key));
        let mut found = match (&row, key) {
            (Some(row), key) => known(row, key)?,
            (None, Key::Id(uid)) => User { uid, gid: 0, home: "/".into(), groups: Vec::new() },
            (None, Key::Name(name)) => return Err(unknown("user", name, "/etc/passwd")),
        };
        if !group.is_empty() {
            found.gid = self.group_of(group, spec)?;
        } else if let Some(row) = row {
            found.groups = self.memberships(row.name())?;
        }
        Ok(found)
    }

    /// Resolves the name or number of a group.
    pub(crate) fn group(&self, name: &str) -> Result<u32> {
        self.group_of(name, name)
    }

    /// Resolves `--chown` as BuildKit does: a lone number is also the group.
    pub(crate) fn owner(&self, spec: &str) -> Result<(u32, u32)> {
        let (user, group) = split(spec)?;
        let found = self.user(spec)?;
        match key(user, spec)? {
            Key::Id(uid) if group.is_empty() && !user.is_empty() => Ok((uid, uid)),
            _ => Ok((found.uid, found.gid)),
        }
    }

    fn group_of(&self, name: &str, spec: &str) -> Result<u32> {
        let name = match key(name, spec)? {
            Key::Id(gid) => return Ok(gid),
            Key::Name(name) => name,
        };
        let row = table::rows(&self.group)
            .find(|row| row.name() == name.as_bytes())
            .ok_or_else(|| unknown("group", name, "/etc/group"))?;
        row.id(2).ok_or_else(|| malformed(&row, "/etc/group"))
    }

    /// Groups whose list of members has this user; a line without a valid id is none.
    fn memberships(&self, user: &[u8]) -> Result<Vec<u32>> {
        let mut groups = Vec::new();
        for row in table::rows(&self.group).filter(|row| row.has_member(user)) {
            groups.extend(row.id(2));
        }
        groups.sort_unstable();
        groups.dedup();
        if groups.len() > MAX_GROUPS {
            let text = format!(
                "/etc/group of the image puts {:?} into {} groups: at most {MAX_GROUPS} are possible",
                String::from_utf8_lossy(user),
                groups.len()
            );
            return Err(failure(FailureKind::InvalidInput, text));
        }
        Ok(groups)
    }
}

fn matches(row: &Row<'_>, key: &Key<'_>) -> bool {
    match key {
        Key::Id(uid) => row.id(2) == Some(*uid),
        Key::Name(name) => row.name() == name.as_bytes(),
    }
}

fn known(row: &Row<'_>, key: Key<'_>) -> Result<User> {
    let uid = match key {
        Key::Id(uid) => uid,
        Key::Name(_) => row.id(2).ok_or_else(|| malformed(row, "/etc/passwd"))?,
    };
    let gid = row.id(3).ok_or_else(|| malformed(row, "/etc/passwd"))?;
    let home = row.field(5);
    if home.contains(&0) {
        return Err(malformed(row, "/etc/passwd"));
    }
    let home = if home.is_empty() { &b"/"[..] } else { home };
    Ok(User { uid, gid, home: home.to_vec().into(), groups: Vec::new() })
}

/// User and group of a specification; either may be empty.
fn split(spec: &str) -> Result<(&str, &str)> {
    let (user, group) = spec.split_once(':').unwrap_or((spec, ""));
    if group.contains(':') {
        return Err(failure_with_hint(
            FailureKind::InvalidInput,
            format!("user {spec:?} has more than one colon"),
            "write it as user, uid, user:group or uid:gid",
        ));
    }
    Ok((user, group))
}

/// Decides between number and name. A sign in front of digits is a number out of range, too.
fn key<'a>(text: &'a str, spec: &str) -> Result<Key<'a>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Key::Name(text));
    }
    match text.parse::<u32>() {
        Ok(id) if id != NO_ID && digits == text => Ok(Key::Id(id)),
        _ => Err(failure(
            FailureKind::InvalidInput,
            format!("id {text:?} in {spec:?} is out of range: ids go from 0 to {}", NO_ID - 1),
        )),
    }
}

fn unknown(what: &str, name: &str, file: &str) -> minidock_proto::request::Failure {
    failure_with_hint(
        FailureKind::NotFound,
        format!("{what} {name:?} is not in the image's {file}"),
        format!("use a numeric id, or add the {what} to the image"),
    )
}

fn malformed(row: &Row<'_>, file: &str) -> minidock_proto::request::Failure {
    let name = String::from_utf8_lossy(row.name());
    failure(
        FailureKind::InvalidInput,
        format!("line {} of the image's {file} ({name:?}) is malformed", row.line()),
    )
}

fn read(root: BorrowedFd<'_>, path: &str) -> Result<Vec<u8>> {
    // Not blocking: a FIFO in its place must not hold us up.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = match openat2(root, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
        other => other.context(|| format!("open /{path} of the image"))?,
    };
    let stat = fstat(&file).context(|| format!("stat /{path} of the image"))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        let text = format!("/{path} of the image is not a regular file");
        return Err(failure(FailureKind::InvalidInput, text));
    }
    let mut bytes = Vec::new();
    let mut limited = std::fs::File::from(file).take(MAX_LEN + 1);
    limited.read_to_end(&mut bytes).context(|| format!("read /{path} of the image"))?;
    if bytes.len() as u64 > MAX_LEN {
        let text = format!("/{path} of the image is larger than {MAX_LEN} bytes");
        return Err(failure(FailureKind::InvalidInput, text));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
