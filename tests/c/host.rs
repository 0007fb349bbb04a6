//! The library in processes that are no friends, and what is left when a process is killed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use minidock_tests::Leaks;

use crate::program::Scene;

/// What `hostile.c` says when nothing of its process changed.
const UNCHANGED: i32 = 42;

fn nothing_changes(what: &str) {
    let scene = Scene::new();
    let hostile = scene.compile("hostile", &[]);
    let call = scene.clean(minidock_tests::Call::new(&hostile)).args([what]);
    call.args([scene.root(), scene.tar()]).run().exits(UNCHANGED);
}

#[test]
fn a_plain_process_is_not_changed() {
    nothing_changes("plain");
}

#[test]
fn standard_streams_may_be_closed() {
    nothing_changes("closed");
}

#[test]
fn sigchld_may_be_ignored() {
    nothing_changes("sigchld");
}

#[test]
fn every_signal_may_be_blocked() {
    nothing_changes("blocked");
}

#[test]
fn a_peer_that_is_gone_is_no_sigpipe() {
    nothing_changes("sigpipe");
}

#[test]
fn the_working_directory_may_be_gone() {
    nothing_changes("cwd");
}

#[test]
fn sixty_four_descriptors_are_enough() {
    nothing_changes("nofile");
}

#[test]
fn a_umask_may_take_everything() {
    nothing_changes("umask");
}

#[test]
fn a_process_may_not_be_dumpable() {
    nothing_changes("dumpable");
}

#[test]
fn threads_may_have_small_stacks() {
    nothing_changes("stack");
}

#[test]
fn a_forked_child_is_refused() {
    nothing_changes("forked");
}

#[test]
fn a_killed_program_takes_what_it_owns_along() {
    let watch = Leaks::watch();
    let scene = Scene::watched(&watch);
    let owner = scene.compile("owner", &[]);
    let mut program = Command::new(owner)
        .args([scene.root(), scene.tar()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(line, "ready\n");
    let left = || scene.run(["ps", "-a", "--format", "{{.Names}} {{.State}}"]).stdout;
    let begun = std::time::Instant::now();
    while left() != "stays running\n" {
        assert!(begun.elapsed().as_secs() < 60, "left: {}", left());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    scene.run(["rm", "-f", "stays"]).succeeds();
    drop(scene);
    watch.none();
}
