//! What a program in a container gets, and what comes back from it.

use crate::world::World;

pub(crate) fn both_streams_are_kept_apart(world: &mut World) {
    let values = world.sh("echo out; echo err >&2").prints(0, "out\n");
    assert_eq!(values.one("stderr"), "err\n");
}

pub(crate) fn the_status_is_the_programs(world: &mut World) {
    for status in [0, 1, 42, 255] {
        world.sh(&format!("exit {status}")).prints(status, "");
    }
}

pub(crate) fn a_signal_is_128_more(world: &mut World) {
    // A shell of its own: the first process of a container is spared what it does not handle.
    world.sh("sh -c 'kill -TERM $$'; exit $?").prints(143, "");
}

pub(crate) fn bytes_come_as_they_were_written(world: &mut World) {
    world.sh(r"printf 'a\tb\n%%\\c\r\n'").prints(0, "a\tb\n%\\c\r\n");
    world.sh("echo 'grüße 你好'").prints(0, "grüße 你好\n");
}

pub(crate) fn standard_input_arrives_and_ends(world: &mut World) {
    world.sh("cat; echo end").with("stdin", "first\nlast").prints(0, "first\nlastend\n");
}

pub(crate) fn the_environment_is_the_images_and_the_callers(world: &mut World) {
    let tar = world.file("base.tar");
    let ask = world.ask("import").with("file", tar).with("reference", "env");
    ask.with("change", "ENV A=image B=image").done();
    let ask = world.ask("run").with("image", "env").with("remove", "").with("env", "B=caller = x");
    ask.args(&["sh", "-c", "echo $A; echo \"$B\"; echo $HOME"])
        .prints(0, "image\ncaller = x\n/root\n");
}

pub(crate) fn the_working_directory_is_made(world: &mut World) {
    world.sh("pwd").with("workdir", "/not/there yet").prints(0, "/not/there yet\n");
}

pub(crate) fn the_user_is_a_number_or_a_name(world: &mut World) {
    world.sh("id -u; id -g").with("user", "7:8").prints(0, "7\n8\n");
    world.sh("id -u").with("user", "root").prints(0, "0\n");
}

pub(crate) fn an_entrypoint_replaces_the_images(world: &mut World) {
    let tar = world.file("base.tar");
    let ask = world.ask("import").with("file", tar).with("reference", "entry");
    ask.with("change", "ENTRYPOINT [\"echo\", \"entry\"]").with("change", "CMD [\"cmd\"]").done();
    let mut run = |entrypoint: Option<&str>, args: &[&str], expected: &str| {
        let mut ask = world.ask("run").with("image", "entry").with("remove", "");
        if let Some(entrypoint) = entrypoint {
            ask = ask.with("entrypoint", entrypoint);
        }
        ask.args(args).prints(0, expected);
    };
    run(None, &[], "entry cmd\n");
    run(None, &["given"], "entry given\n");
    run(Some("printf"), &["%s.", "a", "b"], "a.b.");
}

pub(crate) fn a_read_only_root_refuses_writes(world: &mut World) {
    let script = "echo x > /file 2>/dev/null && echo written || echo refused";
    world.sh(script).with("read-only", "").prints(0, "refused\n");
}

pub(crate) fn a_long_output_is_whole(world: &mut World) {
    let values = world.sh("head -c 3000000 /dev/zero | tr '\\0' x; echo y >&2").done();
    let stdout = values.one("stdout");
    assert!(stdout.len() == 3_000_000 && stdout.bytes().all(|byte| byte == b'x'));
    assert_eq!((values.one("stderr"), values.one("status")), ("y\n", "0"));
}
