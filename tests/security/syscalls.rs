//! R11, R33: the filter is the same for every process of a container. Each system call number is
//! tried in each place and compared with a committed table; calls that must be closed are tried
//! with arguments that would work, also with bits set that the kernel drops.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use minidock_tests::Call;

use crate::places::Everywhere;
use crate::probe;
use crate::world::World;

#[cfg(target_arch = "x86_64")]
const GOLDEN: (&str, &str) = ("syscalls-x86_64.txt", include_str!("golden/syscalls-x86_64.txt"));
#[cfg(not(target_arch = "x86_64"))]
const GOLDEN: (&str, &str) = ("syscalls of this architecture", "");

type Answers = BTreeMap<u32, String>;

/// The table is written anew with `MINIDOCK_BLESS=1`.
#[test]
fn every_number_is_answered_alike_in_all_places_and_as_in_the_table() {
    let world = World::with_base();
    let outside = answers(&outside(&world, "walk"));
    let inside = Everywhere::probe(&world, &["--network", "none"], "base", &["walk"]);
    let init = answers(&inside.init);
    for (place, text) in inside.each() {
        let differs = difference(&init, &answers(text));
        assert!(differs.is_empty(), "init and {place} differ: {differs}");
    }
    if std::env::var_os("MINIDOCK_BLESS").is_some() {
        std::fs::write(golden_path(), &inside.init).unwrap();
        return;
    }
    let mut expected = answers(GOLDEN.1);
    assert!(!expected.is_empty(), "no table of {}", GOLDEN.0);
    // What this kernel does not have at all cannot be answered otherwise.
    for (number, answer) in &mut expected {
        if answer == "other" && outside[number] == "ENOSYS" {
            "ENOSYS".clone_into(answer);
        }
    }
    let differs = difference(&expected, &init);
    assert!(differs.is_empty(), "table and container differ: {differs}");
    let filtered = difference(&outside, &init);
    assert!(filtered.lines().count() > 40, "the walk sees no filter: {filtered}");
}

#[test]
fn closed_calls_are_closed_in_all_places_whatever_bits_they_carry() {
    let world = World::with_base();
    let outside = outside(&world, "denied");
    let open: Vec<&str> = outside.lines().filter(|line| line.ends_with("=allowed")).collect();
    for name in ["clone.user", "clone.user+high", "unshare.user", "clone3", "keyctl"] {
        let line = format!("{name}=allowed");
        assert!(open.contains(&line.as_str()), "{name} shows nothing here: {outside}");
    }
    let inside = Everywhere::probe(&world, &["--network", "none"], "base", &["denied"]);
    for (place, text) in inside.each() {
        assert_eq!(text.lines().count(), outside.lines().count(), "{place}: {text}");
        let wrong: Vec<&str> = text.lines().filter(|line| !is_refused(line)).collect();
        assert!(wrong.is_empty(), "in {place}: {wrong:#?}");
        assert_eq!(text, inside.init, "{place} and init differ");
    }
}

/// EPERM by the filter; ENOSYS where programs are to fall back to an older call. `unshare` with
/// high bits may get to the kernel, which knows none of them.
fn is_refused(line: &str) -> bool {
    let (name, answer) = line.split_once('=').unwrap();
    match name {
        "clone3" | "int80.clone3" => answer == "ENOSYS",
        _ if name.starts_with("x32.") => answer == "ENOSYS",
        _ => answer == "EPERM",
    }
}

fn outside(world: &World, word: &str) -> String {
    Call::new(probe::install(world.dir())).args([word]).run().succeeds().stdout.clone()
}

fn answers(text: &str) -> Answers {
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(number, answer)| (number.parse().unwrap(), answer.to_owned())).collect()
}

fn difference(left: &Answers, right: &Answers) -> String {
    let mut text = String::new();
    for number in 0..=600 {
        let (left, right) = (left.get(&number), right.get(&number));
        if left != right {
            writeln!(text, "{number}: {left:?} {right:?}").unwrap();
        }
    }
    text
}

fn golden_path() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap();
    package.join("security/golden").join(GOLDEN.0)
}
