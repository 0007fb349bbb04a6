//! The life of a container: from create to rm, with everything between.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use minidock_tests::{Busybox, stage};

#[test]
fn a_container_is_created_started_stopped_and_removed() {
    let busybox = Busybox::new();
    let state = |name: &str| busybox.inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
    let create = ["create", "--name", "one", "--network", "none", "busybox", "sh", "-c"];
    let call = busybox.call(create).args(["echo hi; test -e /again && exit 3; touch /again"]);
    let id = call.run().succeeds().line().to_owned();
    assert_eq!(id.len(), 64, "{id}");
    assert_eq!(state("one"), "created 0");
    assert_eq!(busybox.run(["ps", "-q"]).stdout, "", "only what runs");
    busybox.run(["start", "-a", "one"]).succeeds().stdout_has("hi");
    assert_eq!(state("one"), "exited 0");
    // What it wrote is still there.
    busybox.run(["start", "-a", &id[..12]]).exits(3).stdout_has("hi");
    assert_eq!(state(&id), "exited 3");
    assert_eq!(busybox.run(["wait", "one"]).succeeds().stdout, "3\n");
    assert_eq!(busybox.run(["logs", "one"]).succeeds().stdout, "hi\nhi\n");
    let listed = busybox.run(["ps", "-a", "--format", "{{.Names}} {{.Status}} {{.Image}}"]);
    assert!(listed.succeeds().line().starts_with("one Exited (3) "), "{}", listed.told());
    assert!(listed.line().ends_with(" busybox"), "{}", listed.told());
    assert_eq!(busybox.run(["rm", "one"]).succeeds().stdout, "one\n");
    busybox.run(["inspect", "one"]).exits(1).stderr_has("one");
    assert_eq!(busybox.run(["ps", "-aq"]).succeeds().stdout, "");
}

#[test]
fn what_runs_is_not_removed_without_force() {
    let busybox = Busybox::new();
    busybox.start("one", &[], "sleep 1000");
    busybox.run(["rm", "one"]).exits(1).stderr_has("one").stderr_has("running");
    busybox.run(["start", "one"]);
    let again = busybox.run(["run", "-d", "--name", "one", "busybox", "true"]);
    again.exits(125).stderr_has("one");
    busybox.run(["rmi", "busybox"]).exits(1).stderr_has("running container");
    let begun = Instant::now();
    busybox.run(["rm", "-f", "one"]).succeeds();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    busybox.run(["rm", "one"]).exits(1);
    busybox.run(["rm", "-f", "one"]);
}

#[test]
fn stop_asks_first_and_kill_does_not() {
    let busybox = Busybox::new();
    let code = |name: &str| busybox.inspect(name, "{{.State.ExitCode}}");
    let ups = |name: &str, count: usize| {
        while busybox.run(["logs", name]).succeeds().stdout.lines().count() < count {}
    };
    let polite = "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done";
    busybox.start("polite", &[], polite);
    busybox.start("rude", &[], "trap '' TERM; echo up; while :; do sleep 0.05; done");
    busybox.start(
        "odd",
        &["--stop-signal", "USR1"],
        "trap 'exit 6' USR1; echo up; while :; do sleep 0.05; done",
    );
    ["polite", "rude", "odd"].iter().for_each(|name| ups(name, 1));
    busybox.run(["stop", "polite", "odd"]).succeeds().stdout_has("polite\nodd\n");
    assert_eq!((code("polite").as_str(), code("odd").as_str()), ("5", "6"));
    let stopped = busybox.run(["stop", "-t", "1", "rude"]);
    stopped.succeeds();
    assert!(stopped.took > Duration::from_millis(900), "{:?}", stopped.took);
    assert_eq!(code("rude"), "137");
    busybox.run(["restart", "-t", "0", "rude"]).succeeds();
    assert_eq!(busybox.inspect("rude", "{{.State.Running}}"), "true");
    busybox.run(["kill", "rude"]).succeeds();
    assert_eq!(busybox.run(["wait", "rude"]).succeeds().stdout, "137\n");
    busybox.run(["kill", "rude"]).exits(1).stderr_has("not running");
    busybox.run(["start", "polite"]).succeeds();
    ups("polite", 2);
    busybox.run(["kill", "-s", "TERM", "polite"]).succeeds();
    assert_eq!(busybox.run(["wait", "polite"]).succeeds().stdout, "5\n");
    busybox.run(["kill", "-s", "NOPE", "polite"]).exits(1).stderr_has("NOPE");
    busybox.run(["stop", "polite"]).succeeds();
}

#[test]
fn exec_joins_what_runs() {
    let busybox = Busybox::new();
    busybox.start("base", &["-e", "A=1", "-w", "/tmp"], "echo $$ > /pid; sleep 1000");
    let exec = |words: &[&str]| busybox.call(["exec"]).args(words).run();
    assert_eq!(
        exec(&["base", "sh", "-c", "echo $A; pwd; cat /pid"]).succeeds().stdout,
        "1\n/tmp\n1\n"
    );
    assert_eq!(
        exec(&["-e", "A=2", "-w", "/etc", "base", "sh", "-c", "echo $A $PWD"]).line(),
        "2 /etc"
    );
    assert_eq!(exec(&["-u", "user", "base", "id", "-u"]).succeeds().line(), "1000");
    exec(&["base", "sh", "-c", "exit 42"]).exits(42);
    exec(&["base", "/nowhere"]).exits(127);
    exec(&["base", "/etc/passwd"]).exits(126);
    exec(&["nobody", "true"]).exits(125).stderr_has("nobody");
    exec(&["-d", "base", "touch", "/tmp/done"]).succeeds();
    let begun = Instant::now();
    while exec(&["base", "test", "-e", "/tmp/done"]).code != Some(0) {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    busybox.run(["stop", "-t", "0", "base"]).succeeds();
    exec(&["base", "true"]).exits(125).stderr_has("not running");
}

#[test]
fn logs_keep_order_time_and_stream() {
    let busybox = Busybox::new();
    busybox.start(
        "one",
        &[],
        "for i in 1 2 3 4 5; do echo line $i; done; echo error >&2; printf 'no end'",
    );
    busybox.run(["wait", "one"]).succeeds();
    let logs = |flags: &[&str]| busybox.call(["logs"]).args(flags).args(["one"]).run();
    let all = logs(&[]);
    assert_eq!(all.succeeds().stdout, "line 1\nline 2\nline 3\nline 4\nline 5\nno end");
    assert_eq!(all.stderr, "error\n");
    assert_eq!(logs(&["--tail", "0"]).succeeds().stdout, "");
    let last = logs(&["--tail", "3"]);
    assert_eq!((last.stdout.as_str(), last.stderr.as_str()), ("line 5\nno end", "error\n"));
    let timed = logs(&["-t", "--tail", "4"]);
    let line = timed.succeeds().stdout.lines().next().unwrap();
    let (time, text) = line.split_once(' ').unwrap();
    assert!(time.len() > 20 && time.contains('T') && time.ends_with('Z'), "{line}");
    assert!(text.starts_with("line"), "{line}");
    busybox.run(["logs", "nobody"]).exits(1);
}

#[test]
fn logs_can_be_followed_to_the_end() {
    let busybox = Busybox::new();
    busybox.start("one", &[], "echo first; while ! test -e /go; do sleep 0.02; done; echo last");
    let mut child = Command::new(stage::minidock())
        .arg("--root")
        .arg(busybox.root())
        .args(["logs", "-f", "one"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    busybox.run(["exec", "one", "touch", "/go"]).succeeds();
    assert_eq!(lines.next().unwrap().unwrap(), "last");
    assert!(lines.next().is_none(), "it ends with the container");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn prune_takes_what_does_not_run() {
    let busybox = Busybox::new();
    busybox.start("runs", &[], "sleep 1000");
    busybox.start("ended", &[], "true");
    busybox.run(["wait", "ended"]).succeeds();
    busybox.run(["container", "prune"]).succeeds();
    busybox.run(["inspect", "ended"]).succeeds();
    busybox.run(["container", "prune", "-f"]).succeeds();
    busybox.run(["inspect", "ended"]).exits(1);
    busybox.run(["inspect", "runs"]).succeeds();
}

#[test]
fn what_is_not_built_in_is_refused_by_name() {
    let busybox = Busybox::new();
    for word in ["rename", "commit", "stats"] {
        let output = busybox.run([word, "a", "b"]);
        output.exits(1).stderr_has(word).stderr_has("not built in yet").stderr_has("hint: ");
    }
}
