//! B1: what COPY and ADD take is the context's, never the host's.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use minidock_tests::Output;

use crate::canary::SECRET;
use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

/// Every file and every link of the image, and the contents of all small files.
pub(crate) const LOOK: &str = "find / -xdev \\( -type f -o -type l \\) -size -64 2>/dev/null | \
     while read -r name; do test -L \"$name\" && echo \"$name -> $(readlink \"$name\")\" || \
     cat \"$name\"; done";

/// Builds; whatever comes of it, nothing of the canary is in the image.
#[track_caller]
fn builds_without_the_host(world: &World, what: &str, context: &Path) -> Option<String> {
    let output = world.build(context, "built");
    world.canary.untouched(what);
    if output.code != Some(0) {
        assert!(!output.stderr.contains("panicked"), "{what}: {}", output.told());
        assert!(!output.stderr.contains(SECRET), "{what}: {}", output.told());
        return None;
    }
    let look = world.run(["run", "--rm", "--network", "none", "built", "sh", "-c", LOOK]);
    assert!(!look.succeeds().stdout.contains(SECRET), "{what}: {}", look.told());
    assert!(look.stdout.contains("root:x:0"), "{what} shows nothing: {}", look.told());
    world.run(["rmi", "built"]).succeeds();
    Some(look.stdout)
}

/// Nothing of the host's is in what it says, and it did not panic.
#[track_caller]
pub(crate) fn leaks_nothing(output: &Output, what: &str) {
    let said = output.told();
    assert!(!said.contains(SECRET) && !said.contains("panicked"), "{what}: {said}");
}

/// A context with links outward of every kind.
fn outward(world: &World, name: &str, dockerfile: &str) -> std::path::PathBuf {
    let context = world.context(name, dockerfile);
    let canary = world.canary.path();
    fs::create_dir(context.join("dir")).unwrap();
    fs::write(context.join("dir/own"), "own\n").unwrap();
    symlink(canary.join("f"), context.join("file-link")).unwrap();
    symlink(canary, context.join("dir-link")).unwrap();
    symlink("../canary", context.join("up-link")).unwrap();
    symlink("../../canary/f", context.join("dir/up-file")).unwrap();
    symlink(canary, context.join("dir/abs-dir")).unwrap();
    symlink("/", context.join("root-link")).unwrap();
    symlink("dir", context.join("own-link")).unwrap();
    symlink("/proc/self/cwd", context.join("proc-link")).unwrap();
    context
}

#[test]
fn nothing_outside_the_context_is_copied() {
    let world = World::with_base();
    let canary = world.canary.text().to_owned();
    let beneath = &canary[1..];
    let mut lines = vec!["COPY . /all".to_owned(), "ADD . /all".to_owned()];
    for from in [
        "../canary/f",
        "../canary",
        "dir/../../canary/f",
        "/../canary/f",
        "./../canary",
        "..",
        "file-link",
        "dir-link",
        "dir-link/",
        "dir-link/f",
        "dir-link/sub",
        "dir-link/sub/deep/x",
        "up-link",
        "up-link/f",
        "dir/up-file",
        "dir/abs-dir",
        "dir/abs-dir/f",
        "dir",
        "own-link/up-file",
        "own-link/abs-dir/f",
        "*",
        "*/f",
        "*link/f",
        "*-link/*",
        "dir/*",
        "dir-link/*",
        "up-link/[f]",
        "root-link/etc/passwd",
        "proc-link/Dockerfile",
        "proc-link/../canary/f",
        "dir-link/..",
        "*/*/*",
    ] {
        lines.push(format!("COPY {from} /to/"));
        lines.push(format!("ADD {from} /to/"));
    }
    lines.push(format!("COPY {canary}/f /to/"));
    lines.push(format!("ADD {canary} /to/"));
    lines.push(format!("COPY root-link/{beneath}/f /to/"));
    lines.push(format!("ADD file://{canary}/f /to/"));
    let context = outward(&world, "context", "");
    let mut built = 0;
    for line in &lines {
        fs::write(context.join("Dockerfile"), format!("FROM base\n{line}\n")).unwrap();
        built += u32::from(builds_without_the_host(&world, line, &context).is_some());
    }
    assert!(built >= 6, "only {built} of {} were built", lines.len());
    world.unharmed("contexts");
}

#[test]
fn links_are_copied_as_links() {
    let world = World::with_base();
    let context = outward(&world, "context", "FROM base\nCOPY . /all\n");
    let seen = builds_without_the_host(&world, "COPY .", &context).unwrap();
    for (link, target) in [
        ("file-link", format!("{}/f", world.canary.text())),
        ("up-link", "../canary".to_owned()),
        ("dir/up-file", "../../canary/f".to_owned()),
    ] {
        let line = format!("/all/{link} -> {target}");
        assert!(seen.lines().any(|each| each == line), "{line} is not in {seen}");
    }
    assert!(seen.lines().any(|line| line == "own"), "{seen}");
}

/// A hard link is a file of the context like any other: it is copied, and the original stays.
#[test]
fn a_hard_link_is_copied_and_the_original_untouched() {
    let world = World::with_base();
    let context = world.context("context", "FROM base\nCOPY hard /hard\nRUN echo new > /hard\n");
    fs::write(context.join("original"), "old\n").unwrap();
    fs::hard_link(context.join("original"), context.join("hard")).unwrap();
    world.build(&context, "hard").succeeds();
    let read = world.run(["run", "--rm", "--network", "none", "hard", "cat", "/hard"]);
    assert_eq!(read.succeeds().stdout, "new\n");
    assert_eq!(fs::read_to_string(context.join("original")).unwrap(), "old\n");
    assert_eq!(fs::read_to_string(context.join("hard")).unwrap(), "old\n");
}

#[test]
fn links_of_the_image_lead_no_copy_outside() {
    let world = World::new();
    let canary = world.canary.text().to_owned();
    let up = format!("{}{}", "../".repeat(20), &canary[1..]);
    let base = Tarball::busybox().symlink("abs", &canary).symlink("up", &up);
    let base = base.symlink("file", &format!("{canary}/f")).symlink("wd", &canary);
    world.import(&base, "base").succeeds();
    for line in [
        "COPY own /abs/",
        "COPY own /abs/f",
        "COPY own /up/f",
        "COPY own /up/new/",
        "COPY own /file",
        "ADD own /abs/sub/deep/x",
        "COPY own /../../abs/f",
        "WORKDIR /wd\nCOPY own f",
        "WORKDIR /wd/new",
        "WORKDIR /up/sub\nRUN touch x",
        "VOLUME /abs\nRUN touch /abs/x",
        "RUN touch /abs/x",
        "RUN rm -rf /abs/* /up/*",
        "ADD own.tar /abs",
        "ADD own.tar /up/",
    ] {
        let context = world.context("context", &format!("FROM base\n{line}\n"));
        fs::write(context.join("own"), "own\n").unwrap();
        let tar = Tarball::new().file("f", 0o4777, b"x").file("new", 0o644, b"x");
        fs::write(context.join("own.tar"), tar.finish()).unwrap();
        builds_without_the_host(&world, line, &context);
    }
    world.unharmed("links of the image");
}

#[test]
fn archives_that_add_unpacks_stay_inside() {
    let world = World::with_base();
    let canary = world.canary.text().to_owned();
    let up = format!("{}{}", "../".repeat(20), &canary[1..]);
    let new = Tarball::new;
    let tars = [
        new().file("../x", 0o644, b"x"),
        new().file(&format!("{up}/f"), 0o4777, b"x"),
        new().file(&format!("{canary}/f"), 0o4777, b"x"),
        new().symlink("a", &canary).file("a/f", 0o4777, b"x"),
        new().symlink("a", &up).entry(b'5', "a/", "", 0o777, b""),
        new().symlink("a", &format!("{canary}/f")).file("a", 0o644, b"x"),
        new().hardlink("b", &format!("{canary}/f")),
        new().hardlink("b", &format!("{up}/f")).file("b", 0o644, b"x"),
        new().symlink("s", &canary).hardlink("b", "s/f"),
        new().symlink("l", &format!("{canary}/f")).hardlink("b", "l"),
    ];
    let context = world.context("context", "");
    for (number, tar) in tars.iter().enumerate() {
        for to in ["/", "/to/", "/to/deep/"] {
            fs::write(context.join("hostile.tar"), tar.finish()).unwrap();
            let text = format!("FROM base\nADD hostile.tar {to}\n");
            fs::write(context.join("Dockerfile"), text).unwrap();
            let what = format!("archive {number} at {to}");
            builds_without_the_host(&world, &what, &context);
        }
    }
    world.unharmed("archives");
}

#[test]
fn a_context_that_is_itself_hostile_is_refused_clearly() {
    let world = World::with_base();
    let context = world.context("context", "");
    fs::remove_file(context.join("Dockerfile")).unwrap();
    symlink(world.canary.path().join("f"), context.join("Dockerfile")).unwrap();
    symlink(world.canary.path().join("passwd"), context.join(".dockerignore")).unwrap();
    let output = world.build(&context, "built");
    assert_ne!(output.code, Some(0), "{}", output.told());
    refused_clearly(&output);
    world.unharmed("a Dockerfile that is a link");
}
