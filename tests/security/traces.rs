//! C2, R32: an image's name service (its nsswitch.conf, its libnss_*.so, its nscd socket) is looked at
//! by the image's programs alone, never by a process of ours; and none of its programs or
//! libraries helps to copy its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use minidock_tests::{Call, Output, stage};

use crate::tarball::Tarball;
use crate::world::World;

/// What no process of ours looks at.
const BAIT: &[&str] = &["nsswitch", "libnss_", "nscd"];

const CALLS: &str = "trace=execve,execveat,open,openat,openat2,connect,stat,lstat,newfstatat,\
                     statx,access,faccessat,faccessat2,readlink,readlinkat";

/// The image's program, which does look: the control.
const LOOK: [&str; 2] = ["cat", "/etc/nsswitch.conf"];

fn image() -> Tarball {
    let names =
        ["lib/libnss_evil.so.2", "lib/x86_64-linux-gnu/libnss_evil.so.2", "lib64/libnss_evil.so.2"];
    let base = Tarball::busybox()
        .file("etc/nsswitch.conf", 0o644, b"passwd: evil\ngroup: evil\nhosts: evil\n")
        .entry(b'6', "run/nscd/socket", "", 0o666, b"")
        .symlink("var/run", "../run");
    names.iter().fold(base, |tarball, name| tarball.file(name, 0o755, b"not a library"))
}

fn strace(log: &Path, words: &[std::ffi::OsString]) -> Vec<std::ffi::OsString> {
    let mut all: Vec<std::ffi::OsString> =
        ["-f", "-qq", "-s", "200", "-e", CALLS, "-o"].map(Into::into).to_vec();
    all.push(log.into());
    all.extend_from_slice(words);
    all
}

/// Lines with bait, of our processes and of the image's programs. A process is the image's from
/// its execve of a file in the image's /bin on.
fn bites(log: &Path) -> (Vec<String>, usize) {
    let text = fs::read_to_string(log).unwrap();
    let (mut theirs, mut ours, mut seen) = (BTreeSet::new(), Vec::new(), 0);
    for line in text.lines() {
        let (pid, call) = line.split_once(' ').unwrap_or((line, ""));
        if call.trim_start().starts_with("execve(\"/bin/") {
            theirs.insert(pid);
        }
        if BAIT.iter().any(|bait| call.contains(bait)) && !call.contains("execve(") {
            match theirs.contains(pid) {
                true => seen += 1,
                false => ours.push(line.to_owned()),
            }
        }
    }
    (ours, seen)
}

#[track_caller]
fn only_theirs(log: &Path, what: &str) {
    let (ours, seen) = bites(log);
    assert_eq!(ours, Vec::<String>::new(), "{what}");
    assert!(seen > 0, "{what}: the trace does not show what the program itself opens");
}

/// A setuid newuidmap has no power under strace, so a container outside of the trace keeps the
/// user namespace.
fn world() -> World {
    let world = World::new();
    world.import(&image(), "base").succeeds();
    world
}

#[test]
fn starting_a_container_opens_nothing_of_the_images_name_service() {
    let world = world();
    let _warm = world.start("warm", &["--network", "none"], "base");
    for flags in [&[] as &[&str], &["--user", "user"], &["--user", "1000"], &["--privileged"]] {
        let log = world.dir().join("run.strace");
        let words = [&["run", "--rm", "--network", "none"], flags, &["base"], &LOOK].concat();
        let run = traced(&world, &log, world.words(words));
        run.succeeds().stdout_has("evil");
        only_theirs(&log, &format!("run {flags:?}"));
    }
}

#[test]
fn executing_in_a_container_opens_nothing_of_the_images_name_service() {
    let world = world();
    let _warm = world.start("warm", &["--network", "none"], "base");
    let log = world.dir().join("exec.strace");
    let words = ["run", "-d", "--name", "traced", "--network", "none", "base", "sleep", "1000"];
    let mut child = traced_in_the_background(&log, &world.words(words));
    wait_for(&world, "traced");
    for flags in [&[] as &[&str], &["--user", "user"], &["--user", "4242"]] {
        let exec = world.run([&["exec"], flags, &["traced"], &LOOK].concat());
        exec.succeeds().stdout_has("evil");
    }
    world.run(["rm", "-f", "traced"]).succeeds();
    child.wait().unwrap();
    only_theirs(&log, "exec");
}

#[test]
fn building_opens_nothing_of_the_images_name_service() {
    let world = world();
    let _warm = world.start("warm", &["--network", "none"], "base");
    let text = "FROM base\nUSER user\nRUN [\"cat\", \"/etc/nsswitch.conf\"]\nUSER root\n\
                COPY --chown=user:user own /own\nWORKDIR /new\nRUN [\"cat\", \"/etc/nsswitch.conf\"]\n";
    let context = world.context("context", text);
    fs::write(context.join("own"), "own\n").unwrap();
    let log = world.dir().join("build.strace");
    let mut words = world.words(["build", "--network", "none", "-t", "built"]);
    words.push(context.into_os_string());
    traced(&world, &log, words).succeeds();
    only_theirs(&log, "build");
}

/// What copying calls: a file of the container is opened by openat2(2), which no loader and no
/// shell uses.
const COPYING: &str = "trace=execve,execveat,open,openat,openat2,connect";

/// Programs that a copy might be tempted to use (CVE-2019-14271 and its like).
const HELPERS: [&str; 8] = ["tar", "gzip", "unpigz", "xz", "ps", "nsenter", "docker-untar", "cp"];

/// C2: copying in and out, running or not, loads and executes nothing of the container's.
#[test]
fn copying_loads_and_executes_nothing_of_the_image() {
    let world = World::new();
    let evil = |tarball: Tarball, dir: &str| {
        HELPERS.iter().fold(tarball, |tarball, name| {
            tarball
                .file(&format!("{dir}/evil-{name}"), 0o755, b"#!/bin/sh\ntouch /ran\n")
                .symlink(&format!("{dir}/{name}"), &format!("evil-{name}"))
        })
    };
    let image = ["usr/bin", "usr/local/bin", "sbin"].into_iter().fold(image(), evil);
    world.import(&image, "base").succeeds();
    let _warm = world.start("warm", &["--network", "none"], "base");
    let create = ["create", "--name", "still", "--network", "none", "base", "sleep", "1000"];
    world.run(create).succeeds();
    let log = world.dir().join("supervisor.strace");
    let start = ["run", "-d", "--name", "traced", "--network", "none", "base", "sleep", "1000"];
    let mut child = traced_while_copying(&log, &world.words(start)).spawn().unwrap();
    wait_for(&world, "traced");
    let before = executed(&log).len();
    let (file, out) = (world.dir().join("f"), world.dir().join("out"));
    fs::write(&file, "x").unwrap();
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    for name in ["still", "traced"] {
        let (all, into) = (format!("{name}:/"), format!("{name}:/lib"));
        let calls: [&[&str]; 5] = [
            &["cp", &all, out],
            &["cp", file, &into],
            &["cp", "-L", &format!("{name}:/bin/sh"), out],
            &["export", "-o", &format!("{out}.tar"), name],
            &["diff", name],
        ];
        for words in calls {
            let own = world.dir().join("own.strace");
            let mut command = traced_while_copying(&own, &world.words(words));
            assert!(command.status().unwrap().success(), "{words:?}");
            let ours = [stage::minidock(), stage::runtime()];
            let ours: Vec<_> = ours.iter().filter_map(|path| path.file_name()).collect();
            for line in executed(&own) {
                let program = line.split('"').nth(1).unwrap_or_default().to_owned();
                assert!(
                    Path::new(&program).file_name().is_some_and(|name| ours.contains(&name)),
                    "{words:?}: {line}"
                );
            }
            assert_eq!(loaded(&own).0, Vec::<String>::new(), "{words:?}");
        }
    }
    let after = executed(&log).len();
    world.run(["rm", "-f", "traced"]).succeeds();
    child.wait().unwrap();
    assert_eq!(after, before, "the supervisor executed something");
    let (bites, copied) = loaded(&log);
    assert_eq!(bites, Vec::<String>::new());
    assert!(copied > 0, "the trace does not show what is copied");
    world.unharmed("copying");
}

fn traced_while_copying(log: &Path, words: &[std::ffi::OsString]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "200", "-e", COPYING, "-o"]).arg(log).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn executed(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap();
    let is_exec = |line: &&str| line.contains("execve(") || line.contains("execveat(");
    text.lines().filter(is_exec).map(str::to_owned).collect()
}

/// Bait that was opened as a loader would, and how often it was copied.
fn loaded(log: &Path) -> (Vec<String>, usize) {
    let text = fs::read_to_string(log).unwrap();
    let bait = text.lines().filter(|line| BAIT.iter().any(|bait| line.contains(bait)));
    let (copied, bites): (Vec<_>, Vec<_>) = bait.partition(|line| line.contains("openat2("));
    (bites.into_iter().map(str::to_owned).collect(), copied.len())
}

fn traced(world: &World, log: &Path, words: Vec<std::ffi::OsString>) -> Output {
    Call::new("strace").args(strace(log, &words)).env("HOME", world.canary.path()).run()
}

/// strace itself stays until the container ends.
fn traced_in_the_background(log: &Path, words: &[std::ffi::OsString]) -> Child {
    let mut command = Command::new("strace");
    command.args(strace(log, words));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_for(world: &World, name: &str) {
    for _ in 0..100 {
        if world.run(["exec", name, "true"]).code == Some(0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{name} does not run");
}
