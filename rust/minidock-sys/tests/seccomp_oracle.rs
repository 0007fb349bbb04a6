//! libseccomp as the oracle: its names and numbers, and its verdicts on equivalent rules, must be
//! ours. Needs libseccomp's headers and library (libseccomp-dev); without them it does not link,
//! which is a failure and not a skip.
//!
//! Two things are left to the golden tables because libseccomp means something else by them: calls
//! that it spreads over several entry points (socketcall and ipc on i386), and numbers of no known
//! call, which get the default action there and ENOSYS here.

#[path = "seccomp/interpreter.rs"]
mod interpreter;
#[path = "seccomp/libseccomp.rs"]
mod libseccomp;
#[path = "seccomp/probe.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod probe;
#[path = "seccomp/random.rs"]
mod random;
#[path = "seccomp/random_rules.rs"]
mod random_rules;

use interpreter::{SeccompData, run};
use libseccomp::Filter;
use minidock_sys::seccomp::{Arch, CapSet, Comparison, Condition, Profile, Program, Rule};
use minidock_sys::seccomp::{SockFilter, table};
use probe::{KERNEL, compiled, docker_caps};
use random::Random;
use random_rules::{ACTIONS, random_conditions, random_value};

/// Which programs a machine runs.
const MACHINES: [&[Arch]; 3] =
    [&[Arch::X86_64, Arch::X86], &[Arch::Aarch64, Arch::Arm], &[Arch::Riscv64]];

const PROFILES: u64 = 150;
const CALLS_PER_PROFILE: usize = 200;

#[test]
fn names_and_numbers_agree() {
    for arch in Arch::ALL {
        for number in (0..600).chain(0xf_0000..0xf_0010) {
            let ours = table::name(arch, number);
            let Some(theirs) = libseccomp::name(arch, number) else {
                continue;
            };
            assert_eq!(table::number(arch, &theirs), Some(number), "{arch} {theirs}");
            // The two names of Arm's 341 are equally good.
            if (arch, number) != (Arch::Arm, 341) {
                assert_eq!(ours, Some(theirs.as_str()), "{arch} {number}");
            }
        }
    }
}

#[test]
fn random_rules_have_the_same_verdicts() {
    let mut compared = 0;
    for seed in 0..PROFILES {
        let mut random = Random(seed);
        let arches = *random.pick(&MACHINES);
        let (profile, theirs, calls) = random_profile(&mut random, arches);
        let ours = compiled(&profile, CapSet::EMPTY, arches[0]);
        for _ in 0..CALLS_PER_PROFILE {
            let arch = *random.pick(arches);
            let name: &str = random.pick::<&str>(&calls);
            let Some(number) = table::number(arch, name) else {
                continue;
            };
            let args = [0; 6].map(|_: u64| random_value(&mut random, arch));
            let data = data(arch, number, args);
            assert_same(&ours, &theirs, data, &profile);
            compared += 1;
        }
    }
    assert!(compared > 10_000, "only {compared} calls were compared");
}

#[test]
fn the_default_profile_has_the_same_verdicts() {
    let mut random = Random(1);
    for arches in MACHINES {
        for caps in [CapSet::EMPTY, docker_caps(), CapSet::from_bits(u64::MAX)] {
            let profile = Profile::default_profile();
            let ours = compiled(&profile, caps, arches[0]);
            let mut filter = Filter::new(profile.default_action().to_return_value(), arches);
            let in_force = |rule: &&Rule| rule.applies(caps, arches[0], KERNEL);
            for rule in profile.rules().iter().filter(in_force) {
                for name in rule.names().filter(|name| !is_multiplexed(name)) {
                    filter.add(name, rule.action().to_return_value(), rule.conditions());
                }
            }
            let theirs = filter.export();
            for arch in arches {
                for number in table::numbers(*arch) {
                    let known = libseccomp::name(*arch, number);
                    if known.is_none_or(|name| is_multiplexed(&name)) {
                        continue;
                    }
                    for _ in 0..8 {
                        let args = [0; 6].map(|_: u64| random_value(&mut random, *arch));
                        assert_same(&ours, &theirs, data(*arch, number, args), &profile);
                    }
                }
            }
        }
    }
}

fn assert_same(ours: &Program, theirs: &[SockFilter], data: SeccompData, profile: &Profile) {
    let name = Arch::ALL
        .into_iter()
        .find(|arch| arch.audit_token() == data.arch)
        .and_then(|arch| table::name(arch, data.number));
    let rules: Vec<&Rule> =
        profile.rules().iter().filter(|rule| rule.names().any(|rule| Some(rule) == name)).collect();
    assert_eq!(
        run(ours.instructions(), data).0,
        run(theirs, data).0,
        "{name:?} {data:x?} {rules:#?}"
    );
}

fn data(arch: Arch, number: u32, args: [u64; 6]) -> SeccompData {
    SeccompData { number, arch: arch.audit_token(), args, ..SeccompData::default() }
}

/// Rules on some calls. On one call either a single rule with several conditions, or, as profiles
/// have them, several rules of one action that each want the same argument equal to some value.
/// Beyond that libseccomp 2.5's tree of arguments misses rules: one that failed half way is left
/// for the default action although another would match. `seccomp/reference.rs` has the rest.
///
/// Values fit into the narrowest programs' arguments: libseccomp cuts larger ones off there, where
/// ours never equal an argument.
fn random_profile(
    random: &mut Random,
    arches: &[Arch],
) -> (Profile, Vec<SockFilter>, Vec<&'static str>) {
    let pool: Vec<&'static str> = table::numbers(arches[0])
        .filter_map(|number| table::name(arches[0], number))
        .filter(|name| !is_multiplexed(name) && libseccomp::knows(name))
        .collect();
    let default = *random.pick(&ACTIONS);
    let mut profile = Profile::new(default);
    let mut filter = Filter::new(default.to_return_value(), arches);
    let mut calls: Vec<&'static str> = (0..12).map(|_| *random.pick(&pool)).collect();
    calls.sort_unstable();
    calls.dedup();
    for name in &calls {
        let action = *random.pick(&ACTIONS);
        if action == default {
            continue;
        }
        for conditions in random_alternatives(random, arches[arches.len() - 1]) {
            filter.add(name, action.to_return_value(), &conditions);
            profile.push(Rule::new([*name], action, conditions).expect("a rule"));
        }
    }
    (profile, filter.export(), calls)
}

fn random_alternatives(random: &mut Random, narrowest: Arch) -> Vec<Vec<Condition>> {
    if random.below(2) == 0 {
        return vec![random_conditions(random, narrowest)];
    }
    let argument = *random.pick(&[0, 1, 2, 3, 4, 5]);
    let any = random_value(random, narrowest);
    let mask = *random.pick(&[u64::MAX, 0xffff_ffff, any]);
    (0..=random.below(4))
        .map(|_| {
            let comparison =
                Comparison::MaskedEqual { mask, value: random_value(random, narrowest) };
            vec![Condition { argument, comparison }]
        })
        .collect()
}

/// Calls that libseccomp also filters at socketcall(2) or ipc(2), or that are these two.
fn is_multiplexed(name: &str) -> bool {
    let names = "socketcall ipc socket socketpair bind connect listen accept accept4 getsockname \
        getpeername send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg \
        recvmmsg recvmmsg_time64 sendmmsg semop semget semctl semtimedop semtimedop_time64 msgsnd \
        msgrcv msgget msgctl shmat shmdt shmget shmctl";
    names.split_ascii_whitespace().any(|one| one == name)
}
