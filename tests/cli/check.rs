//! `system check --full`: files of layers that were changed behind minidock's back.

use std::fs;
use std::path::{Path, PathBuf};

use minidock_tests::{Busybox, Minidock};

/// A file of a layer's tree; what is root's in the image is this user's.
fn in_a_layer(root: &Path, name: &str) -> PathBuf {
    let mut found = Vec::new();
    for layer in fs::read_dir(root.join("layers")).expect("layers") {
        for tree in fs::read_dir(layer.expect("a layer").path()).expect("a layer's directory") {
            let path = tree.expect("a tree").path().join("root").join(name);
            found.extend(path.is_file().then_some(path));
        }
    }
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

#[test]
fn a_changed_file_is_named_and_lost_without_a_blob() {
    let busybox = Busybox::new();
    busybox.write("context/hello", "hello");
    busybox.build("FROM busybox\nCOPY hello /hello\n").succeeds();
    busybox.run(["system", "check", "--full"]).succeeds().stdout_has("all is well");
    fs::write(in_a_layer(&busybox.root(), "hello"), "jello").expect("a changed file");
    busybox.run(["system", "check"]).succeeds();
    for flags in [&["system", "check", "--full"][..], &["system", "check", "--full", "--repair"]] {
        let found = busybox.run(flags);
        found.exits(1).stdout_has("/hello").stdout_has("lost").stdout_has("1 damaged");
    }
}

#[test]
fn files_are_made_again_from_the_blob() {
    let busybox = Busybox::new();
    let saved = busybox.dir().join("saved.tar").display().to_string();
    busybox.run(["save", "-o", &saved, "busybox"]).succeeds();
    let other = Minidock::new();
    other.run(["load", "-i", &saved]).succeeds();
    for damage in [|path: &Path| fs::write(path, "x"), |path: &Path| fs::remove_file(path)] {
        let passwd = in_a_layer(&other.root(), "etc/passwd");
        let before = fs::read(&passwd).expect("a file");
        damage(&passwd).expect("damage");
        other.run(["system", "check", "--full"]).exits(1).stdout_has("/etc/passwd");
        let mended = other.run(["system", "check", "--full", "--repair"]);
        mended.succeeds().stdout_has("made again from the layer's blob");
        assert_eq!(fs::read(&passwd).expect("a mended file"), before);
        other.run(["system", "check", "--full"]).succeeds().stdout_has("all is well");
    }
}
