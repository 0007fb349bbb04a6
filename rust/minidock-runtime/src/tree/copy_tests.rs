//! COPY as BuildKit does it, and what hostile images and sources try (row B1).

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use minidock_proto::mapping::Mapping;

use super::super::fixture::{Place, Tar, own, path};
use super::*;

/// An image whose directories have plain modes.
fn image(tar: Tar) -> Place {
    let place = Place::new();
    place.unpack(&tar.finish()).unwrap();
    place
}

fn copy_to(place: &Place, tar: Tar, path: &str, into: bool) -> Result<Overrides> {
    copy_as(place, tar, path, into, None, None)
}

fn copy_as(
    place: &Place,
    tar: Tar,
    path: &str,
    into_directory: bool,
    chown: Option<(u32, u32)>,
    chmod: Option<u32>,
) -> Result<Overrides> {
    let mapping: Mapping = own();
    let path = Path::new(path);
    let upper = place.fd();
    let upper = Some(upper.as_fd());
    let to = Destination { path, into_directory, chown, chmod, mapping: &mapping, upper };
    let done = copy(place.fd(), &tar.finish()[..], &to);
    place.assert_untouched();
    done
}

fn lines_after(base: Tar, tar: Tar, path: &str, into: bool) -> Vec<String> {
    let place = image(base);
    copy_to(&place, tar, path, into).unwrap();
    let mut lines = place.lines();
    assert_eq!(lines.remove(0), "/ 755");
    lines
}

fn one() -> Tar {
    Tar::default().file("f", "new")
}

fn contents() -> Tar {
    Tar::default().owned(b'5', "./", 0o700, 0, 0).owned(b'5', "d", 0o711, 0, 0).file("d/f", "new")
}

#[test]
fn where_a_single_file_goes() {
    let base = || {
        let tar = Tar::default().directory("dir").file("old", "x");
        tar.symlink("to-dir", "/dir").symlink("to-old", "old").symlink("dangling", "deep/er")
    };
    for (path, into, expected) in [
        ("/f2", false, "f2 755 \"new\""),
        ("/dir", false, "dir/f 755 \"new\""),
        ("/dir/", true, "dir/f 755 \"new\""),
        ("/to-dir", false, "dir/f 755 \"new\""),
        ("/to-dir/x", false, "dir/x 755 \"new\""),
        ("/old", false, "old 755 \"new\""),
        ("/to-old", false, "old 755 \"new\""),
        ("/dangling", false, "deep/er 755 \"new\""),
        ("/new/", true, "new/f 755 \"new\""),
        ("/a/b/c", false, "a/b/c 755 \"new\""),
        ("/../../x", false, "x 755 \"new\""),
        ("/", true, "f 755 \"new\""),
        ("/", false, "f 755 \"new\""),
    ] {
        let lines = lines_after(base(), one(), path, into);
        assert!(lines.iter().any(|line| line == expected), "{path}: {lines:?}");
        assert!(lines.contains(&"to-dir -> /dir".to_owned()));
    }
}

/// Existing directories take mode and time of the source, the destination itself does not.
#[test]
fn directories_merge() {
    let base = Tar::default().owned(b'5', "dst", 0o750, 0, 0).owned(b'5', "dst/d", 0o777, 0, 0);
    let base = base.file("dst/d/kept", "x").file("dst/d/f", "old");
    let lines = lines_after(base, contents(), "/dst", false);
    let expected = ["dst/ 750", "dst/d/ 711", "dst/d/f 755 \"new\"", "dst/d/kept 755 \"x\""];
    assert_eq!(lines, expected);
    let lines = lines_after(Tar::default(), contents(), "/p/dst", false);
    assert_eq!(lines, ["p/ 755", "p/dst/ 755", "p/dst/d/ 711", "p/dst/d/f 755 \"new\""]);
}

#[test]
fn times_are_those_of_the_source() {
    let place = image(Tar::default());
    copy_to(&place, contents().symlink("l", "d"), "/x/", true).unwrap();
    for name in ["x/d", "x/d/f", "x/l"] {
        assert_eq!(fs::symlink_metadata(place.tree().join(name)).unwrap().mtime(), 7, "{name}");
    }
}

#[test]
fn what_exists_is_replaced_itself() {
    let place = image(Tar::default().directory("dst"));
    let canary = place.canary();
    symlink(format!("{canary}/f"), place.tree().join("dst/f")).unwrap();
    let tar = one().file("g", "new").symlink("l", &canary).file("new/x", "y");
    copy_to(&place, tar, "/dst", true).unwrap();
    let lines = place.lines();
    assert!(lines.contains(&"dst/f 755 \"new\"".to_owned()), "{lines:?}");
    assert!(lines.contains(&format!("dst/l -> {canary}")));
}

/// Row B1 and U2: nothing is written through a link, and links lead nowhere outside.
#[test]
fn refusals() {
    let cases: [(&str, &str, Tar, bool, &str); 12] = [
        ("dir", "/", contents(), false, ""),
        (
            "directory onto a link",
            "/",
            Tar::default().directory("./").directory("out"),
            false,
            "cannot copy a directory onto \"/out\"",
        ),
        (
            "through a link",
            "/",
            Tar::default().directory("./").file("out/f", ""),
            false,
            "a parent of it is a link or a file",
        ),
        (
            "directory onto a file",
            "/",
            Tar::default().directory("./").directory("file"),
            false,
            "cannot copy a directory onto \"/file\"",
        ),
        (
            "file onto a directory",
            "/",
            Tar::default().file("dir", ""),
            true,
            "cannot replace the directory \"/dir\"",
        ),
        ("into a file", "/file", contents(), false, "it is not a directory"),
        ("into a file", "/file/", one(), true, "it is not a directory"),
        ("below a file", "/file/x", one(), false, "\"/file\" is not a directory"),
        ("several to one name", "/new", one().file("g", ""), false, "several files"),
        ("whiteout", "/", Tar::default().directory("./").file(".wh.file", ""), false, ".wh."),
        (
            "link to what was there",
            "/",
            Tar::default().directory("./").hardlink("l", "file"),
            false,
            "did not come before it",
        ),
        ("link out", "/", Tar::default().directory("./").hardlink("l", "../x"), false, "`..`"),
    ];
    for (what, path, tar, into, expected) in cases {
        let place = image(Tar::default().directory("dir").file("file", "old"));
        symlink(place.canary(), place.tree().join("out")).unwrap();
        let done = copy_to(&place, tar, path, into);
        if expected.is_empty() {
            done.unwrap();
            continue;
        }
        let failure = done.unwrap_err();
        assert!(failure.message.contains(expected), "{what}: {}", failure.message);
        let old = fs::read_to_string(place.tree().join("file")).unwrap();
        assert_eq!(old, "old", "{what}");
    }
}

/// A destination behind links that point out of the image ends inside it.
#[test]
fn destinations_stay_inside() {
    for target in ["../canary", "/../canary", "../../../../../.."] {
        let place = image(Tar::default());
        symlink(target, place.tree().join("out")).unwrap();
        copy_to(&place, one(), "/out/f", false).unwrap();
        copy_to(&place, one(), "/out/sub/", true).unwrap();
    }
    let place = image(Tar::default());
    symlink("loop", place.tree().join("loop")).unwrap();
    let failure = copy_to(&place, one(), "/loop/f", false).unwrap_err();
    assert!(failure.message.contains("too many symbolic links"), "{}", failure.message);
}

#[test]
fn owners_and_modes() {
    let place = image(Tar::default());
    let tar = contents().symlink("l", "d").hardlink("d/g", "d/f");
    let found = copy_as(&place, tar, "/p/dst/", true, Some((70, 80)), Some(0o640)).unwrap();
    let owner = |name: &str| found.get(&path(name)).and_then(|known| known.owner);
    for name in ["p", "p/dst", "p/dst/d", "p/dst/d/f", "p/dst/d/g", "p/dst/l"] {
        assert_eq!(owner(name), Some((70, 80)), "{name}");
    }
    let mode = |name: &str| {
        fs::symlink_metadata(place.tree().join(name)).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!((mode("p"), mode("p/dst"), mode("p/dst/d")), (0o755, 0o755, 0o640));
    fs::set_permissions(place.tree().join("p/dst/d"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(mode("p/dst/d/f"), 0o640);
    let tar = Tar::default().owned(b'0', "f", 0o4755, 3, 4);
    let found = copy_to(&place, tar, "/f", false).unwrap();
    assert_eq!(found.get(&path("f")).unwrap().owner, Some((3, 4)));
    assert_eq!(mode("f"), 0o4755);
}

/// Devices of an archive are in the index, whatever they replace.
#[test]
fn devices_come_back_as_overrides() {
    let place = image(Tar::default().file("null", "was a file"));
    let tar = Tar::default().device(b'3', "null", 1, 3).hardlink("twin", "null");
    let found = copy_to(&place, tar, "/", true).unwrap();
    for name in ["null", "twin"] {
        let absent = found.get(&path(name)).and_then(|known| known.absent.clone()).unwrap();
        assert_eq!(absent.kind, EntryKind::CharDevice { major: 1, minor: 3 });
        assert_eq!(absent.path, path(name));
    }
    assert_eq!(place.lines(), ["/ 755"]);
}

#[test]
fn a_later_source_wins() {
    let tar = Tar::default().file("f", "1").file("f", "2").file("d/x", "1").directory("d");
    let lines = lines_after(Tar::default(), tar, "/t/", true);
    assert_eq!(lines, ["t/ 755", "t/d/ 755", "t/d/x 755 \"1\"", "t/f 755 \"2\""]);
}
