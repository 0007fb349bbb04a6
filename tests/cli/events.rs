//! `events`: what happened, in order, by whom ever it was done.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use minidock_tests::{Busybox, stage};

const ALL: [&str; 4] = ["--since", "0", "--until", "0s"];

fn actions(busybox: &Busybox, flags: &[&str]) -> Vec<String> {
    let call = busybox.call(["events"]).args(ALL).args(["--format", "{{.Type}} {{.Action}}"]);
    call.args(flags).run().succeeds().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn the_life_of_a_container() {
    let busybox = Busybox::new();
    busybox.start("one", &["--label", "stage=test"], "sleep 1000");
    busybox.run(["exec", "one", "true"]).succeeds();
    busybox.run(["stop", "-t", "0", "one"]).succeeds();
    busybox.run(["rm", "one"]).succeeds();
    let told = actions(&busybox, &["--filter", "container=one"]);
    let expected = [
        "container create",
        "container start",
        "container exec_create: true",
        "container exec_start: true",
        "container exec_die",
        "container kill",
        "container kill",
        "container die",
        "container stop",
        "container destroy",
    ];
    assert_eq!(told, expected);
    let die =
        busybox.call(["events"]).args(ALL).args(["--filter", "event=die", "--format", "json"]);
    let die = die.run().succeeds().line().to_owned();
    for part in [
        "\"Type\":\"container\"",
        "\"status\":\"die\"",
        "\"from\":\"busybox\"",
        "\"exitCode\":\"137\"",
        "\"name\":\"one\"",
        "\"stage\":\"test\"",
        "\"scope\":\"local\"",
    ] {
        assert!(die.contains(part), "{part}: {die}");
    }
    assert_eq!(actions(&busybox, &["--filter", "label=stage=test"]).len(), expected.len());
    assert_eq!(actions(&busybox, &["--filter", "label=stage=other"]).len(), 0);
    busybox.sh("exit 3").exits(3);
    let rm = actions(&busybox, &["--filter", "type=container"]);
    let last: Vec<&str> = rm.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(last, ["container destroy", "container die", "container start"]);
}

#[test]
fn images_and_volumes() {
    let busybox = Busybox::new();
    busybox.run(["tag", "busybox", "other"]).succeeds();
    busybox.run(["rmi", "other"]).succeeds();
    busybox.run(["volume", "create", "data"]).succeeds();
    busybox.run(["volume", "create", "data"]).succeeds();
    busybox.run(["volume", "rm", "data"]).succeeds();
    let archive = busybox.dir().join("saved.tar").display().to_string();
    busybox.run(["save", "-o", &archive, "busybox"]).succeeds();
    busybox.run(["rmi", "busybox"]).succeeds();
    busybox.run(["load", "-i", &archive]).succeeds();
    let expected = [
        "image import",
        "image tag",
        "image untag",
        "volume create",
        "volume destroy",
        "image save",
        "image untag",
        "image delete",
        "image load",
    ];
    assert_eq!(actions(&busybox, &[]), expected);
    assert_eq!(actions(&busybox, &["--filter", "volume=data"]).len(), 2);
}

#[test]
fn a_killed_supervisor_dies_all_the_same() {
    let busybox = Busybox::new();
    busybox.start("one", &[], "sleep 1000");
    let pid: i32 = busybox.inspect("one", "{{.State.Pid}}").parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim();
    let killed = Command::new("kill").args(["-9", parent]).status().unwrap();
    assert!(killed.success());
    busybox.run(["wait", "one"]).succeeds();
    // Whoever looks first says it, at the time of the look.
    busybox.run(["ps", "-a"]).succeeds();
    let died = busybox.call(["events", "--since", "0", "--filter", "event=die"]);
    let died = died.args(["--until", "0s", "--format", "{{.Actor.Attributes.exitCode}}"]);
    assert_eq!(died.run().succeeds().stdout, "137\n");
    // Once, however often one looks.
    busybox.run(["ps", "-a"]).succeeds();
    assert_eq!(actions(&busybox, &["--filter", "event=die"]).len(), 1);
    busybox.run(["rm", "one"]).succeeds();
}

#[test]
fn they_come_as_they_happen() {
    let busybox = Busybox::new();
    let mut child = Command::new(stage::minidock())
        .arg("--root")
        .arg(busybox.root())
        .args(["events", "--since", "0", "--format", "{{.Action}}", "--filter", "type=volume"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        busybox.run(["volume", "create", "data"]).succeeds();
        assert_eq!(lines.next().unwrap().unwrap(), "create");
        busybox.run(["volume", "rm", "data"]).succeeds();
        assert_eq!(lines.next().unwrap().unwrap(), "destroy");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_not_understood_is_refused() {
    let busybox = Busybox::new();
    busybox.run(["events", "--filter", "node=x"]).exits(2).stderr_has("node");
    busybox.run(["events", "--since", "yesterday"]).exits(2).stderr_has("yesterday");
    busybox.run(["events", "--format", "{{.Nope"]).exits(2).stderr_has("--format");
}
