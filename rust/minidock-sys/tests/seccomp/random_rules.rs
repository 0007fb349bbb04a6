//! Random rules and arguments that often meet. Must not say what the verdict is.

use minidock_sys::seccomp::{Action, Arch, Comparison, Condition};

use crate::random::Random;

pub(crate) const ACTIONS: [Action; 8] = [
    Action::Allow,
    Action::Errno(1),
    Action::Errno(38),
    Action::Trap,
    Action::Log,
    Action::Trace(3),
    Action::KillProcess,
    Action::KillThread,
];

/// A condition on this argument, its values as wide as the narrowest programs' are.
fn random_condition(random: &mut Random, narrowest: Arch, argument: u8) -> Condition {
    let value = random_value(random, narrowest);
    let comparison = match random.below(7) {
        0 => Comparison::NotEqual(value),
        1 => Comparison::Less(value),
        2 => Comparison::LessOrEqual(value),
        3 => Comparison::Equal(value),
        4 => Comparison::GreaterOrEqual(value),
        5 => Comparison::Greater(value),
        _ => Comparison::MaskedEqual { mask: value, value: random_value(random, narrowest) },
    };
    Condition { argument, comparison }
}

/// Conditions on some of the arguments.
pub(crate) fn random_conditions(random: &mut Random, narrowest: Arch) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for argument in 0..6 {
        if random.below(3) == 0 {
            conditions.push(random_condition(random, narrowest, argument));
        }
    }
    conditions
}

/// Few values, so that arguments often equal what rules ask for, or do so in one half.
pub(crate) fn random_value(random: &mut Random, arch: Arch) -> u64 {
    let halves = [0, 1, 2, 38, 40, 0x7fff_ffff, 0x8000_0000, u64::from(u32::MAX)];
    let low = *random.pick(&halves);
    let high = if random.below(3) == 0 { *random.pick(&halves) } else { 0 };
    if arch.is_64_bit() { high << 32 | low } else { low }
}
