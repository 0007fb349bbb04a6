//! What is left when everything of a store was removed: processes, mounts, temporary files (by
//! [`Leaks`]), locks that are still held, and files in the store that nothing refers to.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use minidock_tests::{Busybox, Leaks};

/// Directories of the store that are empty when nothing is going on.
const EMPTY_AT_REST: &[&str] = &["containers", "names", "ingest", "trash"];

/// What is held or left in the store, once the container list is empty.
pub(crate) fn left_in_store(busybox: &Busybox) -> Vec<String> {
    let root = busybox.root();
    let mut left: Vec<String> =
        held_locks(&root).into_iter().map(|path| format!("held lock {path}")).collect();
    for dir in EMPTY_AT_REST {
        for entry in fs::read_dir(root.join(dir)).into_iter().flatten().flatten() {
            left.push(format!("{dir}/{}", entry.file_name().to_string_lossy()));
        }
    }
    let check = busybox.run(["system", "check"]);
    let clean = check.code == Some(0) && check.stdout.ends_with(": all is well\n");
    if !clean {
        left.push(check.told());
    }
    left
}

/// Nothing is left of a store whose containers are removed, after the holder had its time to end.
///
/// # Panics
/// When something is.
#[track_caller]
pub(crate) fn nothing_is_left(busybox: &Busybox, leaks: &Leaks, told: &str) {
    busybox.run(["system", "prune", "-f"]).succeeds();
    let begun = Instant::now();
    let mut left = left_in_store(busybox);
    while !left.is_empty() && begun.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(200));
        left = left_in_store(busybox);
    }
    assert!(left.is_empty(), "left in the store after {told}: {left:#?}");
    // The scenario's own directory was made after the watch began.
    let found: Vec<_> = leaks.found().into_iter().filter(|leak| !is_own(leak, busybox)).collect();
    assert!(found.is_empty(), "left behind after {told}: {found:#?}");
}

fn is_own(leak: &minidock_tests::leaks::Leak, busybox: &Busybox) -> bool {
    matches!(leak, minidock_tests::leaks::Leak::File(path) if path == busybox.dir())
}

/// Files below `root` on which somebody holds a lock (proc_locks(5)).
pub(crate) fn held_locks(root: &Path) -> Vec<String> {
    let text = fs::read_to_string("/proc/locks").unwrap();
    let locked: BTreeSet<u64> = text
        .lines()
        .filter_map(|line| line.split_whitespace().find(|field| field.matches(':').count() == 2))
        .filter_map(|place| place.rsplit(':').next()?.parse().ok())
        .collect();
    let mut held = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        // Trees of subordinate ids cannot be read, and hold no locks.
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let Ok(found) = fs::symlink_metadata(entry.path()) else { continue };
            if found.is_dir() {
                open.push(entry.path());
            } else if locked.contains(&found.ino()) {
                held.push(entry.path().display().to_string());
            }
        }
    }
    held
}

#[test]
fn a_planted_lock_and_a_planted_lease_are_found() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    let at_rest = Instant::now();
    while !left_in_store(&busybox).is_empty() {
        assert!(at_rest.elapsed() < Duration::from_secs(15), "{:?}", left_in_store(&busybox));
        std::thread::sleep(Duration::from_millis(100));
    }
    let planted = busybox.write("store/ingest/planted", "");
    let file = fs::File::open(&planted).unwrap();
    file.lock_shared().unwrap();
    let left = left_in_store(&busybox);
    assert!(left.iter().any(|line| line.starts_with("held lock ")), "{left:?}");
    assert!(left.contains(&"ingest/planted".to_owned()), "{left:?}");
    drop(file);
    fs::remove_file(planted).unwrap();
    nothing_is_left(&busybox, &leaks, "nothing");
}

#[test]
fn a_container_that_runs_is_found_as_processes_and_lock() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.start("planted", &[], "sleep 1000");
    let processes = leaks.found_after(Duration::ZERO);
    let commands: Vec<_> = processes
        .iter()
        .filter_map(|leak| match leak {
            minidock_tests::leaks::Leak::Process(process) => Some(process.command.as_str()),
            _ => None,
        })
        .collect();
    assert!(commands.contains(&"sleep 1000"), "{commands:?}");
    let left = left_in_store(&busybox);
    assert!(left.iter().any(|line| line.starts_with("held lock ")), "{left:?}");
    assert!(left.iter().any(|line| line == "names/planted"), "{left:?}");
    busybox.run(["rm", "-f", "planted"]).succeeds();
    nothing_is_left(&busybox, &leaks, "a container that was removed");
}

#[test]
fn the_holder_of_the_user_namespace_ends_seconds_after_its_last_user() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.sh("true").succeeds();
    let begun = Instant::now();
    let mut still = minidock_tests::process::below(std::process::id());
    while still.len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(2), "more than one lives on: {still:?}");
        still = minidock_tests::process::below(std::process::id());
    }
    assert_eq!(still.len(), 1, "one process waits for the next container: {still:?}");
    while still[0].lives() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{still:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(3), "it ended after {took:?}, which helps nobody");
    nothing_is_left(&busybox, &leaks, "the end of the holder");
}
