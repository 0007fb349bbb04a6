//! The harness itself: a suite is only worth what its runner notices.

use minidock_tests::{Call, stage};

#[test]
fn the_suite_runs_as_a_user_on_staged_artefacts() {
    stage::assert_not_root();
    assert!(stage::minidock().is_file());
    assert!(stage::runtime().is_file(), "{} is no file", stage::runtime().display());
    assert!(stage::debian_tar().is_file());
}

#[test]
fn status_signal_and_both_outputs_are_told_apart() {
    let output = Call::new("sh").args(["-c", "cat; echo err >&2; exit 3"]).input("in").run();
    assert_eq!((output.code, output.signal), (Some(3), None));
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("in", "err\n"));
    let killed = Call::new("sh").args(["-c", "kill -9 $$"]).run();
    assert_eq!((killed.code, killed.signal), (None, Some(9)));
}

#[test]
#[should_panic(expected = "status 0 was expected of `false` ended with status 1")]
fn a_failure_is_not_taken_for_success() {
    Call::new("false").run().succeeds();
}
