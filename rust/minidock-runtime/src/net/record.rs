//! The record of a running helper, so that one whose keeper was killed can be found and ended.
//!
//! One line: pid, start time as in `/proc/<pid>/stat`, boot id. A pid alone is never trusted.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal};

use crate::failure::{Context, Result};

/// A process that cannot be mistaken for another.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    pid: Pid,
    start: u64,
    boot: String,
}

impl Identity {
    fn of(pid: Pid) -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
        let start = start_time(&stat).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { pid, start, boot })
    }

    fn line(&self) -> String {
        format!("{} {} {}\n", self.pid.as_raw_nonzero(), self.start, self.boot)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let pid = Pid::from_raw(words.next()?.parse().ok().filter(|pid| *pid > 1)?)?;
        let (start, boot) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        words.next().is_none().then_some(Self { pid, start, boot })
    }
}

/// Field 22 of proc_pid_stat(5); the second one, in brackets, may hold anything.
fn start_time(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// Writes the record of a process of ours that runs.
pub(super) fn write(record: &Path, pid: Pid) -> Result<()> {
    let what = || format!("write the network helper's record {}", record.display());
    let line = Identity::of(pid).context(what)?.line();
    let temporary = record.with_extension("new");
    let mut file = fs::File::create(&temporary).context(what)?;
    file.write_all(line.as_bytes()).context(what)?;
    fs::rename(&temporary, record).context(what)
}

/// Removes the record; none is fine.
pub(super) fn remove(record: &Path) -> Result<()> {
    match fs::remove_file(record) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context(|| format!("remove {}", record.display()))
        }
        _ => Ok(()),
    }
}

/// Ends the helper of this record if it still runs, and removes the record.
///
/// For when both the supervisor and the keeper are gone; without a record it does nothing.
pub(crate) fn sweep(record: &Path) -> Result<()> {
    let line = match fs::read(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        line => line.context(|| format!("read {}", record.display()))?,
    };
    // It is renamed into place whole: only a loss of power tears it, and no helper survives that.
    if let Some(known) = std::str::from_utf8(&line).ok().and_then(Identity::parse) {
        kill(&known)?;
    }
    remove(record)
}

fn kill(known: &Identity) -> Result<()> {
    // The pidfd comes first: what is compared after it is the process that it holds.
    let pidfd = match rustix::process::pidfd_open(known.pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        pidfd => pidfd.context(|| "open a network helper's pidfd".to_owned())?,
    };
    match Identity::of(known.pid) {
        Ok(now) if now == *known => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context(|| "look at a network helper".to_owned()),
    }
    match rustix::process::pidfd_send_signal(&pidfd, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context(|| "end a network helper".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn sleeper() -> (std::process::Child, Pid) {
        let child = Command::new("sleep").arg("100").stdout(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn a_stray_is_killed_and_its_record_removed() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("helper");
        let (mut child, pid) = sleeper();
        write(&record, pid).unwrap();
        sweep(&record).unwrap();
        assert!(!record.exists());
        assert!(!child.wait().unwrap().success());
        sweep(&record).unwrap();
    }

    #[test]
    fn another_process_with_that_pid_lives() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("helper");
        let (mut child, pid) = sleeper();
        let real = Identity::of(pid).unwrap();
        let boot = real.boot.clone();
        for other in [Identity { start: real.start + 1, boot, pid }, {
            Identity { boot: "another".to_owned(), ..real }
        }] {
            fs::write(&record, other.line()).unwrap();
            sweep(&record).unwrap();
            assert!(!record.exists());
            assert!(child.try_wait().unwrap().is_none());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_torn_record_names_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("helper");
        let own = Identity::of(rustix::process::getpid()).unwrap().line();
        for text in ["", "x", "1 2 boot", "-5 2 boot", "5 2", "5 x boot", &own[..own.len() / 2]] {
            fs::write(&record, text).unwrap();
            sweep(&record).unwrap();
            assert!(!record.exists(), "{text:?}");
        }
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = format!("7 (a) b (c) S {}99 5", "1 ".repeat(18));
        assert_eq!(start_time(&stat), Some(99));
        assert_eq!(start_time("7 (a"), None);
    }
}
