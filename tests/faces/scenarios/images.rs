//! Images: made, named, shown, kept in archives, removed.

use crate::world::World;

pub(crate) fn an_import_is_an_image_with_its_changes(world: &mut World) {
    let tar = world.file("base.tar");
    let ask = world.ask("import").with("file", tar).with("reference", "changed:1");
    let ask = ask.with("change", "ENV A=b").with("change", "CMD [\"echo\", \"changed\"]");
    let id = ask.done().one("id").to_owned();
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    assert_eq!(world.images(), ["base:latest", "changed:1"]);
    world.ask("run").with("image", "changed:1").with("remove", "").prints(0, "changed\n");
}

pub(crate) fn a_second_name_is_the_same_image(world: &mut World) {
    world.ask("tag").with("image", "base").with("reference", "localhost:5000/team/base:v1").done();
    assert_eq!(world.images(), ["base:latest", "localhost:5000/team/base:v1"]);
    let mut id = |name: &str| json(world, "inspect-image", "image", name)["Id"].clone();
    assert_eq!(id("base"), id("localhost:5000/team/base:v1"));
}

pub(crate) fn removing_a_name_keeps_the_image_while_another_is_left(world: &mut World) {
    world.ask("tag").with("image", "base").with("reference", "other").done();
    world.ask("remove-image").with("image", "base").done();
    assert_eq!(world.images(), ["other:latest"]);
    world.ask("run").with("image", "other").with("remove", "").args(&["true"]).prints(0, "");
}

pub(crate) fn removing_the_last_name_removes_the_image(world: &mut World) {
    world.ask("remove-image").with("image", "base:latest").done();
    assert!(world.images().is_empty());
    world.ask("inspect-image").with("image", "base").fails("NOT_FOUND", "base");
}

pub(crate) fn a_saved_image_comes_back_by_load(world: &mut World) {
    let file = world.file("saved.tar");
    let id = json(world, "inspect-image", "image", "base")["Id"].clone();
    world.ask("save").with("file", &file).with("image", "base").done();
    world.ask("remove-image").with("image", "base").done();
    let loaded = world.ask("load").with("file", &file).done();
    assert_eq!(loaded.all("name"), ["base:latest"]);
    assert_eq!(json(world, "inspect-image", "image", "base")["Id"], id);
    world.sh("echo back").prints(0, "back\n");
}

pub(crate) fn several_images_share_one_archive(world: &mut World) {
    let (tar, file) = (world.file("base.tar"), world.file("both.tar"));
    let ask = world.ask("import").with("file", tar).with("reference", "second:2");
    ask.with("change", "LABEL which=second").done();
    world.ask("save").with("file", &file).with("image", "base").with("image", "second:2").done();
    world.ask("remove-image").with("image", "base").done();
    world.ask("remove-image").with("image", "second:2").done();
    let mut names = Vec::new();
    let loaded = world.ask("load").with("file", &file).done();
    names.extend(loaded.all("name").into_iter().map(str::to_owned));
    names.sort_unstable();
    assert_eq!(names, ["base:latest", "second:2"]);
    assert_eq!(world.images(), names);
}

pub(crate) fn history_lists_the_newest_step_first(world: &mut World) {
    world.write("context/Dockerfile", "FROM base\nENV FIRST=1\nENV SECOND=2\n");
    let context = world.file("context");
    world.ask("build").with("context", context).with("tag", "steps").done();
    let history = world.ask("history").with("image", "steps").done();
    let steps = history.all("step");
    assert!(steps[0].contains("SECOND=2") && steps[1].contains("FIRST=1"), "{steps:?}");
}

pub(crate) fn inspect_shows_what_the_config_says(world: &mut World) {
    let tar = world.file("base.tar");
    let ask = world.ask("import").with("file", tar).with("reference", "labelled");
    let ask = ask.with("change", "LABEL a=b").with("change", "WORKDIR /srv");
    ask.with("change", "USER 1:2").with("change", "EXPOSE 80/tcp").done();
    let image = json(world, "inspect-image", "image", "labelled");
    assert_eq!(image["RepoTags"], serde_json::json!(["labelled:latest"]));
    assert_eq!(image["Config"]["Labels"]["a"], "b");
    assert_eq!(image["Config"]["WorkingDir"], "/srv");
    assert_eq!(image["Config"]["User"], "1:2");
    assert!(image["Config"]["ExposedPorts"]["80/tcp"].is_object(), "{image}");
}

/// What a face shows of an object as JSON.
pub(super) fn json(
    world: &mut World,
    verb: &'static str,
    what: &str,
    name: &str,
) -> serde_json::Value {
    let shown = world.ask(verb).with(what, name).done();
    serde_json::from_str(shown.one("json")).unwrap()
}
