//! Streams as a hostile container might want them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use minidock_image::layer::Mtime;
use minidock_image::tar::PlainTarWriter;

use super::*;

fn entry(path: &str, kind: PlainKind, mode: u32) -> PlainEntry {
    PlainEntry {
        path: EntryPath::try_from(path).unwrap(),
        kind,
        mode,
        uid: 4321,
        gid: 4321,
        mtime: Mtime::from_secs(1_000_000_000),
        xattrs: Default::default(),
    }
}

fn tar(entries: &[(PlainEntry, &[u8])]) -> Vec<u8> {
    let mut writer = PlainTarWriter::new(Vec::new());
    for (entry, content) in entries {
        writer.append(entry, *content, &mut [0; 512]).unwrap();
    }
    writer.finish().unwrap()
}

fn file(path: &str, content: &'static [u8]) -> (PlainEntry, &'static [u8]) {
    (entry(path, PlainKind::File { size: content.len() as u64 }, 0o644), content)
}

fn dir(path: &str) -> (PlainEntry, &'static [u8]) {
    (entry(path, PlainKind::Directory, 0o755), b"")
}

fn put(into: &Path, entries: &[(PlainEntry, &[u8])], name: Option<&str>) -> Result<CopyReport> {
    let directory = File::open(into).unwrap();
    let top = Top { rooted: false, name: name.map(|name| name.as_bytes().to_vec()) };
    receive(&directory, &mut &tar(entries)[..], &top, false)
}

#[test]
fn modes_lose_what_gives_rights_away() {
    let place = tempfile::tempdir().unwrap();
    let program = (entry("d/p", PlainKind::File { size: 1 }, 0o7755), &b"x"[..]);
    let sticky = (entry("d", PlainKind::Directory, 0o7777), &b""[..]);
    put(place.path(), &[sticky, program], None).unwrap();
    let mode = |name: &str| fs::metadata(place.path().join(name)).unwrap().mode() & 0o7777;
    assert_eq!((mode("d"), mode("d/p")), (0o1777, 0o755));
    assert_eq!(fs::metadata(place.path().join("d/p")).unwrap().mtime(), 1_000_000_000);
}

#[test]
fn devices_and_their_other_names_are_left_out() {
    let place = tempfile::tempdir().unwrap();
    let target = EntryPath::try_from("c").unwrap();
    let entries = [
        (entry("c", PlainKind::CharDevice(1, 3), 0o666), &b""[..]),
        (entry("b", PlainKind::BlockDevice(8, 0), 0o666), b""),
        (entry("h", PlainKind::Hardlink { target }, 0o666), b""),
        (entry("p", PlainKind::Fifo, 0o600), b""),
    ];
    let report = put(place.path(), &entries, None).unwrap();
    assert_eq!((report.skipped, report.entries), (3, 1));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn links_lead_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "canary").unwrap();
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o711)).unwrap();
    symlink(outside.path(), place.path().join("link")).unwrap();
    let target = outside.path().to_str().unwrap().as_bytes().to_vec();
    let own = (entry("made", PlainKind::Symlink { target }, 0o777), &b""[..]);
    for (entries, fails) in [
        // A directory onto a link, files through one, the stream's own or not.
        (vec![dir("link")], true),
        (vec![file("link/f", b"new")], true),
        (vec![file("link/new", b"new")], true),
        (vec![own.clone(), file("made/f", b"new")], true),
        (vec![own.clone(), dir("made"), file("made/f", b"new")], true),
        // The link itself is replaced.
        (vec![file("link", b"new")], false),
    ] {
        assert_eq!(put(place.path(), &entries, None).is_err(), fails, "{entries:?}");
        assert_eq!(fs::read(outside.path().join("f")).unwrap(), b"canary");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::metadata(outside.path()).unwrap().mode() & 0o777, 0o711);
    }
    assert_eq!(fs::read(place.path().join("link")).unwrap(), b"new");
}

#[test]
fn what_exists_is_replaced_and_not_written_into() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("f"), "old").unwrap();
    fs::hard_link(at("f"), at("other")).unwrap();
    fs::create_dir(at("d")).unwrap();
    put(place.path(), &[file("f", b"new"), dir("d"), file("d/x", b"x")], None).unwrap();
    assert_eq!(fs::read(at("other")).unwrap(), b"old");
    assert_eq!(fs::read(at("f")).unwrap(), b"new");
    assert!(put(place.path(), &[file("d", b"")], None).is_err());
    assert!(put(place.path(), &[dir("f")], None).is_err());
}

#[test]
fn the_top_gets_another_name_and_links_to_it_follow() {
    let place = tempfile::tempdir().unwrap();
    let target = EntryPath::try_from("a/f").unwrap();
    let link = (entry("a/h", PlainKind::Hardlink { target }, 0o644), &b""[..]);
    put(place.path(), &[dir("a"), file("a/f", b"x"), link], Some("b")).unwrap();
    assert_eq!(fs::metadata(place.path().join("b/f")).unwrap().nlink(), 2);
    assert!(!place.path().join("a").exists());
}

#[test]
fn half_a_file_does_not_stay() {
    let place = tempfile::tempdir().unwrap();
    let whole = tar(&[file("f", &[7; 4000])]);
    let directory = File::open(place.path()).unwrap();
    let top = Top { rooted: false, name: None };
    assert!(receive(&directory, &mut &whole[..2000], &top, false).is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}
