//! Random hostile layers: whatever their members are, nothing outside is touched, and tree and
//! index agree so far that the layer exports and unpacks to itself again.

use std::fs;

use super::fixture::{Place, Tar, index_file, own};
use super::{Destination, copy, export};

/// xorshift64: the same layers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn name(&mut self) -> String {
        let depth = 1 + self.below(3);
        let parts: Vec<_> = (0..depth).map(|_| self.of(&["a", "b", "c"])).collect();
        parts.join("/")
    }

    fn tar(&mut self, canary: &str, most: usize) -> Tar {
        let mut tar = Tar::default();
        for _ in 0..1 + self.below(most) {
            let name = self.name();
            let inside = self.name();
            tar = match self.below(10) {
                0..3 => tar.file(&name, "content"),
                3 | 4 => tar.directory(&name),
                5 | 6 => {
                    let targets = [canary, "..", "../canary", "/a", "b", "../../../canary/d", "."];
                    let target = self.of(&targets).to_owned();
                    tar.symlink(&name, if self.below(3) == 0 { &inside } else { &target })
                }
                7 => tar.hardlink(&name, &inside),
                8 => tar.owned(b'6', &name, 0o600, 0, 0),
                _ => {
                    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
                    let marker = self.of(&[".wh.a", ".wh.b", ".wh..wh..opq"]);
                    tar.file(&format!("{parent}/{marker}"), "")
                }
            };
        }
        tar
    }
}

#[test]
fn layers_unpack_inside_and_to_themselves() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut unpacked = 0;
    for round in 0..200 {
        let place = Place::new();
        let tar = random.tar(&place.canary(), 12).finish();
        let Ok((layer, index)) = place.unpack(&tar) else { continue };
        unpacked += 1;
        assert_eq!(layer.entries, index.len() as u64);
        for entry in index.entries() {
            let found = fs::symlink_metadata(place.tree().join(entry.path.as_path()));
            assert!(found.is_ok(), "round {round}: {:?} is missing", entry.path);
        }
        let mut bytes = Vec::new();
        export(place.fd(), index_file(&index), &mut bytes).unwrap();
        let again = Place::new();
        let (_, second) = again.unpack(&bytes).unwrap();
        assert_eq!(second, index, "round {round}");
        assert_eq!(again.lines(), place.lines(), "round {round}");
    }
    assert!(unpacked > 50, "only {unpacked} layers were good");
}

#[test]
fn copies_stay_inside() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mapping = own();
    let mut copied = 0;
    for _ in 0..300 {
        let place = Place::new();
        let image = random.tar(&place.canary(), 6).finish();
        if place.unpack(&image).is_err() {
            continue;
        }
        let sources = random.tar(&place.canary(), 3).finish();
        let path = format!("/{}", random.name());
        let into_directory = random.below(2) == 0;
        let path = std::path::Path::new(&path);
        let to = Destination {
            path,
            into_directory,
            chown: None,
            chmod: None,
            mapping: &mapping,
            upper: None,
        };
        copied += usize::from(copy(place.fd(), &sources[..], &to).is_ok());
        place.assert_untouched();
    }
    assert!(copied > 40, "only {copied} copies were good");
}
