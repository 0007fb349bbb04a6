//! Row B1 in the image: directories and files that are exchanged for links to the host's while
//! they are written to and read.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use minidock_image::digest::Digest;
use minidock_image::layer::EntryKind;
use minidock_image::tar::{LayerTarReader, TarEntry};
use minidock_proto::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::fixture::{Place, Tar, own};
use super::{Destination, copy, read};

const ROUNDS: usize = 300;

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn while_exchanging(place: &Place, work: impl FnOnce()) {
    let (stop, tree) = (AtomicBool::new(false), place.tree());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for name in ["d", "file"] {
                    let (one, other) = (tree.join(name), tree.join(format!("{name}-twin")));
                    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
                        // What a copy replaces is gone for a moment.
                        Ok(()) | Err(Errno::NOENT) => {}
                        Err(error) => panic!("cannot exchange: {error}"),
                    }
                }
            }
        });
        let _stop = Stop(&stop);
        work();
    });
}

fn image() -> Place {
    let place = Place::new();
    let tar = Tar::default().file("d/f", "own").file("d/d/x", "own").file("file", "own");
    place.unpack(&tar.finish()).unwrap();
    symlink(place.canary(), place.tree().join("d-twin")).unwrap();
    symlink(format!("{}/f", place.canary()), place.tree().join("file-twin")).unwrap();
    place
}

/// One who looks first and opens then is deceived.
fn deceives_the_naive(place: &Place) -> bool {
    let file = place.tree().join("d/f");
    (0..5_000_000).any(|_| {
        let good = fs::symlink_metadata(place.tree().join("d")).is_ok_and(|found| found.is_dir());
        std::thread::yield_now();
        good && fs::read(&file).is_ok_and(|text| text == b"canary")
    })
}

#[test]
fn nothing_outside_is_written_to() {
    let place = image();
    while_exchanging(&place, || {
        assert!(deceives_the_naive(&place));
        for round in 0..ROUNDS {
            let mapping = own();
            let upper = place.fd();
            let path = Path::new(["/d", "/", "/file", "/d/d/new"][round % 4]);
            let (chown, chmod) = (None, Some(0o777));
            let upper = Some(upper.as_fd());
            let to =
                Destination { path, into_directory: true, chown, chmod, mapping: &mapping, upper };
            let tar = match round % 3 {
                0 => Tar::default().file("f", "new").hardlink("g", "f").directory("d"),
                1 => Tar::default().directory("./").directory("d").file("d/f", "new"),
                _ => Tar::default().file("file", "new").symlink("l", "f").file("d/y", "new"),
            };
            // Refused or done: a link may have been in the way.
            if let Err(failure) = copy(place.fd(), &tar.finish()[..], &to) {
                assert!(!failure.message.is_empty());
            }
        }
    });
    place.assert_untouched();
}

#[test]
fn nothing_outside_is_read() {
    let place = image();
    let (canary, mine) = (Digest::of(b"canary"), Digest::of(b"own"));
    let mut seen = 0;
    while_exchanging(&place, || {
        assert!(deceives_the_naive(&place));
        for round in 0.. {
            let paths = [["/d", "/file", "/d/f", "/*", "/d/*"][round % 5]].map(Bytes::from);
            let mut tar = Vec::new();
            if read(place.fd(), &paths, &[], &own(), &mut tar).is_err() {
                assert!(round < 1000 * ROUNDS, "nothing could be read");
                continue;
            }
            let mut reader = LayerTarReader::new(&tar[..]);
            while let Some(entry) = reader.next_entry().unwrap() {
                let TarEntry::File(file) = entry else { continue };
                let EntryKind::File { digest, .. } = file.into_entry().unwrap().kind else {
                    continue;
                };
                assert_ne!(digest, canary);
                seen += usize::from(digest == mine);
            }
            if round >= ROUNDS && seen > 0 {
                break;
            }
        }
    });
    place.assert_untouched();
}
