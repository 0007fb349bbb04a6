//! U1 to U3: hostile tars. Every case is imported, the result is run and looked at from inside,
//! and the host's canary and the store are checked.

use crate::canary::SECRET;
use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

/// What must come of a tar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Refused, with the cause.
    Refused,
    /// Taken; this shell line, run inside, is true.
    Holds(&'static str),
    /// Either, as long as nothing outside is touched.
    Either,
}

use Fate::{Either, Holds, Refused};

/// Imports, runs, looks.
#[track_caller]
pub(crate) fn meets(world: &World, what: &str, tarball: &Tarball, fate: Fate) {
    let output = world.import(tarball, "hostile");
    world.canary.untouched(&format!("import of {what}"));
    if output.code != Some(0) {
        refused_clearly(&output);
        assert!(!matches!(fate, Holds(_)), "{what}: {}", output.told());
        return;
    }
    assert_ne!(fate, Refused, "{what} was taken: {}", output.told());
    let line = if let Holds(line) = fate { line } else { "true" };
    let all = format!("cat $(find / -xdev -type f -size -8 2>/dev/null) </dev/null; {line}");
    let words = ["run", "--rm", "--network", "none", "hostile", "/bin/busybox", "sh", "-c", &all];
    let run = world.run(words);
    world.canary.untouched(&format!("run of {what}"));
    assert!(!run.stdout.contains(SECRET), "{what}: {}", run.told());
    assert_eq!(run.code, Some(0), "{what}: {line}: {}", run.told());
    world.run(["rmi", "hostile"]).succeeds();
}

fn meet_all(cases: Vec<(String, Tarball, Fate)>, world: &World) {
    for (what, tarball, fate) in &cases {
        meets(world, what, tarball, *fate);
    }
    world.unharmed("all of these tars");
}

fn case(what: &str, tarball: Tarball, fate: Fate) -> (String, Tarball, Fate) {
    (what.to_owned(), tarball, fate)
}

#[test]
fn names_that_lead_outside_stay_inside() {
    let world = World::new();
    let base = Tarball::busybox;
    let canary = world.canary.text().to_owned();
    let up = format!("{}{}", "../".repeat(20), &canary[1..]);
    let mut cases = Vec::new();
    for name in [
        "../x",
        "../../../../x",
        "a/../../x",
        "a/../../../../x",
        "/../x",
        "..",
        "../",
        "a/..",
        "a/../..",
        "",
        ".",
        "./",
        "/",
        "//",
        "///",
        "./.",
        "././.",
    ] {
        cases.push(case(&format!("a file {name:?}"), base().file(name, 0o644, b"x"), Either));
        cases.push(case(&format!("a directory {name:?}"), base().dir(name), Either));
    }
    for name in [canary.clone(), format!("/{canary}"), up.clone(), format!("a/{up}")] {
        for inner in ["f", "new", "sub/deep/x", "sub/new"] {
            let name = format!("{name}/{inner}");
            cases.push(case(&name, base().file(&name, 0o4777, b"x"), Either));
        }
        cases.push(case(&name, base().entry(b'5', &name, "", 0o777, b""), Either));
        cases.push(case(&name, base().symlink(&name, "/"), Either));
    }
    let inside = |name: &str, line| case(name, base().file(name, 0o644, b"x"), Holds(line));
    cases.push(inside("/abs", "test -f /abs"));
    cases.push(inside("//x", "test -f /x"));
    cases.push(inside("./x", "test -f /x"));
    cases.push(inside(".//x", "test -f /x"));
    let long = "n".repeat(255);
    cases.push(inside(&long, "test $(ls / | grep -c ^nnnn) = 1"));
    cases.push(case("256 bytes", base().file(&"n".repeat(256), 0o644, b"x"), Refused));
    cases.push(case("4,096 bytes", base().file(&"d/".repeat(2_048), 0o644, b"x"), Either));
    cases.push(case("1 MB", base().file(&"d/".repeat(500_000), 0o644, b"x"), Refused));
    meet_all(cases, &world);
}

#[test]
fn links_that_lead_outside_are_not_followed() {
    let world = World::new();
    let canary = world.canary.text().to_owned();
    let file = format!("{canary}/f");
    let up = format!("{}{}", "../".repeat(20), &canary[1..]);
    let base = Tarball::busybox;
    let mut cases = Vec::new();
    for target in
        [&canary, &up, &format!("/proc/self/root{canary}"), &format!("/proc/1/root{canary}")]
    {
        let link = || base().symlink("a", target);
        cases.push(case("a file through a link", link().file("a/f", 0o4777, b"x"), Either));
        cases.push(case("a new file through a link", link().file("a/n", 0o777, b"x"), Either));
        cases.push(case(
            "a directory over a link",
            link().entry(b'5', "a/", "", 0o777, b""),
            Either,
        ));
        cases.push(case("a directory below", link().entry(b'5', "a/sub/", "", 0o777, b""), Either));
        cases.push(case("a link through a link", link().symlink("a/link", "/"), Either));
        cases.push(case("a hard link through one", link().hardlink("b", "a/f"), Refused));
        cases.push(case("a whiteout through one", link().file("a/.wh.f", 0o644, b""), Either));
        cases.push(case("opaque through one", link().file("a/.wh..wh..opq", 0o644, b""), Either));
        let over = base().symlink("a", &format!("{target}/f"));
        cases.push(case(
            "a file over a link",
            over.clone().file("a", 0o644, b"x"),
            Holds("test ! -L /a -a -f /a"),
        ));
        cases.push(case(
            "hard link to a link",
            over.clone().hardlink("b", "a"),
            Holds("test -L /b"),
        ));
        let twice = over.hardlink("b", "a").file("b", 0o4777, b"x");
        cases.push(case("a file over that", twice, Holds("test -f /b -a ! -L /b -a -L /a")));
    }
    for target in [&file, &format!("{up}/f"), &format!("../{up}/f"), &format!("/{file}")] {
        let plain = base().hardlink("b", target);
        cases.push(case(&format!("a hard link to {target}"), plain.clone(), Refused));
        cases.push(case("and a file over it", plain.file("b", 0o666, b"x"), Refused));
    }
    cases.push(case("a missing target", base().hardlink("b", "nothing"), Refused));
    cases.push(case("a later target", base().hardlink("b", "c").file("c", 0o644, b"x"), Refused));
    cases.push(case("a link to itself", base().hardlink("b", "b"), Refused));
    cases.push(case("a hard link to a directory", base().hardlink("b", "etc"), Refused));
    let looped = || base().symlink("l1", "l2").symlink("l2", "l1");
    cases.push(case("a file through a loop", looped().file("l1/f", 0o644, b"x"), Either));
    let chain = (0..40).fold(base(), |t, n| t.symlink(&format!("c{n}"), &format!("c{}", n + 1)));
    let chain = chain.symlink("c40", &canary);
    cases.push(case("a chain of 40", chain.file("c0/f", 0o777, b"x"), Either));
    let swapped = base().dir("d/").symlink("d", &canary).file("d/f", 0o4777, b"x");
    cases.push(case("a directory that became a link", swapped, Either));
    let deep = base().dir("p/").dir("p/q/").symlink("p/q", &canary).file("p/q/sub/n", 0o644, b"");
    cases.push(case("a deep one", deep, Either));
    meet_all(cases, &world);
}

#[test]
fn the_last_entry_of_a_name_counts() {
    let world = World::new();
    let base = Tarball::busybox;
    let canary = world.canary.text().to_owned();
    let cases = vec![
        case(
            "file, then directory",
            base().file("a", 0o644, b"x").dir("a/").file("a/in", 0o644, b"in"),
            Holds("test \"$(cat /a/in)\" = in"),
        ),
        case(
            "directory, then link",
            base().dir("a/").file("a/in", 0o644, b"x").symlink("a", "etc"),
            Holds("test -L /a -a ! -e /a/in -a -e /a/passwd"),
        ),
        case(
            "directory, then file",
            base().dir("a/").file("a/in", 0o644, b"x").file("a", 0o644, b"y"),
            Holds("test \"$(cat /a)\" = y"),
        ),
        case(
            "link to a directory, then directory",
            base().symlink("a", "etc").dir("a/"),
            Holds("test -d /a -a -e /etc/passwd"),
        ),
        case(
            "link to outside, then directory with files",
            base().symlink("a", &canary).dir("a/").file("a/f", 0o644, b"mine"),
            Holds("test \"$(cat /a/f)\" = mine"),
        ),
        case(
            "the parent is a file",
            base().file("a", 0o644, b"x").file("a/in", 0o644, b"in"),
            Either,
        ),
        case(
            "the same name three times",
            base().file("a", 0o600, b"1").file("a", 0o644, b"2").file("./a", 0o755, b"3"),
            Holds("test \"$(cat /a)\" = 3 -a -x /a"),
        ),
        case(
            "a directory twice keeps its files, and the last mode",
            base().dir("a/").file("a/in", 0o644, b"x").entry(b'5', "a/", "", 0o700, b""),
            Holds("test -f /a/in -a \"$(stat -c %a /a)\" = 700"),
        ),
        case(
            "a file over a hard link does not change the other",
            base().file("a", 0o644, b"old").hardlink("b", "a").file("b", 0o644, b"new"),
            Holds("test \"$(cat /a)\" = old -a \"$(cat /b)\" = new"),
        ),
    ];
    meet_all(cases, &world);
}
