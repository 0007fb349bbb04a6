//! What an idle container costs in memory: private pages of its supervisor and of the holder of
//! the user namespace (proc_pid_smaps(5)), and what their tmpfs hold. Pages that several processes
//! map, as those of the executable, are not counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use minidock_tests::process::{Process, below};

use crate::error::{Error, file};
use crate::store::Store;
use crate::table::{Goal, Row};

const MOST: u64 = 1 << 20;
/// How long a container is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(1);
const SUPERVISOR: &str = "minidock-runtime: supervisor of";
const RUNTIME: &str = "minidock-runtime";

/// One container that sleeps, then the same beside a second one: what both map of their
/// executable is private to the first only while it is alone.
pub(crate) fn idle() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    store.idle("one")?;
    thread::sleep(SETTLE);
    let all = below(std::process::id());
    let supervisor = find(&all, "supervisor", |command| command.starts_with(SUPERVISOR))?.pid;
    let holder = find(&all, "holder", |command| {
        command.ends_with(RUNTIME) && !command.starts_with(SUPERVISOR)
    })?;
    let mut rows = Vec::new();
    for (role, pid) in [("supervisor", supervisor), ("holder", holder.pid)] {
        let private = format!("private memory of an idle {role}");
        rows.push(Row::bytes(&private, private_memory(pid)?, Goal::Bytes(MOST)));
        let shared = format!("tmpfs of an idle {role}");
        rows.push(Row::bytes(&shared, tmpfs(pid)?, Goal::Unset));
    }
    store.idle("two")?;
    thread::sleep(SETTLE);
    let beside = private_memory(supervisor)?;
    rows.push(Row::bytes("private memory of one of two supervisors", beside, Goal::Bytes(MOST)));
    Ok(rows)
}

fn find<'a>(
    all: &'a [Process],
    role: &'static str,
    is: impl Fn(&str) -> bool,
) -> Result<&'a Process, Error> {
    all.iter().find(|each| is(&each.command)).ok_or_else(|| {
        let found = all.iter().map(|each| each.command.as_str()).collect::<Vec<_>>().join("; ");
        Error::NoProcess { role, found }
    })
}

/// `Private_Clean` and `Private_Dirty` together.
fn private_memory(pid: u32) -> Result<u64, Error> {
    let path = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    let field = |field: &'static str| {
        kibibytes(&text, field).ok_or(Error::Field { path: path.clone(), field })
    };
    Ok((field("Private_Clean")? + field("Private_Dirty")?) * 1024)
}

fn kibibytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What is stored in the tmpfs that the process sees and this one does not.
fn tmpfs(pid: u32) -> Result<u64, Error> {
    let known: BTreeSet<String> =
        mounts("/proc/self")?.into_iter().map(|(device, _)| device).collect();
    let process = format!("/proc/{pid}");
    let mut seen = BTreeSet::new();
    let mut total = 0;
    for (device, at) in mounts(&process)? {
        if known.contains(&device) || !seen.insert(device) {
            continue;
        }
        let path = PathBuf::from(format!("{process}/root{at}"));
        let found = rustix::fs::statvfs(&path).map_err(|errno| Error::File {
            action: "look at",
            path,
            source: errno.into(),
        })?;
        total += (found.f_blocks - found.f_bfree) * found.f_frsize;
    }
    Ok(total)
}

/// Device number and place of each tmpfs of a mount namespace (proc_pid_mountinfo(5)).
fn mounts(process: &str) -> Result<Vec<(String, String)>, Error> {
    let path = PathBuf::from(format!("{process}/mountinfo"));
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    let tmpfs = text.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ');
        let (device, at) = (fields.nth(2)?, fields.nth(1)?);
        after.starts_with("tmpfs ").then(|| (device.to_owned(), at.to_owned()))
    });
    Ok(tmpfs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_smaps_are_told_apart() {
        let text = "Private_Clean:        12 kB\nPrivate_Dirty:       340 kB\n";
        assert_eq!(kibibytes(text, "Private_Dirty"), Some(340));
        assert_eq!(kibibytes(text, "Private"), None);
        assert!(private_memory(std::process::id()).unwrap() > 0);
    }
}
