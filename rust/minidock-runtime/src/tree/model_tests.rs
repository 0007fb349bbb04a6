//! Resolution within a layer, without a file system.

use super::super::fixture::path;
use super::*;

fn model(entries: &[(&str, Option<&str>)]) -> Model {
    let mut model = Model::default();
    for (name, target) in entries {
        let kind = match target {
            Some(target) => EntryKind::Symlink { target: target.as_bytes().to_vec() },
            None => EntryKind::Directory { opaque: false, implied: false },
        };
        model.put(Entry::new(path(name), kind));
    }
    model
}

#[test]
fn places() {
    let model = model(&[
        ("usr", None),
        ("bin", Some("usr/bin")),
        ("abs", Some("/usr/./lib//")),
        ("up", Some("../../..")),
        ("usr/loop", Some("loop")),
        ("usr/chain", Some("../bin/x")),
    ]);
    for (name, expected) in [
        ("", ""),
        ("bin", "bin"),
        ("bin/a", "usr/bin/a"),
        ("bin/a/b", "usr/bin/a/b"),
        ("abs/x", "usr/lib/x"),
        ("up/x", "x"),
        ("usr/chain/y", "usr/bin/x/y"),
        ("new/x/y", "new/x/y"),
    ] {
        assert_eq!(model.place(&path(name)), Ok(path(expected)), "{name}");
    }
    assert_eq!(model.place(&path("usr/loop/x")), Err(NoPlace::TooManyLinks));
}

#[test]
fn removal_takes_what_is_below_and_no_more() {
    let mut model = model(&[("a", None), ("a/b", None), ("a-b", None), ("a.b", None), ("b", None)]);
    model.remove(&path("a"));
    let left: Vec<_> = model.into_entries().into_iter().map(|e| e.path.display()).collect();
    assert_eq!(left, ["/a-b", "/a.b", "/b"]);
}
