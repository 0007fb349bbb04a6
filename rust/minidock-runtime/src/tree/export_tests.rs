//! A tree and its index give the same tar again, or say what is damaged.

use std::fs;

use minidock_image::layer::LayerIndex;
use minidock_proto::request::FailureKind;

use super::super::fixture::{Place, Tar, index_file};
use super::export;

fn exported(place: &Place, index: &LayerIndex) -> crate::failure::Result<Vec<u8>> {
    let mut tar = Vec::new();
    export(place.fd(), index_file(index), &mut tar)?;
    Ok(tar)
}

fn layer() -> Vec<u8> {
    Tar::default()
        .directory("./")
        .directory("a")
        .file("a/.wh.gone", "")
        .file("a/f", "content")
        .hardlink("a/z", "a/f")
        .symlink("a/l", "../../..")
        .device(b'3', "null", 1, 3)
        .owned(b'5', "o", 0o1777, 70_000, 5)
        .file("o/.wh..wh..opq", "")
        .owned(b'6', "pipe", 0o600, 1, 2)
        .pax(&[("SCHILY.xattr.security.ima", b"\x03"), ("SCHILY.xattr.user.a", b"b")])
        .owned(b'0', "su", 0o6755, 0, 0)
        .finish()
}

#[test]
fn the_same_index_gives_the_same_bytes() {
    let first = Place::new();
    let (_, index) = first.unpack(&layer()).unwrap();
    let tar = exported(&first, &index).unwrap();
    let second = Place::new();
    let (_, again) = second.unpack(&tar).unwrap();
    assert_eq!(index, again);
    assert_eq!(first.lines(), second.lines());
    assert_eq!(exported(&second, &again).unwrap(), tar);
}

#[test]
fn damage_is_named() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 5] = [
        ("was changed", |file| fs::write(file, "CONTENT").unwrap()),
        ("was changed", |file| fs::write(file, "short").unwrap()),
        ("was changed", |file| fs::write(file, "content and more").unwrap()),
        ("cannot be read", |file| fs::remove_file(file).unwrap()),
        ("cannot be read", |file| {
            fs::remove_file(file).unwrap();
            std::os::unix::fs::symlink("../su", file).unwrap();
        }),
    ];
    for (expected, damage) in damages {
        let place = Place::new();
        let (_, index) = place.unpack(&layer()).unwrap();
        damage(&place.tree().join("a/f"));
        let failure = exported(&place, &index).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Corrupt, "{}", failure.message);
        assert!(failure.message.contains("/a/f"), "{}", failure.message);
        assert!(failure.message.contains(expected), "{}", failure.message);
    }
}

#[test]
fn a_damaged_index_is_corrupt() {
    let place = Place::new();
    let file = tempfile::tempfile().unwrap();
    let failure = export(place.fd(), file, Vec::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Corrupt);
}
