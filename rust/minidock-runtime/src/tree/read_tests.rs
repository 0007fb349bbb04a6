//! COPY --from: which files are meant, and that none of them is the host's.

use std::os::unix::fs::symlink;

use minidock_proto::request::FailureKind;

use super::super::fixture::{Place, Tar, index_lines, own};
use super::super::{Destination, copy};
use super::*;

fn image() -> Place {
    let place = Place::new();
    let tar = Tar::default()
        .owned(b'5', "app", 0o750, 10, 20)
        .owned(b'0', "app/a.txt", 0o640, 11, 21)
        .file("app/b.txt", "b")
        .hardlink("app/b2.txt", "app/b.txt")
        .file("app/sub/c.txt", "c")
        .symlink("app/link", "a.txt")
        .symlink("current", "app")
        .symlink("file", "/app/b.txt")
        .symlink("out", "../../../canary")
        .file("app2/d.txt", "d")
        .file("odd/[x]", "o")
        .owned(b'6', "app/pipe", 0o600, 0, 0);
    place.unpack(&tar.finish()).unwrap();
    place
}

fn read_with(place: &Place, paths: &[&str], indexes: &[LayerIndex]) -> Result<(u64, Vec<u8>)> {
    let paths: Vec<_> = paths.iter().map(|path| Bytes::from(*path)).collect();
    let mut tar = Vec::new();
    let matched = read(place.fd(), &paths, indexes, &own(), &mut tar)?;
    place.assert_untouched();
    Ok((matched, tar))
}

/// Names and kinds of what is read; owners are those of who runs the test.
fn listed(place: &Place, paths: &[&str]) -> Vec<String> {
    let (matched, tar) = read_with(place, paths, &[]).unwrap();
    assert!(matched >= 1);
    let (_, index) = Place::new().unpack(&tar).unwrap();
    let short = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    index_lines(&index).iter().map(short).collect()
}

#[test]
fn sources() {
    let place = image();
    let app = [
        "/ directory",
        "/a.txt file",
        "/b.txt file",
        "/b2.txt =",
        "/link ->",
        "/pipe fifo",
        "/sub directory",
        "/sub/c.txt file",
    ];
    for paths in [&["/app"][..], &["/app/"], &["app/."], &["/current"], &["/app/sub/.."]] {
        assert_eq!(listed(&place, paths), app, "{paths:?}");
    }
    for (paths, expected) in [
        (&["/app/a.txt"][..], &["/a.txt file"][..]),
        (&["/file"], &["/file file"]),
        (&["/current/a.txt"], &["/a.txt file"]),
        (&["/app/link"], &["/link file"]),
        (&["/app/*.txt"], &["/a.txt file", "/b.txt file", "/b2.txt ="]),
        (&["/a*/?.txt"], &["/a.txt file", "/b.txt file", "/d.txt file"]),
        (&["/app*/[c-d]*"], &["/d.txt file"]),
        (&["/app/s*"], &["/ directory", "/c.txt file"]),
        (&["/app/a.txt", "/app2"], &["/ directory", "/a.txt file", "/d.txt file"]),
        (&["/odd/\\[x]*"], &["/[x] file"]),
        (&["/../../app2/d.txt"], &["/d.txt file"]),
    ] {
        assert_eq!(listed(&place, paths), expected, "{paths:?}");
    }
    assert_eq!(read_with(&place, &["/app/*.txt", "/app2"], &[]).unwrap().0, 4);
}

/// Row B1: a pattern never looks through a link, and a link never leads out.
#[test]
fn what_is_not_there() {
    let place = image();
    symlink(place.canary(), place.tree().join("absolute")).unwrap();
    for (paths, kind) in [
        (&["/nothing"][..], FailureKind::NotFound),
        (&["/app/*.nothing"], FailureKind::NotFound),
        (&["/app", "/x*"], FailureKind::NotFound),
        (&["/out"], FailureKind::NotFound),
        (&["/out/f"], FailureKind::NotFound),
        (&["/absolute/f"], FailureKind::NotFound),
        (&["/c*/a.txt"], FailureKind::NotFound),
        (&["/absolut?/f"], FailureKind::NotFound),
        (&["/proc/self/root"], FailureKind::NotFound),
        (&["/app/a.txt/x"], FailureKind::InvalidInput),
        (&["/app/[a"], FailureKind::InvalidInput),
    ] {
        let failure = read_with(&place, paths, &[]).unwrap_err();
        assert_eq!(failure.kind, kind, "{paths:?}: {}", failure.message);
        assert!(!failure.message.contains('\n'));
    }
    let clash = Place::new();
    let tar = Tar::default().file("one/x", "").file("two/x/y", "");
    clash.unpack(&tar.finish()).unwrap();
    let failure = read_with(&clash, &["/one", "/two"], &[]).unwrap_err();
    assert!(failure.message.contains("one is a directory"), "{}", failure.message);
}

/// With one id the tree has no owners: they come from the indexes and survive a copy.
#[test]
fn owners_survive() {
    let place = Place::new();
    let tar = Tar::default()
        .owned(b'5', "app", 0o750, 10_000, 20_000)
        .owned(b'0', "app/a", 0o640, 11_000, 21_000)
        .hardlink("app/b", "app/a");
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    let (_, tar) = read_with(&place, &["/app"], &[index]).unwrap();
    let (_, found) = Place::new().unpack(&tar).unwrap();
    assert_eq!(
        index_lines(&found),
        ["/ directory 750 10000:20000", "/a file 0 640 11000:21000", "/b = /a 640 11000:21000",]
    );
}

#[test]
fn what_is_read_can_be_copied() {
    let place = image();
    let (_, tar) = read_with(&place, &["/app"], &[]).unwrap();
    let target = Place::new();
    let mapping = own();
    let path = std::path::Path::new("/copied");
    let to = Destination {
        path,
        into_directory: false,
        chown: None,
        chmod: None,
        mapping: &mapping,
        upper: None,
    };
    copy(target.fd(), &tar[..], &to).unwrap();
    let strip = |place: &Place, top: &str| -> Vec<String> {
        let lines = place.lines().into_iter();
        lines.filter_map(|line| line.strip_prefix(top).map(str::to_owned)).collect()
    };
    let (mut before, mut after) = (strip(&place, "app/"), strip(&target, "copied/"));
    before.retain(|line| !line.starts_with(' '));
    after.retain(|line| !line.starts_with(' '));
    assert_eq!(before, after);
    assert_eq!(before.len(), 7);
}
