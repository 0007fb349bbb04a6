//! Upper directories made by hand, told as docker tells them.

use std::fs;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use super::super::fixture::{Place, Tar};
use super::*;

fn told(place: &Place, parents: &[LayerIndex]) -> Vec<String> {
    let changes = diff(place.fd(), parents).unwrap();
    place.assert_untouched();
    let line = |change: Change| {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Changed => 'C',
            ChangeKind::Deleted => 'D',
        };
        format!("{letter} {}", String::from_utf8(change.path.0).unwrap())
    };
    changes.into_iter().map(line).collect()
}

fn below(tar: Tar) -> LayerIndex {
    Place::new().unpack(&tar.finish()).unwrap().1
}

fn whiteout(path: &Path) {
    mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

#[test]
fn additions_changes_and_deletions() {
    let image = below(
        Tar::default()
            .directory("etc/")
            .file("etc/passwd", "x")
            .file("etc/gone", "x")
            .directory("home/")
            .file("home/old", "x")
            .directory("home/deep/")
            .file("home/deep/x", "x")
            .file("kept", "x"),
    );
    let place = Place::new();
    let at = |name: &str| place.tree().join(name);
    fs::create_dir_all(at("etc")).unwrap();
    fs::write(at("etc/passwd"), "new").unwrap();
    fs::write(at("etc/n"), "new").unwrap();
    whiteout(&at("etc/gone"));
    // Made and deleted again: it never was.
    whiteout(&at("etc/never"));
    fs::create_dir_all(at("home/own")).unwrap();
    setxattr(at("home"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    fs::create_dir_all(at("new/in")).unwrap();
    let wanted = [
        "C /etc",
        "D /etc/gone",
        "A /etc/n",
        "C /etc/passwd",
        "C /home",
        "D /home/deep",
        "D /home/old",
        "A /home/own",
        "A /new",
        "A /new/in",
    ];
    assert_eq!(told(&place, &[image]), wanted);
}

#[test]
fn what_minidock_makes_itself_is_not_told() {
    let image = below(Tar::default().directory("etc/").file("etc/passwd", "x"));
    let place = Place::new();
    let at = |name: &str| place.tree().join(name);
    for name in ["etc", "dev", "proc", "sys"] {
        fs::create_dir(at(name)).unwrap();
    }
    for name in ["etc/hosts", "etc/hostname", "etc/resolv.conf"] {
        fs::write(at(name), "").unwrap();
    }
    assert_eq!(told(&place, std::slice::from_ref(&image)), [""; 0]);
    // Something of the container's own beside it.
    fs::write(at("etc/n"), "").unwrap();
    fs::write(at("dev/x"), "").unwrap();
    fs::write(at("etc/hosts"), "127.0.0.1 x").unwrap();
    let wanted = ["A /dev", "A /dev/x", "C /etc", "A /etc/hosts", "A /etc/n"];
    assert_eq!(told(&place, &[image]), wanted);
}
