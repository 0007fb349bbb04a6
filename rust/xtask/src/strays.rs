//! Finds the processes that a run left behind. This process is made the one that orphans fall to
//! (`PR_SET_CHILD_SUBREAPER`, prctl(2)), so that whatever a test started is found below it even
//! after a double fork and setsid. Nothing is matched by name, and nothing else is ever killed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

use crate::error::Error;

/// How long something that ends by itself (an idle holder) is given.
const GRACE: Duration = Duration::from_secs(20);

/// A process that is still there.
#[derive(Debug)]
pub(crate) struct Stray {
    pid: u32,
    command: String,
}

impl Stray {
    /// For the summary.
    pub(crate) fn shown(&self) -> String {
        format!("process {}: {}", self.pid, self.command)
    }
}

/// Makes this process inherit the orphans of everything it starts.
pub(crate) fn adopt() -> Result<(), Error> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| Error::Start { program: "prctl".to_owned(), source: errno.into() })
}

/// Waits until nothing is left below this process, then names and ends what still is.
/// Only to be called while no child of this process is awaited elsewhere.
pub(crate) fn end_all() -> Vec<Stray> {
    let begun = Instant::now();
    loop {
        reap();
        let left = below(std::process::id());
        if left.is_empty() || begun.elapsed() > GRACE {
            kill_below(std::process::id());
            std::thread::sleep(Duration::from_millis(50));
            reap();
            return left;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ends every process below `root`, not `root` itself.
pub(crate) fn kill_below(root: u32) {
    for stray in below(root) {
        if let Some(pid) = i32::try_from(stray.pid).ok().and_then(Pid::from_raw) {
            // One that has ended meanwhile is what was wanted.
            let _ended_already = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}

/// Every living process below `root`, children before their own children.
fn below(root: u32) -> Vec<Stray> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(Stray { pid: child, command: command_of(child) });
            open.push(child);
        }
    }
    found
}

fn processes() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, living_parent(pid)?)))
        .collect()
}

/// The parent's pid out of proc_pid_stat(5); `None` for a zombie and for one that is gone.
fn living_parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so the fields are counted from its end.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.next()?.parse().ok() }
}

fn command_of(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let line = line.trim();
    if line.is_empty() {
        // A process may clear its command line; the kernel's short name stays.
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return format!("[{}]", name.trim());
    }
    line.to_owned()
}
