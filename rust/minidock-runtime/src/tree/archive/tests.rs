//! Paths as docker reads them.

use super::*;

#[test]
fn paths_are_absolute_and_stay_inside() {
    for (text, path, name, directory, contents) in [
        ("/", "/", "/", true, false),
        ("", "/", "/", true, false),
        (".", "/", "/", true, true),
        ("/.", "/", "/", true, true),
        ("x", "/x", "x", false, false),
        ("/x/", "/x", "x", true, false),
        ("/x/.", "/x", ".", true, true),
        ("//x//y", "/x/y", "y", false, false),
        ("../../x", "/x", "x", false, false),
        ("/a/../../b/./c", "/b/c", "c", false, false),
        ("a/..", "/", "/", true, false),
    ] {
        let place = Place::parse(text.as_bytes()).unwrap();
        assert_eq!(place.path, PathBuf::from(path), "{text:?}");
        assert_eq!(place.name(), name.as_bytes(), "{text:?}");
        assert_eq!((place.directory, place.contents), (directory, contents), "{text:?}");
    }
    assert!(Place::parse(b"a\0b").is_err());
    assert!(Place::parse(&[b'x'; 5000]).is_err());
}

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, symlink};

use minidock_image::tar::{PlainKind, PlainTarReader};
use minidock_proto::archive::Copied;

use crate::tree::fixture::{Place as Tree, Tar, own};

fn sent(tree: &Tree, path: &str) -> Result<Vec<u8>> {
    let (root, mapping) = (tree.fd(), own());
    let place = Place::parse(path.as_bytes())?;
    let from = Source { root: root.as_fd(), place: &place, indexes: &[], mapping: &mapping };
    let mut bytes = Vec::new();
    send(from, &mut bytes, |_| Ok(()))?;
    Ok(bytes)
}

fn names(tar: &[u8]) -> Vec<String> {
    let mut reader = PlainTarReader::new(tar);
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let mark = if entry.kind == PlainKind::Directory { "/" } else { "" };
        names.push(format!("{}{mark}", entry.path.as_path().display()));
    }
    names
}

fn put(tree: &Tree, path: &str, tar: &[u8]) -> Result<Copied> {
    let root = tree.fd();
    let done = receive(root.as_fd(), &Place::parse(path.as_bytes())?, tar, &own(), || Ok(()));
    tree.assert_untouched();
    done
}

fn tree() -> Tree {
    let tree = Tree::new();
    let at = |name: &str| tree.tree().join(name);
    fs::create_dir_all(at("d/s")).unwrap();
    fs::write(at("d/s/x"), "content").unwrap();
    fs::write(at("d/.wh.name"), "plain").unwrap();
    fs::hard_link(at("d/s/x"), at("d/twin")).unwrap();
    symlink("s", at("d/inner")).unwrap();
    symlink("/d", at("absolute")).unwrap();
    symlink("../../..", at("up")).unwrap();
    symlink(tree.canary(), at("out")).unwrap();
    symlink("loop", at("loop")).unwrap();
    tree
}

#[test]
fn what_is_sent_begins_with_its_name() {
    let tree = tree();
    let below = ["d/", "d/.wh.name", "d/inner", "d/s/", "d/s/x", "d/twin"];
    let bare: Vec<_> = below.iter().map(|name| name.strip_prefix("d/").unwrap()).collect();
    let bare: Vec<_> = std::iter::once("/").chain(bare[1..].iter().copied()).collect();
    assert_eq!(names(&sent(&tree, "/d").unwrap()), below);
    assert_eq!(names(&sent(&tree, "d/").unwrap()), below);
    assert_eq!(names(&sent(&tree, "/d/.").unwrap()), bare);
    assert_eq!(names(&sent(&tree, "/x/../d/.").unwrap()), bare);
    assert_eq!(names(&sent(&tree, "absolute/s/x").unwrap()), ["x"]);
    assert_eq!(names(&sent(&tree, "up/d/s/x").unwrap()), ["x"]);
    // A link itself, unless a directory is meant.
    assert_eq!(names(&sent(&tree, "absolute").unwrap()), ["absolute"]);
    assert_eq!(names(&sent(&tree, "absolute/").unwrap())[0], "absolute/");
    for (path, kind) in [
        ("/no", FailureKind::NotFound),
        ("/d/s/x/", FailureKind::InvalidInput),
        ("/d/s/x/y", FailureKind::InvalidInput),
        ("/loop/x", FailureKind::InvalidInput),
        ("/out/", FailureKind::NotFound),
        ("/out/x", FailureKind::NotFound),
    ] {
        assert_eq!(sent(&tree, path).unwrap_err().kind, kind, "{path}");
    }
}

#[test]
fn links_are_told_as_the_container_has_them() {
    let tree = tree();
    let root = tree.fd();
    for (path, target) in [
        ("absolute", Some("/d")),
        ("d/inner", Some("/d/s")),
        ("up", Some("/")),
        ("out", Some(tree.canary().as_str())),
        ("d", None),
        ("absolute/s/x", None),
    ] {
        let found = stat(root.as_fd(), &Place::parse(path.as_bytes()).unwrap()).unwrap();
        assert_eq!(found.target, target.map(Bytes::from), "{path}");
    }
}

#[test]
fn what_was_sent_can_be_received() {
    let (from, to) = (tree(), Tree::new());
    let tar = sent(&from, "/d").unwrap();
    let copied = put(&to, "/", &tar).unwrap();
    assert_eq!((copied.entries, copied.bytes), (6, 12));
    assert_eq!(names(&sent(&to, "/d").unwrap()), names(&tar));
    assert_eq!(fs::metadata(to.tree().join("d/twin")).unwrap().nlink(), 2);
    // Once more over what is there.
    put(&to, "/", &tar).unwrap();
    assert_eq!(names(&sent(&to, "/d").unwrap()), names(&tar));
}

#[test]
fn what_is_received_stays_inside() {
    let tree = tree();
    let tar = |name: &str| Tar::default().file(name, "new").finish();
    // Links lead within the container, as for its own programs.
    put(&tree, "/", &tar("absolute/made")).unwrap();
    put(&tree, "/", &tar("up/above")).unwrap();
    put(&tree, "absolute/inner", &tar("deep")).unwrap();
    put(&tree, "/", &tar("missing/parents/f")).unwrap();
    for name in ["d/made", "above", "d/s/deep", "missing/parents/f"] {
        assert_eq!(fs::read(tree.tree().join(name)).unwrap(), b"new", "{name}");
    }
    // A link at the end is replaced itself.
    put(&tree, "/", &tar("out")).unwrap();
    assert!(fs::symlink_metadata(tree.tree().join("out")).unwrap().is_file());
    for name in ["../f", "a/../../f"] {
        assert!(put(&tree, "/", &tar(name)).is_err(), "{name}");
    }
    for (name, onto) in [("d", "a file onto a directory"), ("d/s/x/y", "below a file")] {
        assert!(put(&tree, "/", &tar(name)).is_err(), "{onto}");
    }
    assert!(put(&tree, "/", &Tar::default().directory("absolute/").finish()).is_err());
    assert!(put(&tree, "/no", &tar("f")).is_err());
    assert!(put(&tree, "/d/s/x", &tar("f")).is_err());
    let device = Tar::default().device(b'3', "null", 1, 3).finish();
    assert!(put(&tree, "/", &device).unwrap_err().message.contains("device"));
    // Half a stream leaves no half a file.
    let cut = Tar::default().file("cut", &"x".repeat(5000)).finish();
    assert!(put(&tree, "/", &cut[..2000]).is_err());
    assert!(!tree.tree().join("cut").exists());
}
