//! Looks for what a scenario left behind: processes, mounts, temporary files. Processes are found
//! below the test itself, which makes itself the one that orphans fall to (prctl(2),
//! `PR_SET_CHILD_SUBREAPER`): neither a double fork nor setsid nor another user id hides one.
//!
//! Tests of one executable run side by side, and one would see the other's processes. So
//! [`Leaks::watch`] waits for a moment in which no other [`crate::Minidock`] lives.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{Process, below};
use crate::stage::assert_not_root;

static ALONE: RwLock<()> = RwLock::new(());

/// How long something that ends by itself is given.
const GRACE: Duration = Duration::from_secs(10);

/// Something that was not there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leak {
    /// A process below this one.
    Process(Process),
    /// A line of `/proc/self/mountinfo`.
    Mount(String),
    /// An entry of a directory for temporary files.
    File(PathBuf),
}

/// The state before a scenario. While it lives, no other scenario of this executable runs.
#[derive(Debug)]
pub struct Leaks {
    before: BTreeSet<Leak>,
    _alone: RwLockWriteGuard<'static, ()>,
}

/// Held by every scenario that does not look for leaks.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    // A failed test poisons the lock, which guards no data.
    ALONE.read().unwrap_or_else(PoisonError::into_inner)
}

impl Leaks {
    /// Notes what there is now, once no other scenario runs.
    ///
    /// # Panics
    /// When root runs the test, or the kernel refuses to hand over orphans.
    #[must_use]
    pub fn watch() -> Self {
        assert_not_root();
        let alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
        let own = rustix::process::getpid();
        if let Err(errno) = rustix::process::set_child_subreaper(Some(own)) {
            panic!("orphans cannot be watched: {errno}");
        }
        Self { before: now(), _alone: alone }
    }

    /// What is there now and was not before, after what ends by itself has had the time to.
    #[must_use]
    pub fn found(&self) -> Vec<Leak> {
        self.found_after(GRACE)
    }

    /// As [`Leaks::found`], with a grace of its own for what ends by itself.
    #[must_use]
    pub fn found_after(&self, grace: Duration) -> Vec<Leak> {
        let begun = Instant::now();
        loop {
            let left: Vec<Leak> = now().difference(&self.before).cloned().collect();
            if left.is_empty() || begun.elapsed() > grace {
                return left;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Nothing was left behind.
    ///
    /// # Panics
    /// When something was; each is named, and processes are ended.
    #[track_caller]
    pub fn none(&self) {
        let found = self.found();
        for leak in &found {
            if let Leak::Process(process) = leak {
                process.kill();
            }
        }
        assert!(found.is_empty(), "left behind: {found:#?}");
    }
}

fn now() -> BTreeSet<Leak> {
    let mut all: BTreeSet<Leak> =
        below(std::process::id()).into_iter().map(Leak::Process).collect();
    all.extend(mounts().into_iter().map(Leak::Mount));
    all.extend(temporary_files().into_iter().map(Leak::File));
    all
}

fn mounts() -> Vec<String> {
    match fs::read_to_string("/proc/self/mountinfo") {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) => panic!("/proc/self/mountinfo cannot be read: {error}"),
    }
}

/// Entries of the shared directories that belong to this user, and of `TMPDIR`.
fn temporary_files() -> Vec<PathBuf> {
    let own = rustix::process::getuid().as_raw();
    let mut dirs = vec![std::env::temp_dir()];
    dirs.extend(["/tmp", "/var/tmp", "/dev/shm", "/run/lock"].map(PathBuf::from));
    dirs.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
    let entries = |dir: &PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
    dirs.iter()
        .flat_map(entries)
        .map(|entry| entry.path())
        .filter(|path| owner(path) == Some(own))
        .collect()
}

fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|found| found.uid())
}
