//! Containers from their making to their removal, and processes beside the first one.

use super::images::json;
use crate::world::World;

/// A container that runs until it is ended.
fn sleeper(world: &mut World, name: &str) {
    let ask = world.ask("create").with("image", "base").with("name", name);
    ask.args(&["sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"]).done();
    world.ask("start").with("container", name).done();
    // The trap is set once the first word is out.
    while !world.ask("logs").with("container", name).done().one("stdout").contains("up") {}
}

fn state(world: &mut World, name: &str) -> serde_json::Value {
    json(world, "inspect", "container", name)["State"].clone()
}

pub(crate) fn a_created_container_waits_to_be_started(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "idle").args(&["true"]);
    let id = ask.done().one("id").to_owned();
    assert_eq!(id.len(), 64, "{id}");
    assert_eq!(state(world, "idle")["Status"], "created");
    assert_eq!(json(world, "inspect", "container", &id[..12])["Name"], "/idle");
}

pub(crate) fn a_container_starts_and_ends_by_itself(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "short");
    ask.args(&["sh", "-c", "exit 4"]).done();
    world.ask("start").with("container", "short").done();
    assert_eq!(world.ask("wait").with("container", "short").done().one("status"), "4");
    let state = state(world, "short");
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"exited".into(), &4.into()));
}

pub(crate) fn a_stop_ends_it(world: &mut World) {
    sleeper(world, "s");
    assert_eq!(state(world, "s")["Status"], "running");
    world.ask("stop").with("container", "s").with("seconds", "30").done();
    let state = state(world, "s");
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"exited".into(), &9.into()));
    // Once more is no error.
    world.ask("stop").with("container", "s").with("seconds", "30").done();
}

pub(crate) fn a_kill_ends_it_with_the_signal(world: &mut World) {
    sleeper(world, "k");
    world.ask("kill").with("container", "k").with("signal", "KILL").done();
    assert_eq!(world.ask("wait").with("container", "k").done().one("status"), "137");
}

pub(crate) fn a_restart_runs_it_again(world: &mut World) {
    sleeper(world, "r");
    world.ask("restart").with("container", "r").done();
    let logs = || "up\nup\n";
    while world.ask("logs").with("container", "r").done().one("stdout") != logs() {}
    assert_eq!(state(world, "r")["Status"], "running");
}

pub(crate) fn logs_keep_both_streams(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "l");
    ask.args(&["sh", "-c", "echo out; echo err >&2"]).done();
    world.ask("start").with("container", "l").done();
    world.ask("wait").with("container", "l").done();
    let logs = world.ask("logs").with("container", "l").done();
    assert_eq!((logs.one("stdout"), logs.one("stderr")), ("out\n", "err\n"));
}

pub(crate) fn inspect_shows_how_it_was_made(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "shown").args(&["sleep", "1"]);
    let ask = ask.with("label", "a=b").with("env", "C=d").with("workdir", "/w");
    ask.with("read-only", "").done();
    let shown = json(world, "inspect", "container", "shown");
    assert_eq!(shown["Name"], "/shown");
    assert_eq!(shown["Config"]["Cmd"], serde_json::json!(["sleep", "1"]));
    assert_eq!(shown["Config"]["Labels"]["a"], "b");
    assert_eq!(shown["Config"]["WorkingDir"], "/w");
    assert_eq!(shown["HostConfig"]["ReadonlyRootfs"], true);
    assert_eq!(shown["HostConfig"]["NetworkMode"], "none");
    assert!(shown["Config"]["Env"].as_array().unwrap().contains(&"C=d".into()), "{shown}");
}

pub(crate) fn names_are_listed(world: &mut World) {
    for name in ["b", "a", "c"] {
        world.ask("create").with("image", "base").with("name", name).done();
    }
    assert_eq!(world.containers(), ["a", "b", "c"]);
    world.ask("remove").with("container", "b").done();
    assert_eq!(world.containers(), ["a", "c"]);
}

pub(crate) fn a_container_of_remove_is_gone_at_its_end(world: &mut World) {
    world.sh("echo once").prints(0, "once\n");
    assert!(world.containers().is_empty());
}

pub(crate) fn a_running_container_is_removed_by_force(world: &mut World) {
    sleeper(world, "f");
    world.ask("remove").with("container", "f").with("force", "").done();
    assert!(world.containers().is_empty());
}

pub(crate) fn files_outlive_the_program_and_not_the_container(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "kept");
    ask.args(&["sh", "-c", "cat /made 2>/dev/null; echo x >> /made"]).done();
    for _ in 0..2 {
        world.ask("start").with("container", "kept").done();
        world.ask("wait").with("container", "kept").done();
    }
    assert_eq!(world.ask("logs").with("container", "kept").done().one("stdout"), "x\n");
    world.sh("cat /made 2>/dev/null || echo none").prints(0, "none\n");
}

pub(crate) fn volumes_outlive_the_container(world: &mut World) {
    world.sh("echo kept > /data/f").with("volume", "shared:/data").prints(0, "");
    world.sh("cat /data/f").with("volume", "shared:/data:ro").prints(0, "kept\n");
}

pub(crate) fn a_bind_mount_shows_the_hosts_files(world: &mut World) {
    world.write("host/file", "from the host\n");
    let volume = format!("{}:/mnt", world.file("host"));
    let script = "cat /mnt/file; echo back > /mnt/answer";
    world.sh(script).with("volume", volume).prints(0, "from the host\n");
    let answer = std::fs::read_to_string(world.file("host/answer")).unwrap();
    assert_eq!(answer, "back\n");
}

pub(crate) fn exec_runs_beside_the_first_program(world: &mut World) {
    sleeper(world, "x");
    let exec = world.ask("exec").with("container", "x");
    let done = exec.args(&["sh", "-c", "echo $$; echo err >&2; exit 6"]).done();
    assert_eq!((done.one("status"), done.one("stderr")), ("6", "err\n"));
    assert_ne!(done.one("stdout"), "1\n");
    world.ask("exec").with("container", "x").args(&["cat", "/proc/1/comm"]).prints(0, "sh\n");
}

pub(crate) fn exec_has_its_own_environment_directory_and_user(world: &mut World) {
    sleeper(world, "x");
    let exec = world.ask("exec").with("container", "x").with("env", "A=b c");
    let exec = exec.with("workdir", "/proc").with("user", "12:34");
    let script = "echo $A; pwd; id -u; id -g";
    exec.args(&["sh", "-c", script]).prints(0, "b c\n/proc\n12\n34\n");
}

pub(crate) fn exec_reads_standard_input(world: &mut World) {
    sleeper(world, "x");
    let exec = world.ask("exec").with("container", "x").with("stdin", "one\ntwo\n");
    exec.args(&["wc", "-l"]).prints(0, "2\n");
}
