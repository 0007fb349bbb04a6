//! Removal of trees that resist: deep, unreadable, full of links.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::fs::{Mode, mkdirat, openat};

use super::super::fixture::Place;
use super::*;

fn bytes(path: &Path) -> Bytes {
    Bytes::from(path)
}

#[test]
fn removes_what_is_there_and_nothing_else() {
    let place = Place::new();
    let tree = place.tree();
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    fs::create_dir_all(tree.join("a/closed/in")).unwrap();
    fs::write(tree.join("a/closed/in/f"), "x").unwrap();
    symlink(place.canary(), tree.join("a/out")).unwrap();
    symlink(place.canary(), tree.join("a/b/out")).unwrap();
    fs::hard_link(place.directory.path().join("canary/f"), tree.join("a/twin")).unwrap();
    fs::set_permissions(tree.join("a/closed"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::set_permissions(tree.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
    let gone = tree.join("never/was");
    remove(&[bytes(&gone), bytes(&tree), bytes(&tree)]).unwrap();
    assert!(!tree.exists());
    place.assert_untouched();
}

#[test]
fn a_link_or_file_in_place_of_a_directory_is_deleted_itself() {
    let place = Place::new();
    let link = place.directory.path().join("link");
    symlink(place.canary(), &link).unwrap();
    let file = place.tree().join("file");
    fs::write(&file, "").unwrap();
    remove(&[bytes(&link), bytes(&file)]).unwrap();
    assert!(fs::symlink_metadata(&link).is_err() && !file.exists());
    place.assert_untouched();
}

/// Far deeper than a path can be long, or a process has descriptors or stack.
#[test]
fn thousands_of_levels() {
    let place = Place::new();
    let mut current = place.fd();
    for _ in 0..4_000 {
        mkdirat(&current, "d", Mode::RWXU).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        current = openat(&current, "d", flags, Mode::empty()).unwrap();
    }
    drop(current);
    remove(&[bytes(&place.tree())]).unwrap();
    assert!(!place.tree().exists());
}

#[test]
fn one_failure_does_not_keep_the_others() {
    let place = Place::new();
    let tree = place.tree();
    let failed = remove(&[Bytes::from("/"), bytes(&tree)]).unwrap_err();
    assert!(failed.message.contains("names no directory of its own"));
    assert!(!tree.exists());
    let inside = place.directory.path().join("canary/f/x");
    assert!(remove(&[bytes(&inside)]).is_err());
    place.assert_untouched();
}

#[test]
fn mounts_are_not_entered() {
    let failed = remove(&[Bytes::from("/proc")]).unwrap_err();
    assert_eq!(failed.kind, FailureKind::Conflict);
    assert!(failed.message.contains("something is mounted there"), "{}", failed.message);
}
