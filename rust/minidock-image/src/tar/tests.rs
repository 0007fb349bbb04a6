//! Rows U1, U4, U5, U9, U12 and U13 on whole streams, and the frozen format.

mod made;
mod refused;
mod written;

use std::collections::BTreeMap;
use std::io::Read as _;

use super::*;
use crate::layer::{Entry, EntryKind, EntryPath, LayerIndexBuilder, Mtime};
use made::{Made, pax, read_all, stream};

fn path(text: &str) -> EntryPath {
    EntryPath::try_from(text).unwrap()
}

/// What the reader says of the only member.
fn only(members: &[Made]) -> Entry {
    let mut entries = read_all(&stream(members)).unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

#[test]
fn every_type() {
    let entries = read_all(&stream(&[
        Made::new("./", b'5'),
        Made::file("f", b"hello"),
        Made::new("old", 0),
        Made::new("olddir/", 0),
        Made::new("contiguous", b'7'),
        Made::new("s", b'2').link("../any/../where"),
        Made::new("h", b'1').link("/f").number(124, 12, 5),
        Made::new("c", b'3').number(329, 8, 5).number(337, 8, 1),
        Made::new("b", b'4').number(329, 8, 8),
        Made::new("p", b'6'),
    ]))
    .unwrap();
    let dir = EntryKind::Directory { opaque: false, implied: false };
    let file = |content: &[u8]| EntryKind::File {
        size: content.len() as u64,
        digest: crate::digest::Digest::of(content),
    };
    let expected = [
        ("", dir.clone()),
        ("f", file(b"hello")),
        ("old", file(b"")),
        ("olddir", dir),
        ("contiguous", file(b"")),
        ("s", EntryKind::Symlink { target: b"../any/../where".to_vec() }),
        ("h", EntryKind::Hardlink { target: path("f") }),
        ("c", EntryKind::CharDevice { major: 5, minor: 1 }),
        ("b", EntryKind::BlockDevice { major: 8, minor: 0 }),
        ("p", EntryKind::Fifo),
    ];
    let found: Vec<_> = entries.into_iter().map(|entry| (entry.path, entry.kind)).collect();
    assert_eq!(found, expected.map(|(at, kind)| (path(at), kind)));
}

#[test]
fn metadata() {
    let entry = only(&[Made::file("f", b"")
        .number(100, 8, 0o104_755)
        .number(108, 8, 1000)
        .number(116, 8, 65_534)
        .number(136, 12, 7)]);
    assert_eq!((entry.mode, entry.uid, entry.gid), (0o4755, 1000, 65_534));
    assert_eq!(entry.mtime, Mtime::from_secs(7));
}

#[test]
fn pax_records() {
    let long = "d/".repeat(100) + "name";
    let entry = only(&[
        pax(&[
            ("path", long.as_bytes()),
            ("uid", b"2147483648"),
            ("gid", b"65536"),
            ("mtime", b"5.5"),
            ("size", b"3"),
            ("SCHILY.xattr.security.capability", b"\x01\0\0\x02=\n"),
            ("SCHILY.xattr.user.empty", b""),
            ("SCHILY.xattr.user.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.user.overlay.metacopy", b""),
            ("LIBARCHIVE.creationtime", b"1"),
            ("comment", b"x"),
        ]),
        Made::file("short", b"abc"),
    ]);
    assert_eq!(entry.path, path(&long));
    assert_eq!((entry.uid, entry.gid), (1 << 31, 65_536));
    assert_eq!(entry.mtime, Mtime { secs: 5, nanos: 500_000_000 });
    let xattrs: BTreeMap<_, _> = [
        (b"security.capability".to_vec(), b"\x01\0\0\x02=\n".to_vec()),
        (b"user.empty".to_vec(), Vec::new()),
    ]
    .into();
    assert_eq!(entry.xattrs, xattrs);
    let link = only(&[pax(&[("linkpath", &[b'l'; 300])]), Made::new("s", b'2').link("x")]);
    assert_eq!(link.kind, EntryKind::Symlink { target: vec![b'l'; 300] });
    let global = only(&[Made::ext(b'g', b"12 comment=\n"), Made::file("f", b"")]);
    assert_eq!(global.path, path("f"));
}

#[test]
fn gnu_extensions() {
    let long = "d/".repeat(400) + "name";
    let entry = only(&[
        Made::ext(b'L', format!("{long}\0").as_bytes()),
        Made::ext(b'K', &[b'k'; 200]),
        Made::new("x", b'2').link("y").gnu(),
    ]);
    assert_eq!(entry.path, path(&long));
    assert_eq!(entry.kind, EntryKind::Symlink { target: vec![b'k'; 200] });
    let same = [Made::ext(b'L', b"same\0"), pax(&[("path", b"same")]), Made::file("x", b"")];
    assert_eq!(only(&same).path, path("same"));
    let ids = only(&[Made::file("f", b"").base256(108, 8, 1 << 31).base256(116, 8, -1)]);
    assert_eq!((ids.uid, ids.gid), (1 << 31, u32::MAX));
}

#[test]
fn ustar_prefix() {
    let prefixed = only(&[Made::file("name", b"").text(345, b"some/prefix")]);
    assert_eq!(prefixed.path, path("some/prefix/name"));
    // GNU headers keep times there.
    let gnu = only(&[Made::file("name", b"").gnu().text(345, b"14000000000\0")]);
    assert_eq!(gnu.path, path("name"));
}

/// Row U5.
#[test]
fn whiteout_devices_are_left_out() {
    let bytes = stream(&[
        Made::new("c", b'3'),
        Made::new("real", b'3').number(329, 8, 1).number(337, 8, 3),
        pax(&[("SCHILY.xattr.trusted.overlay.opaque", b"y")]),
        Made::new("d", b'5'),
        Made::new(".wh..wh.aufs", b'0'),
        Made::new(".wh..wh.plnk/1", b'0'),
    ]);
    let mut reader = LayerTarReader::new(&bytes[..]);
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        match entry {
            TarEntry::Entry(entry) => names.push(entry.path.display()),
            TarEntry::File(file) => panic!("{file:?}"),
        }
    }
    assert_eq!(names, ["/real", "/d"]);
    let skipped = Skipped { whiteout_devices: 1, overlay_xattrs: 1, aufs_members: 2 };
    assert_eq!(reader.skipped(), skipped);
}

/// Row U4: before or after siblings, the index is the same.
#[test]
fn whiteouts_and_opaque_markers() {
    let dir = Made::new("d/", b'5');
    let file = Made::file("d/f", b"x");
    let opaque = Made::new("d/.wh..wh..opq", b'0');
    let gone = Made::new(".wh.gone", b'0').number(100, 8, 0o777);
    let orders = [
        [dir.clone(), opaque.clone(), file.clone(), gone.clone()],
        [opaque.clone(), gone.clone(), dir.clone(), file.clone()],
        [gone, dir, file, opaque],
    ];
    let mut indexes = Vec::new();
    for members in orders {
        let mut builder = LayerIndexBuilder::new();
        for entry in read_all(&stream(&members)).unwrap() {
            builder.insert(entry).unwrap();
        }
        indexes.push(builder.finish().unwrap());
    }
    assert_eq!(indexes[0], indexes[1]);
    assert_eq!(indexes[0], indexes[2]);
    let kind = &indexes[0].get(&path("d")).unwrap().kind;
    assert_eq!(*kind, EntryKind::Directory { opaque: true, implied: false });
    let gone = indexes[0].get(&path("gone")).unwrap();
    assert_eq!(*gone, Entry::new(path("gone"), EntryKind::Whiteout));
}

/// Row U12.
#[test]
fn names_are_byte_exact() {
    for name in
        [&b"\xff\xfe"[..], b"a\nb", b"\x1b]52;c;\x07", b"\xc3\xa9", b"e\xcc\x81", b"A", b"a"]
    {
        let entry = only(&[pax(&[("path", name)]), Made::file("x", b"")]);
        assert_eq!(entry.path.as_bytes(), name);
    }
}

/// Row U13.
#[test]
fn times_are_clamped() {
    let last = i64::MAX / 1_000_000_000;
    for (member, secs) in [
        (Made::file("f", b"").base256(136, 12, -1), 0),
        (Made::file("f", b"").base256(136, 12, i64::MAX), last),
        (Made::file("f", b"").base256(136, 12, i64::MIN), 0),
        (Made::file("f", b"").number(136, 12, 0), 0),
    ] {
        assert_eq!(only(&[member]).mtime, Mtime::from_secs(secs));
    }
    for (text, secs) in [("-1", 0), ("NaN", 0), ("9223372036854775808", last), ("3.0", 3)] {
        let entry = only(&[pax(&[("mtime", text.as_bytes())]), Made::file("f", b"")]);
        assert_eq!(entry.mtime, Mtime::from_secs(secs), "{text}");
    }
}

#[test]
fn content_is_handed_out_once_and_passed_over() {
    let bytes =
        stream(&[Made::file("a", &[1; 1500]), Made::file("b", b"second"), Made::file("c", b"")]);
    let mut reader = LayerTarReader::new(&bytes[..]);
    let Some(TarEntry::File(mut file)) = reader.next_entry().unwrap() else { panic!() };
    let mut start = [0; 10];
    file.read_exact(&mut start).unwrap();
    assert_eq!((file.size(), file.path(), file.mode()), (1500, &path("a"), 0o644));
    assert_eq!(
        (file.uid(), file.gid(), file.mtime(), file.xattrs().len()),
        (0, 0, Mtime::default(), 0)
    );
    let Some(TarEntry::File(mut file)) = reader.next_entry().unwrap() else { panic!() };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "second");
    let digest = crate::digest::Digest::of(b"second");
    assert_eq!(file.into_entry().unwrap().kind, EntryKind::File { size: 6, digest });
    assert!(matches!(reader.next_entry().unwrap(), Some(TarEntry::File(_))));
    assert!(reader.next_entry().unwrap().is_none() && reader.next_entry().unwrap().is_none());
}
