//! Rows U1 to U8 and U12: what a layer's tar can try, and where it must end.

use std::os::unix::fs::MetadataExt as _;

use minidock_image::layer::Mtime;
use minidock_proto::mapping::Extent;
use minidock_proto::request::FailureKind;

use super::super::fixture::{Place, Tar, index_lines, own, path};

fn tree_of(tar: Tar) -> Vec<String> {
    let place = Place::new();
    place.unpack(&tar.finish()).unwrap();
    place.lines()
}

fn refusal(make: impl FnOnce(&Place) -> Tar) -> String {
    let place = Place::new();
    let tar = make(&place).finish();
    let failure = place.unpack(&tar).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidInput, "{}", failure.message);
    assert!(!failure.message.contains('\n'));
    failure.message
}

#[test]
fn an_ordinary_layer() {
    let tar = Tar::default()
        .directory("./")
        .directory("bin/")
        .file("bin/sh", "#!")
        .owned(b'0', "bin/su", 0o4755, 0, 0)
        .symlink("sh", "bin/sh")
        .hardlink("bin/ash", "bin/sh")
        .owned(b'6', "pipe", 0o622, 0, 0)
        .owned(b'5', "tmp", 0o1777, 0, 0)
        .file("opt/x/y", "deep");
    let place = Place::new();
    let (layer, index) = place.unpack(&tar.finish()).unwrap();
    assert_eq!(
        place.lines(),
        [
            "/ 755",
            "bin/ 755",
            "bin/ash 755 \"#!\"",
            "bin/sh 755 \"#!\"",
            "bin/su 4755 \"\"",
            "opt/ 755",
            "opt/x/ 755",
            "opt/x/y 755 \"deep\"",
            "pipe fifo 622",
            "sh -> bin/sh",
            "tmp/ 1777",
        ]
    );
    assert_eq!(
        index_lines(&index),
        [
            "/ directory 755 0:0",
            "/bin directory 755 0:0",
            "/bin/ash file 2 755 0:0",
            "/bin/sh = /bin/ash 755 0:0",
            "/bin/su file 0 4755 0:0",
            "/opt directory implied 755 0:0",
            "/opt/x directory implied 755 0:0",
            "/opt/x/y file 4 755 0:0",
            "/pipe fifo 622 0:0",
            "/sh -> bin/sh 755 0:0",
            "/tmp directory 1777 0:0",
        ]
    );
    assert_eq!((layer.entries, layer.size, layer.flattened, layer.devices), (11, 6, 0, 0));
    for name in ["bin", "bin/sh", "sh", "pipe", "tmp", ""] {
        let meta = std::fs::symlink_metadata(place.tree().join(name)).unwrap();
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (7, 0), "{name}");
    }
    assert_eq!(index.get(&path("bin")).unwrap().mtime, Mtime::from_secs(7));
}

#[test]
fn the_index_is_optional() {
    let place = Place::new();
    let tar = Tar::default().file("a", "x").finish();
    let layer = super::unpack(&tar[..], place.fd(), None, &own()).unwrap();
    assert_eq!((layer.entries, layer.size), (1, 1));
    assert_eq!(place.lines(), ["/ 755", "a 755 \"x\""]);
}

/// Rows U1 and U2: links never lead out, however they are combined.
#[test]
fn links_stay_inside() {
    let place = Place::new();
    let canary = place.canary();
    let inside = canary.trim_start_matches('/');
    for tar in [
        Tar::default().symlink("a", &canary).file("a/f", "evil"),
        Tar::default().symlink("a", &canary).directory("a/").directory("a/d/"),
        Tar::default().symlink("a", &canary).member(b'5', "a/d", "", b"").file("a/d/x", "evil"),
        Tar::default().symlink("a", "../../../../../../../../../..").file("a/etc/x", "evil"),
        Tar::default().symlink("a", "..").symlink("a/b", "..").file("a/b/canary/f", "evil"),
        Tar::default().symlink("a", "../canary").owned(b'5', "a/d", 0o777, 0, 0),
        Tar::default().symlink("a", "../canary/f").file("a", "evil"),
        Tar::default().symlink("a", "../canary/f").hardlink("b", "a").file("b", "evil"),
        Tar::default().symlink("a", "../canary").file("a/.wh.f", "").file("a/.wh..wh..opq", ""),
        Tar::default().file("/abs", "x").file("//abs2", "x").directory("/"),
        Tar::default().symlink("a", "b").symlink("b", "/proc/self/root").file("a/f", "x"),
    ] {
        let place = Place::new();
        place.unpack(&tar.finish()).unwrap();
        place.assert_untouched();
    }
    let place = Place::new();
    place.unpack(&Tar::default().symlink("a", &canary).file("a/f", "in").finish()).unwrap();
    let written = std::fs::read_to_string(place.tree().join(inside).join("f")).unwrap();
    assert_eq!(written, "in");
}

#[test]
fn what_cannot_be_placed_is_refused() {
    for (expected, tar) in [
        ("`..` component", Tar::default().file("../x", "")),
        ("`..` component", Tar::default().file("a/../../x", "")),
        ("`..` component", Tar::default().file("x", "").hardlink("b", "../canary/f")),
        ("did not come before it", Tar::default().hardlink("b", "missing")),
        ("did not come before it", Tar::default().hardlink("b", "a").file("a", "")),
        ("did not come before it", Tar::default().file(".wh.a", "").hardlink("b", "a")),
        ("which is a directory", Tar::default().directory("d").hardlink("b", "d")),
        ("which it replaces", Tar::default().file("d/f", "").hardlink("d", "d/f")),
        ("\"/f\" is not a directory", Tar::default().file("f", "").file("f/x", "")),
        (
            "\"/f\" is not a directory",
            Tar::default().file("f", "").symlink("l", "f").file("l/x", ""),
        ),
        ("more than 40", Tar::default().symlink("a", "b").symlink("b", "a").file("a/x", "")),
        ("\"/f\" is not a directory", Tar::default().file("f", "").file("f/.wh..wh..opq", "")),
        (
            "at most 255",
            Tar::default().symlink("a", "x").pax(&[("path", &[b'n'; 256])]).file("x", ""),
        ),
        ("names no file", Tar::default().file(".wh.", "")),
        ("names no file", Tar::default().file("d/.wh...", "")),
    ] {
        let message = refusal(|_| tar);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let message = refusal(|place| Tar::default().hardlink("b", &format!("{}/f", place.canary())));
    assert!(message.contains("did not come before it"), "{message}");
}

/// Row U2: as many links as Linux follows are followed.
#[test]
fn forty_links() {
    let mut tar = Tar::default().directory("l0");
    for link in 1..=40 {
        tar = tar.symlink(&format!("l{link}"), &format!("l{}", link - 1));
    }
    let place = Place::new();
    let more = tar.clone().symlink("l41", "l40").file("l41/x", "");
    let (_, index) = place.unpack(&tar.file("l40/x", "").finish()).unwrap();
    assert!(index.get(&path("l0/x")).is_some());
    assert!(Place::new().unpack(&more.finish()).is_err());
}

/// Row U3: the last entry of a name wins, directories merge.
#[test]
fn replacing() {
    let base = || Tar::default();
    for (tar, expected) in [
        (base().file("a", "1").directory("a").file("a/b", "2"), vec!["a/ 755", "a/b 755 \"2\""]),
        (base().file("a/b", "1").symlink("a", "x"), vec!["a -> x"]),
        (base().symlink("a", "x").directory("a").file("a/b", "2"), vec!["a/ 755", "a/b 755 \"2\""]),
        (base().file("a/b/c", "1").file("a", "2"), vec!["a 755 \"2\""]),
        (base().file("a", "1").file("a", "2"), vec!["a 755 \"2\""]),
        (base().file("a/b", "1").owned(b'5', "a", 0o700, 0, 0), vec!["a/ 700", "a/b 755 \"1\""]),
        (
            base().file("a", "1").hardlink("b", "a").file("a", "2"),
            vec!["a 755 \"2\"", "b 755 \"1\""],
        ),
        (
            base().file("a", "1").hardlink("b", "a").hardlink("a", "b"),
            vec!["a 755 \"1\"", "b 755 \"1\""],
        ),
        (base().symlink("a", "d").hardlink("b", "a").file("b", "2"), vec!["a -> d", "b 755 \"2\""]),
        (
            base().file("d/x", "1").file("d", "").directory("d").file("d/y", "2"),
            vec!["d/ 755", "d/y 755 \"2\""],
        ),
    ] {
        let mut lines = tree_of(tar);
        assert_eq!(lines.remove(0), "/ 755");
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_link_whose_first_name_is_replaced_keeps_its_content() {
    let place = Place::new();
    let tar = Tar::default().file("m", "1").hardlink("z", "m").hardlink("n", "z").file("m", "22");
    let (layer, index) = place.unpack(&tar.finish()).unwrap();
    let lines = ["/m file 2 755 0:0", "/n file 1 755 0:0", "/z = /n 755 0:0"];
    assert_eq!(index_lines(&index), lines);
    assert_eq!(layer.size, 3);
}

/// usrmerge: a link to a directory of the same layer.
#[test]
fn entries_through_a_link_of_the_layer() {
    let place = Place::new();
    let tar = Tar::default().directory("usr").symlink("bin", "usr/bin").file("bin/foo", "x");
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    assert_eq!(
        index_lines(&index),
        [
            "/bin -> usr/bin 755 0:0",
            "/usr directory 755 0:0",
            "/usr/bin directory implied 755 0:0",
            "/usr/bin/foo file 1 755 0:0",
        ]
    );
}

/// Row U4: whiteouts hide what is below the layer and nothing of the layer.
#[test]
fn whiteouts() {
    let place = Place::new();
    let tar = Tar::default()
        .file(".wh.gone", "")
        .file(".wh.again", "")
        .file("again", "new")
        .file("kept", "x")
        .file(".wh.kept", "")
        .file(".wh.dir", "")
        .file("dir/f", "x")
        .file("o/.wh..wh..opq", "")
        .file("o/f", "x")
        .directory("p")
        .file("p/.wh..wh..opq", "")
        .file("q/.wh..wh..opq", "")
        .owned(b'5', "q", 0o711, 3, 4);
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    assert_eq!(
        index_lines(&index),
        [
            "/again file 3 755 0:0",
            "/dir directory opaque implied 755 0:0",
            "/dir/f file 1 755 0:0",
            "/gone whiteout",
            "/kept file 1 755 0:0",
            "/o directory opaque implied 755 0:0",
            "/o/f file 1 755 0:0",
            "/p directory opaque 755 0:0",
            "/q directory opaque 711 3:4",
        ]
    );
    let lines = place.lines();
    assert!(lines.contains(&"gone char 0".to_owned()) && lines.len() == 10, "{lines:?}");
    for (name, opaque) in [("dir", true), ("o", true), ("p", true), ("q", true), ("", false)] {
        let mut value = [0; 4];
        let path = place.tree().join(name);
        let found = rustix::fs::getxattr(path, "user.overlay.opaque", &mut value[..]);
        assert_eq!(found.is_ok_and(|len| &value[..len] == b"y"), opaque, "{name}");
    }
}

/// Row U4: a million markers for one directory cost one mark.
#[test]
fn many_opaque_markers() {
    let mut tar = Tar::default();
    for _ in 0..20_000 {
        tar = tar.file("d/.wh..wh..opq", "");
    }
    let begun = std::time::Instant::now();
    let (layer, _) = Place::new().unpack(&tar.finish()).unwrap();
    assert_eq!(layer.entries, 1);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

/// Row U5: an image cannot make an overlay's own marks.
#[test]
fn overlay_marks_are_stripped() {
    let place = Place::new();
    let tar = Tar::default()
        .device(b'3', "fake", 0, 0)
        .pax(&[
            ("SCHILY.xattr.user.overlay.opaque", b"y"),
            ("SCHILY.xattr.user.fuseoverlayfs.opaque", b"y"),
            ("SCHILY.xattr.user.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.user.mine", b"kept"),
        ])
        .directory("d")
        .pax(&[("SCHILY.xattr.user.overlay.metacopy", b""), ("SCHILY.xattr.user.x", b"1")])
        .file("f", "x");
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    assert_eq!(index_lines(&index), ["/d directory 755 0:0", "/f file 1 755 0:0"]);
    let mut names = vec![0_u8; 4096];
    for (name, attribute) in [("d", "user.mine"), ("f", "user.x")] {
        let len = rustix::fs::listxattr(place.tree().join(name), &mut names[..]).unwrap();
        let list = String::from_utf8_lossy(&names[..len]).into_owned();
        assert!(list.contains(attribute) && !list.contains("overlay"), "{list:?}");
        let entry = index.get(&path(name)).unwrap();
        let keys: Vec<_> = entry.xattrs.keys().collect();
        assert_eq!(keys, [attribute.as_bytes()]);
    }
}

/// Rows U6 to U8: devices, attributes and owners that the tree cannot have are in the index.
#[test]
fn the_index_has_what_the_tree_cannot() {
    let place = Place::new();
    let tar = Tar::default()
        .device(b'3', "null", 1, 3)
        .device(b'4', "disk", 8, 0)
        .hardlink("null2", "null")
        .owned(b'0', "big", 0o644, 65_536, 7)
        .pax(&[("uid", b"4294967294")])
        .owned(b'5', "huge", 0o750, 0, 0)
        .pax(&[("SCHILY.xattr.trusted.x", b"1"), ("SCHILY.xattr.security.ima", b"2")])
        .file("attributes", "")
        .pax(&[("SCHILY.xattr.user.long", &[b'v'; 65_536])])
        .file("long", "");
    let (layer, index) = place.unpack(&tar.finish()).unwrap();
    assert_eq!(
        index_lines(&index),
        [
            "/attributes file 0 755 0:0",
            "/big file 0 644 65536:7",
            "/disk block 8:0 600 0:0",
            "/huge directory 750 4294967294:0",
            "/long file 0 755 0:0",
            "/null char 1:3 600 0:0",
            "/null2 = /null 600 0:0",
        ]
    );
    assert_eq!((layer.flattened, layer.devices), (2, 2));
    assert_eq!(index.get(&path("attributes")).unwrap().xattrs.len(), 2);
    assert_eq!(index.get(&path("long")).unwrap().xattrs[&b"user.long"[..]].len(), 65_536);
    assert_eq!(
        place.lines(),
        ["/ 755", "attributes 755 \"\"", "big 644 \"\"", "huge/ 750", "long 755 \"\""]
    );
}

#[test]
fn owners_are_set_where_they_are_mapped() {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let place = Place::new();
    let tar = Tar::default().owned(b'0', "mine", 0o4755, uid, gid).owned(b'0', "f", 0o644, 77, 88);
    let same = |id| vec![Extent { inside: id, outside: id, count: 1 }];
    let mapping = super::Mapping { uids: same(uid), gids: same(gid) };
    let (layer, _) = place.unpack_as(&tar.finish(), &mapping).unwrap();
    let meta = std::fs::metadata(place.tree().join("mine")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (uid, gid, 0o4755));
    assert_eq!(layer.flattened, 1);
}

/// Row U12: names are kept byte for byte.
#[test]
fn names_are_bytes() {
    let place = Place::new();
    let names: [&[u8]; 4] = [b"\xff\xfe", b"new\nline", b"\x1b[31m", "e\u{301}".as_bytes()];
    let mut tar = Tar::default();
    for name in names {
        tar = tar.pax(&[("path", name)]).file("x", "");
    }
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    for name in names {
        let path = minidock_image::layer::EntryPath::parse(name).unwrap();
        assert!(index.get(&path).is_some());
        assert!(place.tree().join(path.as_path()).exists());
    }
}

/// Row U13: no time is too strange.
#[test]
fn strange_times() {
    let place = Place::new();
    let mut tar = Tar::default();
    for (name, time) in [
        ("a", &b"-1"[..]),
        ("b", b"9223372036854775807"),
        ("c", b"-9223372036854775808"),
        ("d", b"0"),
    ] {
        tar = tar.pax(&[("mtime", time)]).file(name, "");
    }
    let (_, index) = place.unpack(&tar.finish()).unwrap();
    let meta = std::fs::metadata(place.tree().join("d")).unwrap();
    assert_eq!((meta.mtime(), index.len()), (0, 4));
}

#[test]
fn a_torn_stream_is_an_error() {
    let whole = Tar::default().file("a", &"x".repeat(2000)).finish();
    for len in [100, 700, 1500] {
        let place = Place::new();
        let failure = place.unpack(&whole[..len]).unwrap_err();
        assert!(failure.message.contains("inside a member"), "{}", failure.message);
    }
}

#[test]
fn the_stream_is_read_to_its_end() {
    let mut tar = Tar::default().file("a", "").finish();
    tar.extend_from_slice(&[0; 9000]);
    let mut stream = &tar[..];
    super::unpack(&mut stream, Place::new().fd(), None, &own()).unwrap();
    assert!(stream.is_empty());
}
