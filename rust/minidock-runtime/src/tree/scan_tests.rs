//! Upper directories made by hand, as overlays leave them.

use std::fs;
use std::io::Seek as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, Mode, XattrFlags, mknodat, setxattr};

use super::super::fixture::{Place, Tar, index_lines, own, path};
use super::super::overrides::Override;
use super::*;

fn scan_with(
    place: &Place,
    parents: &[LayerIndex],
    ignore: &[&str],
    overrides: &Overrides,
) -> Result<(Layer, LayerIndex)> {
    let mut index = tempfile::tempfile().unwrap();
    let ignore: Vec<_> = ignore.iter().map(|text| path(text)).collect();
    let file = index.try_clone().unwrap();
    let done = scan(place.fd(), parents, &own(), &ignore, overrides, file);
    place.assert_untouched();
    let layer = done?;
    index.rewind().unwrap();
    let mut entries = LayerIndex::read(index).unwrap().into_entries();
    assert_eq!(layer.entries, entries.len() as u64);
    // Outside a user namespace the root belongs to who runs the test, which is a change.
    entries.retain(|entry| !entry.path.is_root() || entry.mode != 0o755);
    Ok((layer, LayerIndex::from_sorted(entries).unwrap()))
}

fn scanned(place: &Place, parents: &[LayerIndex]) -> Vec<String> {
    index_lines(&scan_with(place, parents, &[], &Overrides::none()).unwrap().1)
}

fn upper() -> Place {
    let place = Place::new();
    fs::set_permissions(place.tree(), fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn file(place: &Place, name: &str, body: &str) {
    fs::write(place.tree().join(name), body).unwrap();
    fs::set_permissions(place.tree().join(name), fs::Permissions::from_mode(0o644)).unwrap();
}

fn directory(place: &Place, name: &str) {
    fs::create_dir(place.tree().join(name)).unwrap();
    fs::set_permissions(place.tree().join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn mark(place: &Place, name: &str, attribute: &str, value: &[u8]) {
    setxattr(place.tree().join(name), attribute, value, XattrFlags::empty()).unwrap();
}

fn whiteout(place: &Place, name: &str) {
    let target = place.tree().join(name);
    mknodat(CWD, target, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = [0; 16];
    rustix::fs::getxattr(path, name, &mut value[..]).ok().map(|len| value[..len].to_vec())
}

fn layer(tar: Tar) -> LayerIndex {
    Place::new().unpack(&tar.finish()).unwrap().1
}

#[test]
fn an_ordinary_upper() {
    let place = upper();
    directory(&place, "d");
    file(&place, "d/f", "content");
    fs::hard_link(place.tree().join("d/f"), place.tree().join("a-link")).unwrap();
    fs::hard_link(place.tree().join("d/f"), place.tree().join("z-link")).unwrap();
    symlink("../canary", place.tree().join("out")).unwrap();
    whiteout(&place, "gone");
    let pipe = place.tree().join("pipe");
    mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
    mark(&place, "d/f", "user.mine", b"1");
    mark(&place, "d/f", "user.overlay.origin", b"\0\x01");
    let time = fs::metadata(place.tree().join("d")).unwrap().mtime_nsec();
    let _socket = UnixListener::bind(place.tree().join("d/socket")).unwrap();
    let (layer, index) = scan_with(&place, &[], &[], &Overrides::none()).unwrap();
    assert_eq!(
        index_lines(&index),
        [
            "/a-link file 7 644 0:0",
            "/d directory 755 0:0",
            "/d/f = /a-link 644 0:0",
            "/gone whiteout",
            "/out -> ../canary 777 0:0",
            "/pipe fifo 400 0:0",
            "/z-link = /a-link 644 0:0",
        ]
        .map(owned_by_me)
    );
    assert_eq!(layer.size, 7);
    let keys: Vec<_> = index.get(&path("a-link")).unwrap().xattrs.keys().cloned().collect();
    assert_eq!(keys, [b"user.mine"]);
    assert_eq!(attribute(&place.tree().join("d/f"), "user.overlay.origin"), None);
    assert!(!place.tree().join("d/socket").exists());
    assert_ne!(time, -1);
}

/// Outside a user namespace files belong to who runs the test, inside to 0.
fn owned_by_me(line: &str) -> String {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    line.replace(" 0:0", &format!(" {uid}:{gid}"))
}

/// Every way in which overlays say "hidden" ends as the one that our trees use.
#[test]
fn marks_become_uniform() {
    let parents = [layer(Tar::default().file("k/x", "").file("f/x", "").file("m/x", ""))];
    let place = upper();
    for name in ["k", "f", "m", "new", "plain"] {
        directory(&place, name);
    }
    mark(&place, "k", "user.overlay.opaque", b"y");
    mark(&place, "f", "user.fuseoverlayfs.opaque", b"y");
    file(&place, "m/.wh..wh..opq", "");
    mark(&place, "new", "user.overlay.opaque", b"y");
    mark(&place, "plain", "user.overlay.impure", b"y");
    file(&place, "plain/.wh.gone", "");
    file(&place, "plain/.wh.there", "");
    file(&place, "plain/there", "");
    let old = fs::metadata(place.tree().join("plain")).unwrap();
    let lines = scanned(&place, &parents);
    let expected = [
        "/f directory opaque 755 0:0",
        "/k directory opaque 755 0:0",
        "/m directory opaque 755 0:0",
        "/new directory 755 0:0",
        "/plain directory 755 0:0",
        "/plain/gone whiteout",
        "/plain/there file 0 644 0:0",
    ];
    assert_eq!(lines, expected.map(owned_by_me));
    for (name, opaque) in [("f", true), ("k", true), ("m", true), ("new", false), ("plain", false)]
    {
        let tree = place.tree().join(name);
        assert_eq!(attribute(&tree, "user.overlay.opaque").is_some(), opaque, "{name}");
        assert_eq!(attribute(&tree, "user.fuseoverlayfs.opaque"), None);
        assert_eq!(attribute(&tree, "user.overlay.impure"), None);
    }
    assert!(!place.tree().join("m/.wh..wh..opq").exists());
    assert!(!place.tree().join("plain/.wh.gone").exists());
    assert!(place.lines().contains(&"plain/gone char 0".to_owned()));
    let new = fs::metadata(place.tree().join("plain")).unwrap();
    assert_eq!((old.mtime(), old.mtime_nsec()), (new.mtime(), new.mtime_nsec()));
    assert_eq!(scanned(&place, &parents), lines);
}

/// Without the indexes below nobody knows what a mark hides: all of them stay.
#[test]
fn opaque_without_indexes() {
    let place = upper();
    directory(&place, "new");
    mark(&place, "new", "user.overlay.opaque", b"y");
    assert_eq!(scanned(&place, &[]), [owned_by_me("/new directory opaque 755 0:0")]);
}

#[test]
fn what_a_layer_cannot_say_is_refused() {
    for (name, attribute) in [
        ("d", "user.overlay.redirect"),
        ("f", "user.overlay.metacopy"),
        ("f", "user.overlay.whiteout"),
    ] {
        let place = upper();
        directory(&place, "d");
        file(&place, "f", "");
        mark(&place, name, attribute, b"/x");
        let failure = scan_with(&place, &[], &[], &Overrides::none()).unwrap_err();
        assert!(failure.message.contains(attribute), "{}", failure.message);
    }
    for name in [".wh.", ".wh..", ".wh...", ".wh..wh.x"] {
        let place = upper();
        file(&place, name, "");
        let failure = scan_with(&place, &[], &[], &Overrides::none()).unwrap_err();
        assert!(failure.message.contains("mean deletion"), "{name}: {}", failure.message);
        assert!(place.tree().join(name).exists());
    }
    let place = upper();
    file(&place, ".wh.precious", "content");
    assert!(scan_with(&place, &[], &[], &Overrides::none()).is_err());
    let place = upper();
    directory(&place, ".wh.d");
    assert!(scan_with(&place, &[], &[], &Overrides::none()).is_err());
}

/// With one id the tree has lost all owners: they come from the layers below. This needs the
/// files to be uid 0's, as in a user namespace.
#[test]
fn owners_come_from_below() {
    let me = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let top = layer(
        Tar::default()
            .owned(b'5', "d", 0o755, 10, 11)
            .owned(b'0', "d/f", 0o644, 12, 13)
            .hardlink("d/g", "d/f")
            .file("hidden/.wh..wh..opq", "")
            .file(".wh.white", ""),
    );
    let base = layer(
        Tar::default()
            .owned(b'5', "./", 0o755, 0, 0)
            .owned(b'0', "d/f", 0o644, 98, 99)
            .owned(b'0', "d/base", 0o644, 14, 15)
            .owned(b'0', "d/type", 0o644, 16, 17)
            .owned(b'0', "hidden/f", 0o644, 18, 19)
            .owned(b'0', "white", 0o644, 20, 21)
            .owned(b'5', "recreated", 0o755, 22, 23),
    );
    let place = upper();
    directory(&place, "d");
    directory(&place, "hidden");
    directory(&place, "recreated");
    mark(&place, "recreated", "user.overlay.opaque", b"y");
    for name in ["d/f", "d/g", "d/base", "d/new", "hidden/f", "white"] {
        file(&place, name, "");
    }
    symlink("x", place.tree().join("d/type")).unwrap();
    let lines = scanned(&place, &[top, base]);
    let mut expected = [
        "/d directory 755 10:11",
        "/d/base file 0 644 14:15",
        "/d/f file 0 644 12:13",
        "/d/g file 0 644 12:13",
        "/d/new file 0 644 0:0",
        "/d/type -> x 777 0:0",
        "/hidden directory 755 0:0",
        "/hidden/f file 0 644 0:0",
        "/recreated directory opaque 755 0:0",
        "/white file 0 644 0:0",
    ]
    .map(str::to_owned);
    if me != (0, 0) {
        // Somebody else's files are not what copying up makes: nothing is taken from below.
        expected = expected.map(|line| match line.rsplit_once(' ') {
            Some((rest, _)) => format!("{rest} {}:{}", me.0, me.1),
            None => line,
        });
    }
    assert_eq!(lines, expected);
}

#[test]
fn mount_points_of_the_runtime_vanish_while_empty() {
    let place = upper();
    for name in ["dev", "etc", "proc", "used", "a", "a/b"] {
        directory(&place, name);
    }
    file(&place, "etc/hosts", "");
    file(&place, "etc/resolv.conf", "mine");
    file(&place, "used/f", "");
    let ignore = ["a", "a/b", "dev", "proc", "used", "etc/hosts", "etc/resolv.conf", "none/x"];
    let (_, index) = scan_with(&place, &[], &ignore, &Overrides::none()).unwrap();
    let paths: Vec<_> = index.entries().iter().map(|entry| entry.path.display()).collect();
    assert_eq!(paths, ["/etc", "/etc/resolv.conf", "/used", "/used/f"]);
    assert!(!place.tree().join("dev").exists() && !place.tree().join("a").exists());
}

#[test]
fn the_root_is_an_entry_only_when_it_changed() {
    let me = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let place = upper();
    let parents = [layer(Tar::default().owned(b'5', "./", 0o755, me.0, me.1))];
    assert!(scanned(&place, &parents).is_empty());
    fs::set_permissions(place.tree(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(scanned(&place, &parents), [owned_by_me("/ directory 700 0:0")]);
}

#[test]
fn overrides_win() {
    let place = upper();
    file(&place, "f", "");
    let mut overrides = Overrides::none();
    let xattrs = [(b"security.ima".to_vec(), b"1".to_vec())].into();
    let truth = Override { owner: Some((70_000, 5)), xattrs, ..Override::default() };
    overrides.put(path("f"), truth);
    whiteout(&place, "null");
    let null = Entry::new(path("null"), EntryKind::CharDevice { major: 1, minor: 3 });
    let absent = Override { absent: Some(null), ..Override::default() };
    overrides.put(path("null"), absent);
    let (layer, index) = scan_with(&place, &[], &[], &overrides).unwrap();
    assert_eq!(index_lines(&index), ["/f file 0 644 70000:5", "/null char 1:3 644 0:0"]);
    assert_eq!(index.get(&path("f")).unwrap().xattrs.len(), 1);
    assert_eq!(layer.devices, 1);
    assert!(layer.flattened >= 1);
}

/// A path that no layer can hold is refused by name, however deep the directories go.
#[test]
fn too_deep() {
    let place = upper();
    let mut current: OwnedFd = place.fd();
    for _ in 0..30 {
        let name = "n".repeat(200);
        rustix::fs::mkdirat(&current, &name, Mode::RWXU).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        current = rustix::fs::openat(&current, &name, flags, Mode::empty()).unwrap();
    }
    let failure = scan_with(&place, &[], &[], &Overrides::none()).unwrap_err();
    assert!(failure.message.contains("cannot be in a layer"), "{}", failure.message);
}

/// A scanned upper and an unpacked copy of it are the same layer.
#[test]
fn a_scanned_tree_exports_and_unpacks_to_the_same_index() {
    let place = upper();
    directory(&place, "d");
    file(&place, "d/f", "content");
    symlink("f", place.tree().join("d/l")).unwrap();
    whiteout(&place, "d/gone");
    let (_, index) = scan_with(&place, &[], &[], &Overrides::none()).unwrap();
    let mut tar = Vec::new();
    let file = super::super::fixture::index_file(&index);
    super::super::export(place.fd(), file, &mut tar).unwrap();
    let again = Place::new().unpack(&tar).unwrap().1;
    let strip = |index: LayerIndex| -> Vec<_> {
        let entries = index.into_entries().into_iter();
        entries.map(|entry| (entry.path, entry.kind, entry.mode, entry.mtime)).collect()
    };
    assert_eq!(strip(again), strip(index));
}
