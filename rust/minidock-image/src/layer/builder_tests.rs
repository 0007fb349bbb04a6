//! Which entry wins, and where it lies (rows U2, U3 and U4 as far as no tree is needed).

use super::*;
use crate::digest::Digest;

fn path(text: &str) -> EntryPath {
    EntryPath::try_from(text).unwrap()
}

fn entry(at: &str, kind: EntryKind) -> Entry {
    Entry::new(path(at), kind)
}

fn file(at: &str) -> Entry {
    entry(at, EntryKind::File { size: 1, digest: Digest::of(b"x") })
}

fn dir(at: &str) -> Entry {
    entry(at, EntryKind::Directory { opaque: false, implied: false })
}

fn opaque(at: &str) -> Entry {
    entry(at, EntryKind::Directory { opaque: true, implied: true })
}

fn link(at: &str, target: &str) -> Entry {
    entry(at, EntryKind::Symlink { target: target.into() })
}

fn hard(at: &str, target: &str) -> Entry {
    entry(at, EntryKind::Hardlink { target: path(target) })
}

fn whiteout(at: &str) -> Entry {
    entry(at, EntryKind::Whiteout)
}

/// `path kind` of each entry, flags of directories as `o` and `i`.
fn build(entries: Vec<Entry>) -> Result<Vec<String>, BuildError> {
    let mut builder = LayerIndexBuilder::new();
    for entry in entries {
        builder.insert(entry)?;
    }
    let index = builder.finish().unwrap();
    Ok(index.entries().iter().map(describe).collect())
}

fn describe(entry: &Entry) -> String {
    let at = entry.path.display();
    match &entry.kind {
        EntryKind::Directory { opaque, implied } => {
            let opaque = if *opaque { "o" } else { "" };
            format!("{at} dir{opaque}{}", if *implied { "i" } else { "" })
        }
        EntryKind::File { .. } => format!("{at} file"),
        EntryKind::Symlink { target } => format!("{at} -> {}", String::from_utf8_lossy(target)),
        EntryKind::Hardlink { target } => format!("{at} = {}", target.display()),
        EntryKind::Whiteout => format!("{at} whiteout"),
        other => format!("{at} {other:?}"),
    }
}

#[test]
fn what_wins() {
    let cases: Vec<(&str, Vec<Entry>, &[&str])> = vec![
        (
            "implied parents",
            vec![file("a/b/c")],
            &["/ diri", "/a diri", "/a/b diri", "/a/b/c file"],
        ),
        ("late parent", vec![file("a/b"), dir("a")], &["/ diri", "/a dir", "/a/b file"]),
        ("last wins", vec![file("a"), link("a", "x")], &["/ diri", "/a -> x"]),
        ("file to dir", vec![file("a"), dir("a"), file("a/b")], &["/ diri", "/a dir", "/a/b file"]),
        ("dir to link", vec![dir("a"), file("a/b"), link("a", "b")], &["/ diri", "/a -> b"]),
        (
            "link to dir",
            vec![link("a", "b"), dir("a"), file("a/f")],
            &["/ diri", "/a dir", "/a/f file"],
        ),
        (
            "opaque first",
            vec![opaque("a"), dir("a"), file("a/b")],
            &["/ diri", "/a diro", "/a/b file"],
        ),
        (
            "opaque last",
            vec![dir("a"), file("a/b"), opaque("a")],
            &["/ diri", "/a diro", "/a/b file"],
        ),
        ("opaque alone", vec![opaque("a")], &["/ diri", "/a diroi"]),
        ("opaque root", vec![opaque(""), file("a")], &["/ diroi", "/a file"]),
        ("whiteout alone", vec![whiteout("a/b")], &["/ diri", "/a diri", "/a/b whiteout"]),
        ("whiteout, dir", vec![whiteout("a"), dir("a")], &["/ diri", "/a diro"]),
        (
            "dir, whiteout",
            vec![dir("a"), file("a/b"), whiteout("a")],
            &["/ diri", "/a diro", "/a/b file"],
        ),
        ("whiteout, child", vec![whiteout("a"), file("a/b")], &["/ diri", "/a diroi", "/a/b file"]),
        ("whiteout, file", vec![whiteout("a"), file("a")], &["/ diri", "/a file"]),
        ("file, whiteout", vec![file("a"), whiteout("a")], &["/ diri", "/a file"]),
        ("whiteout twice", vec![whiteout("a"), whiteout("a")], &["/ diri", "/a whiteout"]),
        ("hard link", vec![file("b"), hard("a", "b")], &["/ diri", "/a file", "/b = /a"]),
        (
            "hard to hard",
            vec![file("a"), hard("b", "a"), hard("c", "b")],
            &["/ diri", "/a file", "/b = /a", "/c = /a"],
        ),
        (
            "target replaced",
            vec![file("a"), hard("b", "a"), hard("c", "a"), dir("a")],
            &["/ diri", "/a dir", "/b file", "/c = /b"],
        ),
        ("hard to itself", vec![file("a"), hard("a", "a")], &["/ diri", "/a file"]),
        (
            "hard to symlink",
            vec![link("a", "x"), hard("b", "a")],
            &["/ diri", "/a -> x", "/b = /a"],
        ),
        (
            "behind a link",
            vec![dir("d"), link("l", "d"), file("l/f")],
            &["/ diri", "/d dir", "/d/f file", "/l -> d"],
        ),
        (
            "behind an absolute link",
            vec![link("a", "/canary"), file("a/f")],
            &["/ diri", "/a -> /canary", "/canary diri", "/canary/f file"],
        ),
        (
            "behind a link that climbs",
            vec![link("d/l", "../../../e/./x//"), file("d/l/f")],
            &[
                "/ diri",
                "/d diri",
                "/d/l -> ../../../e/./x//",
                "/e diri",
                "/e/x diri",
                "/e/x/f file",
            ],
        ),
        (
            "whiteout behind a link",
            vec![dir("d"), link("l", "d"), whiteout("l/f")],
            &["/ diri", "/d dir", "/d/f whiteout", "/l -> d"],
        ),
        (
            "hard link behind a link",
            vec![dir("d"), file("d/f"), link("l", "d"), hard("h", "l/f")],
            &["/ diri", "/d dir", "/d/f file", "/h = /d/f", "/l -> d"],
        ),
        (
            "neighbours stay",
            vec![dir("a"), file("a/x"), file("a-b"), file("ab"), file("a")],
            &["/ diri", "/a file", "/a-b file", "/ab file"],
        ),
    ];
    for (name, entries, expected) in cases {
        assert_eq!(
            build(entries).as_deref(),
            Ok(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
            "{name}"
        );
    }
}

#[test]
fn what_is_refused() {
    let mut chain: Vec<_> =
        (0..45).map(|n| link(&format!("l{n}"), &format!("l{}", n + 1))).collect();
    chain.push(file("l0/f"));
    let cases = [
        (vec![file("a"), file("a/b")], "layer has \"/a/b\" below \"/a\", which is not a directory"),
        (vec![hard("a", "b")], "which does not come before it"),
        (vec![hard("a", "b"), file("b")], "which does not come before it"),
        (vec![hard("a", "a")], "which does not come before it"),
        (vec![whiteout("a"), hard("b", "a")], "which does not come before it"),
        (vec![dir("a"), hard("b", "a")], "which is a directory"),
        (vec![link("a", "b"), link("b", "a"), file("a/f")], "more than 40 symbolic links"),
        (vec![link("a", "a"), file("a/f")], "more than 40 symbolic links"),
        (vec![file("")], "something else than a directory at its root"),
        (vec![whiteout("")], "something else than a directory at its root"),
        (chain, "more than 40 symbolic links"),
    ];
    for (entries, expected) in cases {
        let line = build(entries).unwrap_err().to_string();
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn insert_says_where() {
    let mut builder = LayerIndexBuilder::new();
    builder.insert(link("l", "/d/e")).unwrap();
    assert_eq!(builder.insert(file("l/f")).unwrap().path, path("d/e/f"));
    assert_eq!(builder.place(&path("l/g")), Ok(path("d/e/g")));
    assert_eq!(builder.place(&path("l")), Ok(path("l")));
    assert_eq!(builder.insert(hard("h", "l/f")).unwrap().path, path("d/e/f"));
    assert!(builder.get(&path("h")).is_some() && !builder.is_empty());
    assert_eq!(builder.len(), 6);
}

/// Row U4: a million opaque markers take linear time.
#[test]
fn many_markers_are_linear() {
    let begun = std::time::Instant::now();
    let mut builder = LayerIndexBuilder::new();
    for n in 0..100_000 {
        builder.insert(opaque(&format!("d{}", n % 10))).unwrap();
        builder.insert(dir("x")).unwrap();
    }
    assert_eq!(builder.len(), 12);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
