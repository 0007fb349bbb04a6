//! Damaged profiles never panic: they are refused in one line, or compile.

use std::error::Error as _;

use minidock_sys::seccomp::{Arch, CapSet, Profile, compile};

use crate::json::RICH;
use crate::probe::KERNEL;
use crate::random::Random;

const ROUNDS: usize = 20_000;

/// Pieces that lead further in than random bytes do.
const PIECES: &[&str] = &[
    "null",
    "[]",
    "{}",
    "-1",
    "0",
    "6",
    "4096",
    "18446744073709551615",
    "1e400",
    "\"\"",
    "\"SCMP_ACT_KILL\"",
    "\"SCMP_CMP_NE\"",
    "\"index\": 5,",
    "\"valueTwo\": 1,",
    "\\u0000",
    "\\ud800",
    "[[[[[[[[",
    ",",
    "\"",
];

#[test]
fn mutated_profiles_are_refused_or_compile() {
    let mut random = Random(0x5ecc_0301);
    let mut accepted = 0;
    for _ in 0..ROUNDS {
        let mut json = RICH.as_bytes().to_vec();
        for _ in 0..=random.below(3) {
            mutate(&mut json, &mut random);
        }
        match Profile::from_json(&json) {
            Ok(profile) => {
                accepted += 1;
                let caps = CapSet::from_bits(random.next());
                let native = *random.pick(&Arch::ALL);
                let program = compile(&profile, caps, native, KERNEL);
                assert!(program.is_ok(), "{program:?}: {}", String::from_utf8_lossy(&json));
            }
            Err(error) => {
                let source = error.source().map(ToString::to_string).unwrap_or_default();
                let text = format!("{error}: {source}");
                assert!(!text.contains('\n'), "{text:?}");
            }
        }
    }
    // Both ways are taken, or the mutations are too weak or too strong to show anything.
    assert!((100..ROUNDS - 100).contains(&accepted), "{accepted}");
}

fn mutate(json: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(json.len());
    let end = (at + random.below(12)).min(json.len());
    match random.below(5) {
        0 => json[at] ^= 1 << random.below(8),
        1 => drop(json.drain(at..end)),
        2 => json.splice(at..at, random.pick(PIECES).bytes()).for_each(drop),
        3 => json.splice(at..end, random.pick(PIECES).bytes()).for_each(drop),
        _ => {
            let copy = json[at..end].to_vec();
            let to = random.below(json.len());
            json.splice(to..to, copy).for_each(drop);
        }
    }
    if json.is_empty() {
        json.push(b'{');
    }
}
