//! Random profiles against the definition of a profile, evaluated rule by rule: the most
//! restrictive of those that match, else the default, and ENOSYS for what nobody knows.

use minidock_sys::seccomp::{Action, Arch, CapSet, Comparison, Profile, Rule, table};

use crate::probe::{ENOSYS, compiled, verdict};
use crate::random::Random;
use crate::random_rules::{ACTIONS, random_conditions, random_value};

const PROFILES: u64 = 200;
const CALLS_PER_PROFILE: usize = 200;

#[test]
fn random_profiles_do_what_their_rules_say() {
    for seed in 0..PROFILES {
        let mut random = Random(seed);
        let native = *random.pick(&[Arch::X86_64, Arch::Aarch64, Arch::Riscv64]);
        let profile = random_profile(&mut random, native);
        let program = compiled(&profile, CapSet::EMPTY, native);
        for _ in 0..CALLS_PER_PROFILE {
            let arch = match native.compat() {
                Some(compat) if random.below(2) == 0 => compat,
                _ => native,
            };
            let number = random_number(&mut random, &profile, arch);
            let args = [0; 6].map(|_: u64| random_value(&mut random, arch));
            assert_eq!(
                verdict(&program, arch, number, args),
                defined(&profile, arch, number, args),
                "seed {seed}: {arch} {number} {args:x?}"
            );
        }
    }
}

fn random_profile(random: &mut Random, native: Arch) -> Profile {
    let pool: Vec<&'static str> =
        table::numbers(native).filter_map(|number| table::name(native, number)).collect();
    let mut profile = Profile::new(*random.pick(&ACTIONS));
    for _ in 0..random.below(60) {
        let name = *random.pick(&pool);
        for _ in 0..=random.below(4) {
            let conditions = random_conditions(random, native);
            let rule = Rule::new([name], *random.pick(&ACTIONS), conditions);
            profile.push(rule.expect("a rule"));
        }
    }
    profile
}

fn random_number(random: &mut Random, profile: &Profile, arch: Arch) -> u32 {
    let named: Vec<u32> = profile
        .rules()
        .iter()
        .flat_map(|rule| rule.names().filter_map(|name| table::number(arch, name)))
        .collect();
    match random.below(4) {
        0 => random.below(600) as u32,
        1 => random.next() as u32,
        _ if named.is_empty() => 0,
        _ => *random.pick(&named),
    }
}

fn defined(profile: &Profile, arch: Arch, number: u32, args: [u64; 6]) -> u32 {
    let default = profile.default_action();
    let Some(name) = table::name(arch, number) else {
        let x32 = arch == Arch::X86_64 && number >= 0x4000_0000;
        let closed = x32 || default.refuses();
        return if closed { ENOSYS } else { default.to_return_value() };
    };
    let mut answer: Option<Action> = None;
    for rule in profile.rules() {
        if rule.names().any(|one| one == name)
            && rule
                .conditions()
                .iter()
                .all(|one| holds(one.comparison, args[usize::from(one.argument)]))
            && answer.is_none_or(|so_far| rule.action().severity() > so_far.severity())
        {
            answer = Some(rule.action());
        }
    }
    answer.unwrap_or(default).to_return_value()
}

fn holds(comparison: Comparison, argument: u64) -> bool {
    match comparison {
        Comparison::NotEqual(value) => argument != value,
        Comparison::Less(value) => argument < value,
        Comparison::LessOrEqual(value) => argument <= value,
        Comparison::Equal(value) => argument == value,
        Comparison::GreaterOrEqual(value) => argument >= value,
        Comparison::Greater(value) => argument > value,
        Comparison::MaskedEqual { mask, value } => argument & mask == value & mask,
    }
}
