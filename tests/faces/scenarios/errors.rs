//! Errors: the same kind and the same words from every face.

use crate::world::World;

pub(crate) fn an_unknown_image_is_not_found(world: &mut World) {
    world.ask("inspect-image").with("image", "nothing").fails("NOT_FOUND", "nothing");
    world.ask("history").with("image", "nothing:1").fails("NOT_FOUND", "nothing:1");
    world.ask("remove-image").with("image", "nothing").fails("NOT_FOUND", "nothing");
    let file = world.file("never.tar");
    world.ask("save").with("file", file).with("image", "nothing").fails("NOT_FOUND", "nothing");
    let tag = world.ask("tag").with("image", "nothing").with("reference", "other");
    tag.fails("NOT_FOUND", "nothing");
}

pub(crate) fn an_unknown_container_is_not_found(world: &mut World) {
    for verb in ["start", "wait", "logs", "inspect", "remove", "restart"] {
        world.ask(verb).with("container", "nobody").fails("NOT_FOUND", "nobody");
    }
    let stop = world.ask("stop").with("container", "nobody").with("seconds", "1");
    stop.fails("NOT_FOUND", "nobody");
    let kill = world.ask("kill").with("container", "nobody").with("signal", "TERM");
    kill.fails("NOT_FOUND", "nobody");
    world.ask("exec").with("container", "nobody").args(&["true"]).fails("NOT_FOUND", "nobody");
}

pub(crate) fn a_name_that_is_taken_is_a_conflict(world: &mut World) {
    world.ask("create").with("image", "base").with("name", "taken").done();
    let again = world.ask("create").with("image", "base").with("name", "taken");
    again.fails("CONFLICT", "taken");
    assert_eq!(world.containers(), ["taken"]);
}

fn sleeper(world: &mut World) {
    let ask = world.ask("create").with("image", "base").with("name", "busy");
    ask.args(&["sleep", "1000"]).done();
    world.ask("start").with("container", "busy").done();
}

pub(crate) fn a_running_container_is_not_removed(world: &mut World) {
    sleeper(world);
    world.ask("remove").with("container", "busy").fails("CONFLICT", "running");
    assert_eq!(world.containers(), ["busy"]);
}

pub(crate) fn an_image_in_use_is_not_removed(world: &mut World) {
    sleeper(world);
    world.ask("remove-image").with("image", "base").fails("IN_USE", "use");
    assert_eq!(world.images(), ["base:latest"]);
}

pub(crate) fn exec_needs_a_running_container(world: &mut World) {
    world.ask("create").with("image", "base").with("name", "idle").done();
    let exec = world.ask("exec").with("container", "idle").args(&["true"]);
    exec.fails("CONFLICT", "not running");
}

pub(crate) fn a_bad_reference_is_refused(world: &mut World) {
    let tag = world.ask("tag").with("image", "base").with("reference", "Upper");
    tag.fails("INVALID_INPUT", "Upper");
    let tar = world.file("base.tar");
    let import = world.ask("import").with("file", tar).with("reference", "a:b:c");
    import.fails("INVALID_INPUT", "a:b:c");
}

pub(crate) fn a_bad_container_name_is_refused(world: &mut World) {
    let create = world.ask("create").with("image", "base").with("name", "../up");
    create.fails("INVALID_INPUT", "../up");
    assert!(world.containers().is_empty());
}

pub(crate) fn a_missing_program_is_not_found(world: &mut World) {
    let run = world.ask("run").with("image", "base").with("remove", "").args(&["no-such-program"]);
    run.fails("COMMAND_NOT_FOUND", "no-such-program");
    assert!(world.containers().is_empty());
    sleeper(world);
    let exec = world.ask("exec").with("container", "busy").args(&["no-such-program"]);
    exec.fails("COMMAND_NOT_FOUND", "no-such-program");
}

pub(crate) fn a_program_that_is_no_program_cannot_be_executed(world: &mut World) {
    let run = world.ask("run").with("image", "base").with("remove", "").args(&["/etc"]);
    run.fails("COMMAND_NOT_EXECUTABLE", "/etc");
    assert!(world.containers().is_empty());
}

pub(crate) fn an_archive_that_is_none_is_refused(world: &mut World) {
    let file = world.write("no.tar", "this is no archive").to_str().unwrap().to_owned();
    world.ask("load").with("file", &file).fails("INVALID_INPUT", "archive");
    let import = world.ask("import").with("file", &file).with("reference", "bad");
    import.fails("INVALID_INPUT", "");
    assert_eq!(world.images(), ["base:latest"]);
}

pub(crate) fn an_unknown_change_is_refused(world: &mut World) {
    let tar = world.file("base.tar");
    let import = world.ask("import").with("file", tar).with("reference", "bad");
    import.with("change", "RUN true").fails("INVALID_INPUT", "RUN");
    assert_eq!(world.images(), ["base:latest"]);
}

pub(crate) fn an_unknown_user_is_refused(world: &mut World) {
    world.sh("true").with("user", "nobody-here").fails("NOT_FOUND", "nobody-here");
    assert!(world.containers().is_empty());
}
