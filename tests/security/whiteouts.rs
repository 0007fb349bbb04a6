//! U4, U5: whiteouts of layers, and what overlayfs would take for one.

use crate::environment::archive;
use crate::layers::Fate::{self, Either, Holds, Refused};
use crate::layers::meets;
use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

/// A lower layer with things to hide, and the hostile one above it.
#[track_caller]
fn meets_above(world: &World, what: &str, upper: &Tarball, fate: Fate) {
    let lower = Tarball::busybox()
        .dir("d/")
        .file("d/one", 0o644, b"1")
        .file("d/two", 0o644, b"2")
        .dir("d/sub/")
        .file("d/sub/three", 0o644, b"3")
        .symlink("out", world.canary.text())
        .symlink("to-d", "d");
    let archive = archive(world, &[lower, upper.clone()], "");
    let output = world.call(["load"]).input(archive).run();
    world.canary.untouched(&format!("load of {what}"));
    if output.code != Some(0) {
        refused_clearly(&output);
        assert!(!matches!(fate, Holds(_)), "{what}: {}", output.told());
        return;
    }
    assert_ne!(fate, Refused, "{what} was taken: {}", output.told());
    let line = if let Holds(line) = fate { line } else { "true" };
    let words = ["run", "--rm", "--network", "none", "loaded", "/bin/busybox", "sh", "-c", line];
    let run = world.run(words);
    world.canary.untouched(&format!("run of {what}"));
    assert_eq!(run.code, Some(0), "{what}: {line}: {}", run.told());
    world.run(["rmi", "loaded"]).succeeds();
}

const WHOLE: &str = "test -f /d/one -a -f /d/two -a -f /d/sub/three -a -x /bin/sh";

#[test]
fn whiteouts_hide_what_they_name_and_nothing_else() {
    let world = World::new();
    let new = Tarball::new;
    let file = |name: &str| new().file(name, 0o644, b"");
    let cases = [
        ("one file", file("d/.wh.one"), Holds("test ! -e /d/one -a -f /d/two")),
        ("a directory", file("d/.wh.sub"), Holds("test ! -e /d/sub -a -f /d/two")),
        ("what is absent", file("d/.wh.none"), Holds(WHOLE)),
        ("below what is absent", file("no/.wh.none"), Holds(WHOLE)),
        (
            "opaque before siblings",
            file("d/.wh..wh..opq").file("d/new", 0o644, b"n"),
            Holds("test ! -e /d/one -a ! -e /d/sub -a -f /d/new"),
        ),
        (
            "opaque after siblings",
            new().file("d/new", 0o644, b"n").file("d/.wh..wh..opq", 0o644, b""),
            Holds("test ! -e /d/one -a ! -e /d/sub -a -f /d/new"),
        ),
        (
            "a whiteout of the parent of the next entry",
            file(".wh.d").file("d/new", 0o644, b"n"),
            Holds("test -f /d/new -a ! -e /d/one"),
        ),
        ("through a link in the lower", file("to-d/.wh.one"), Either),
        ("through a link to outside", file("out/.wh.f"), Either),
        ("opaque through a link to outside", file("out/.wh..wh..opq"), Either),
        ("a link as a whiteout", new().symlink("d/.wh.one", world.canary.text()), Either),
        ("a directory as a whiteout", new().dir("d/.wh.one/"), Either),
    ];
    for (what, upper, fate) in &cases {
        meets_above(&world, what, upper, *fate);
    }
    // Those that name nothing may be refused or ignored, and never delete their parent.
    for name in [
        ".wh.",
        "d/.wh.",
        ".wh..",
        "d/.wh..",
        ".wh...",
        "d/.wh...",
        ".wh./x",
        "d/.wh./x",
        ".wh..wh.",
        "d/.wh..wh.",
        ".wh..wh..plnk",
        "d/.wh..wh.aufs",
        "d/.wh../one",
        ".wh.../d/one",
    ] {
        meets_above(&world, name, &file(name), Either);
        let output = world.call(["load"]).input(archive(
            &world,
            &[Tarball::busybox().dir("d/").file("d/one", 0o644, b"1"), file(name)],
            "",
        ));
        if output.run().code == Some(0) {
            let line = "test -f /d/one -a -x /bin/sh";
            let run = world.run(["run", "--rm", "--network", "none", "loaded", "sh", "-c", line]);
            assert_eq!(run.code, Some(0), "{name} deleted its parent: {}", run.told());
        }
    }
    world.unharmed("whiteouts");
}

#[test]
fn a_hundred_thousand_opaque_marks_take_linear_time() {
    let world = World::new();
    let many = |count: u32| {
        let tarball = (0..count)
            .fold(Tarball::busybox(), |tarball, _| tarball.file("d/.wh..wh..opq", 0o644, b""));
        let output = world.import(&tarball, "many");
        assert!(output.code == Some(0) || output.code == Some(1), "{}", output.told());
        output.took
    };
    let (some, all) = (many(10_000), many(100_000));
    assert!(all < some * 30 + std::time::Duration::from_secs(1), "{some:?}, then {all:?}");
}

#[test]
fn tars_cannot_forge_what_overlayfs_keeps_for_itself() {
    let world = World::new();
    let names = ["opaque", "redirect", "metacopy", "whiteout", "origin", "impure", "nlink"];
    for space in ["user", "trusted"] {
        for name in names {
            let key = format!("SCHILY.xattr.{space}.overlay.{name}");
            let value: &[u8] = if name == "redirect" { b"/bin" } else { b"y" };
            let upper = Tarball::new()
                .pax(&[(&key, value)])
                .dir("d/")
                .pax(&[(&key, value)])
                .file("forged", 0o644, b"forged");
            let holds = Holds(
                "test -f /d/one -a -f /d/sub/three -a ! -e /d/sh -a \"$(cat /forged)\" = forged",
            );
            meets_above(&world, &key, &upper, holds);
        }
    }
    let device = Tarball::new().entry(b'3', "d/one", "", 0o600, b"");
    meets_above(&world, "a character device 0:0", &device, Holds("test -f /d/two -a -x /bin/sh"));
    let first = Tarball::busybox().entry(b'3', "dev0", "", 0o644, b"").file("after", 0o644, b"x");
    meets(&world, "a character device 0:0 alone", &first, Holds("test -f /after"));
    world.unharmed("forged attributes");
}
