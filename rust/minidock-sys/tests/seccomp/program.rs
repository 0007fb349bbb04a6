//! Programs as such: short, the same each time, and whole after a cache.

use minidock_sys::seccomp::{Action, Arch, CapSet, LoadError, LoadFlags, Profile, Program};
use minidock_sys::seccomp::{ProgramError, Rule, load, table};

use crate::interpreter::{SeccompData, run};
use crate::probe::{compiled, docker_caps};
use crate::random::Random;

#[test]
fn the_default_program_is_short_and_quick() {
    for native in Arch::ALL {
        let program = compiled(&Profile::default_profile(), docker_caps(), native);
        let length = program.instructions().len();
        assert!(length < 1024, "{native}: {length} instructions");
        for name in ["read", "write", "close", "mmap", "futex", "openat", "clock_gettime"] {
            let data = SeccompData {
                number: table::number(native, name).unwrap_or_default(),
                arch: native.audit_token(),
                ..SeccompData::default()
            };
            let (_, steps) = run(program.instructions(), data);
            assert!(steps <= 14, "{native} {name}: {steps} instructions");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_program() {
    for caps in [CapSet::EMPTY, docker_caps(), CapSet::from_bits(u64::MAX)] {
        let first = compiled(&Profile::default_profile(), caps, Arch::X86_64);
        let second = compiled(&Profile::default_profile(), caps, Arch::X86_64);
        assert_eq!(first, second);
        assert_eq!(Program::from_bytes(&first.to_bytes()), Ok(second));
    }
}

#[test]
fn damaged_bytes_are_refused_or_still_a_program_that_ends() {
    let bytes = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64).to_bytes();
    assert_eq!(Program::from_bytes(&[]), Err(ProgramError::Length { instructions: 0 }));
    let cut = Program::from_bytes(&bytes[..bytes.len() - 3]);
    assert_eq!(cut, Err(ProgramError::Truncated { bytes: bytes.len() - 3 }));
    let no_end = Program::from_bytes(&bytes[..bytes.len() - 8]);
    assert!(matches!(no_end, Err(ProgramError::Instruction { .. })), "{no_end:?}");
    let too_long = bytes.repeat(4096 * 8 / bytes.len() + 1);
    assert!(matches!(Program::from_bytes(&too_long), Err(ProgramError::Length { .. })));
    let mut random = Random(7);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        let at = random.below(damaged.len());
        damaged[at] ^= 1 << random.below(8);
        if let Ok(program) = Program::from_bytes(&damaged) {
            // The interpreter panics on a jump out of the program or an unknown instruction.
            for number in [0, 41, 56, 470] {
                let data = SeccompData {
                    number,
                    arch: Arch::X86_64.audit_token(),
                    ..SeccompData::default()
                };
                run(program.instructions(), data);
            }
        }
    }
}

/// Refused before the system call: this test's process gets no filter.
#[test]
fn a_program_for_a_listener_is_not_loaded_without_one() {
    let mut profile = Profile::new(Action::Allow);
    profile.push(Rule::new(["fchownat"], Action::Notify, Vec::new()).expect("a rule"));
    let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
    assert!(program.needs_listener());
    let result = load(&program, LoadFlags::default());
    assert!(matches!(result, Err(LoadError::ListenerMissing)), "{result:?}");
    let default = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64);
    assert!(!default.needs_listener());
}
