//! Builds from a Dockerfile.

use crate::world::World;

fn build(world: &mut World, dockerfile: &str, tag: &str) -> String {
    world.write("context/Dockerfile", dockerfile);
    let context = world.file("context");
    world.ask("build").with("context", context).with("tag", tag).done().one("id").to_owned()
}

fn cat(world: &mut World, image: &str, path: &str, expected: &str) {
    let ask = world.ask("run").with("image", image).with("remove", "").args(&["cat", path]);
    ask.prints(0, expected);
}

pub(crate) fn a_build_copies_files_of_its_context(world: &mut World) {
    world.write("context/app/hello.txt", "hello\n");
    let id = build(world, "FROM base\nCOPY app /srv/\n", "copied");
    assert!(id.starts_with("sha256:"), "{id}");
    assert_eq!(world.images(), ["base:latest", "copied:latest"]);
    cat(world, "copied", "/srv/hello.txt", "hello\n");
}

pub(crate) fn a_build_runs_commands(world: &mut World) {
    build(world, "FROM base\nWORKDIR /w\nRUN echo made > here\n", "ran");
    cat(world, "ran", "/w/here", "made\n");
}

pub(crate) fn arguments_of_a_build_reach_its_commands(world: &mut World) {
    world.write("context/Dockerfile", "FROM base\nARG WHO=nobody\nRUN echo $WHO > /who\n");
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "args");
    ask.with("arg", "WHO=you and me").done();
    cat(world, "args", "/who", "you and me\n");
}

const STAGES: &str = "FROM base AS first\nRUN echo one > /one\n\
                      FROM base AS second\nCOPY --from=first /one /two\n";

pub(crate) fn a_target_ends_the_build_at_its_stage(world: &mut World) {
    world.write("context/Dockerfile", STAGES);
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "first");
    ask.with("target", "first").done();
    cat(world, "first", "/one", "one\n");
}

pub(crate) fn a_stage_gives_files_to_the_next(world: &mut World) {
    build(world, STAGES, "second");
    let ask = world.ask("run").with("image", "second").with("remove", "");
    ask.args(&["sh", "-c", "cat /two; ls /one 2>/dev/null || echo no"]).prints(0, "one\nno\n");
}

pub(crate) fn the_same_build_gives_the_same_image(world: &mut World) {
    let dockerfile = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /uuid\n";
    let first = build(world, dockerfile, "a");
    assert_eq!(build(world, dockerfile, "b"), first);
}

pub(crate) fn without_the_cache_the_image_is_made_anew(world: &mut World) {
    let dockerfile = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /uuid\n";
    let first = build(world, dockerfile, "a");
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "b").with("no-cache", "");
    assert_ne!(ask.done().one("id"), first);
}

pub(crate) fn a_step_that_fails_is_told_with_its_status(world: &mut World) {
    world.write("context/Dockerfile", "FROM base\nRUN exit 3\n");
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "broken");
    ask.fails("STEP_FAILED", "3");
    assert_eq!(world.images(), ["base:latest"]);
}

pub(crate) fn a_dockerfile_with_a_typo_is_told_with_its_line(world: &mut World) {
    world.write("context/Dockerfile", "FROM base\n\nRUNN true\n");
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "broken");
    ask.fails("INVALID_INPUT", "Dockerfile:3");
}

pub(crate) fn a_file_that_is_not_in_the_context_is_named(world: &mut World) {
    world.write("context/Dockerfile", "FROM base\nCOPY missing.txt /\n");
    let context = world.file("context");
    let ask = world.ask("build").with("context", context).with("tag", "broken");
    ask.fails("NOT_FOUND", "missing.txt");
}
