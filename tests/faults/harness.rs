//! The harness itself: plants leaks and hangs, and sees them found.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use minidock_tests::command::CallError;
use minidock_tests::leaks::Leak;
use minidock_tests::{Call, Leaks};

/// What is planted does not go away, so there is nothing to wait for.
const SOON: Duration = Duration::from_millis(200);

#[test]
fn the_leak_checker_finds_a_planted_process() {
    let leaks = Leaks::watch();
    // Forked twice and in a session of its own, as a daemon would be.
    Call::new("sh").args(["-c", "setsid sleep 301 >/dev/null 2>&1 </dev/null &"]).run().succeeds();
    let found = leaks.found_after(SOON);
    let planted = |leak: &Leak| match leak {
        Leak::Process(process) => process.command == "sleep 301",
        Leak::Mount(_) | Leak::File(_) => false,
    };
    for leak in &found {
        if let Leak::Process(process) = leak {
            process.kill();
        }
    }
    assert_eq!(found.iter().filter(|leak| planted(leak)).count(), 1, "{found:?}");
    leaks.none();
}

#[test]
fn the_leak_checker_finds_a_planted_file() {
    let leaks = Leaks::watch();
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(leaks.found_after(SOON), [Leak::File(file.path().to_owned())]);
    drop(file);
    leaks.none();
}

#[test]
fn a_time_limit_ends_the_whole_tree() {
    let leaks = Leaks::watch();
    let begun = Instant::now();
    let script = "setsid sleep 302 & sleep 302 & echo begun; wait";
    let limit = Duration::from_millis(500);
    let error = Call::new("sh").args(["-c", script]).limit(limit).try_run().unwrap_err();
    match error {
        CallError::TimedOut { stdout, .. } => assert_eq!(stdout, "begun\n"),
        other => panic!("{other}"),
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    leaks.none();
}

#[test]
fn an_output_held_open_by_a_stray_is_named() {
    let leaks = Leaks::watch();
    let error = Call::new("sh").args(["-c", "sleep 303 &"]).try_run().unwrap_err();
    assert!(matches!(error, CallError::OutputHeld { .. }), "{error}");
    for leak in leaks.found_after(SOON) {
        if let Leak::Process(process) = leak {
            process.kill();
        }
    }
    leaks.none();
}

#[test]
fn a_process_is_known_by_more_than_its_pid() {
    let _leaks = Leaks::watch();
    let mut child =
        Command::new("sleep").arg("304").process_group(0).stdin(Stdio::null()).spawn().unwrap();
    let found = minidock_tests::process::below(std::process::id());
    let mut process = found.into_iter().find(|each| each.pid == child.id()).unwrap();
    process.started += 1;
    process.kill();
    assert!(child.try_wait().unwrap().is_none(), "a process of another start time was killed");
    child.kill().unwrap();
    child.wait().unwrap();
}
