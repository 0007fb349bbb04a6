//! From a profile to a program: which rules are in force, what each number's answer is, and a
//! binary search over the numbers.
//!
//! Must not know any system call by name; the same input always gives the same instructions.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    Action, Arch, CapSet, Condition, KernelVersion, Profile, Program, ProgramError, SockFilter,
    bpf, condition, table,
};

/// Numbers from here on are x32's (`__X32_SYSCALL_BIT`), under the audit token of x86_64.
const X32_SYSCALL_BIT: u32 = 0x4000_0000;

/// What a kernel without the call would answer.
const UNKNOWN_CALL: Action = Action::Errno(libc::ENOSYS as u16);

/// For programs of an architecture the profile does not cover: their numbers mean other calls.
const FOREIGN_PROGRAM: Action = Action::KillProcess;

/// Why a profile does not become a program.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CompileError {
    /// The result breaks the kernel's rules, in practice its limit of length.
    #[error("the seccomp profile cannot be made into a filter: use fewer rules with conditions")]
    Program {
        /// Which rule it breaks.
        #[source]
        source: ProgramError,
    },
}

/// Makes the filter of `profile` for a container with these capabilities.
///
/// Where the default action refuses, numbers that belong to no call known here get ENOSYS, so
/// that programs fall back as on a kernel older than the call; x32 calls get it always. Programs
/// of another architecture than `native` and those the profile lists beside it are killed.
///
/// # Errors
/// A profile whose filter would be longer than the kernel takes.
pub fn compile(
    profile: &Profile,
    caps: CapSet,
    native: Arch,
    kernel: KernelVersion,
) -> Result<Program, CompileError> {
    let compat = native.compat().filter(|compat| profile.coverage.includes(native, *compat));
    let mut code = vec![bpf::load(bpf::ARCH)];
    for arch in std::iter::once(native).chain(compat) {
        let mut section = vec![bpf::load(bpf::NUMBER)];
        let decisions = decisions(profile, arch, |rule| rule.applies(caps, native, kernel));
        search(&intervals(profile, arch, &decisions), arch, &mut section);
        code.push(bpf::branch(bpf::JUMP_EQ, arch.audit_token(), 1, 0));
        code.push(bpf::jump(length(&section)));
        code.append(&mut section);
    }
    code.push(bpf::ret(FOREIGN_PROGRAM.to_return_value()));
    Program::new(code).map_err(|source| CompileError::Program { source })
}

/// The answer to one call: the first check whose conditions hold, else the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    checks: Vec<(Vec<Condition>, Action)>,
    fallback: Action,
}

impl Decision {
    fn always(action: Action) -> Decision {
        Decision { checks: Vec::new(), fallback: action }
    }

    /// Puts the most restrictive check first, and leaves out those that cannot matter.
    fn settle(&mut self) {
        self.checks.sort_by_key(|check| std::cmp::Reverse(check.1.severity()));
        if let Some(at) = self.checks.iter().position(|check| check.0.is_empty()) {
            self.fallback = self.checks[at].1;
            self.checks.truncate(at);
        }
        while self.checks.last().is_some_and(|check| check.1 == self.fallback) {
            self.checks.pop();
        }
    }
}

fn decisions(
    profile: &Profile,
    arch: Arch,
    in_force: impl Fn(&super::Rule) -> bool,
) -> BTreeMap<u32, Decision> {
    let mut decisions = BTreeMap::new();
    for rule in profile.rules.iter().filter(|rule| in_force(rule)) {
        for number in rule.names().filter_map(|name| table::number(arch, name)) {
            decisions
                .entry(number)
                .or_insert_with(|| Decision::always(profile.default_action))
                .checks
                .push((rule.conditions.clone(), rule.action));
        }
    }
    decisions.values_mut().for_each(Decision::settle);
    decisions
}

/// The whole range of numbers as (first number, answer), neighbours of one answer joined.
fn intervals(
    profile: &Profile,
    arch: Arch,
    decisions: &BTreeMap<u32, Decision>,
) -> Vec<(u32, Decision)> {
    let default = profile.default_action;
    let unknown = Decision::always(if default.refuses() { UNKNOWN_CALL } else { default });
    let unmentioned = Decision::always(default);
    let mut joined: Vec<(u32, Decision)> = Vec::new();
    let mut push = |first: u32, decision: &Decision| {
        if joined.last().is_none_or(|last| last.1 != *decision) {
            joined.push((first, decision.clone()));
        }
    };
    let mut next = 0;
    for number in table::numbers(arch) {
        if number > next {
            push(next, &unknown);
        }
        push(number, decisions.get(&number).unwrap_or(&unmentioned));
        next = number + 1;
    }
    push(next, &unknown);
    if arch == Arch::X86_64 {
        push(X32_SYSCALL_BIT, &Decision::always(UNKNOWN_CALL));
    }
    joined
}

/// Appends a binary search over the intervals; the number is in A.
fn search(intervals: &[(u32, Decision)], arch: Arch, code: &mut Vec<SockFilter>) {
    match intervals {
        [] => {}
        [(_, decision)] => answer(decision, arch, code),
        _ => {
            let (lower, upper) = intervals.split_at(intervals.len() / 2);
            let mut below = Vec::new();
            search(lower, arch, &mut below);
            let first = upper[0].0;
            if let Ok(skip) = u8::try_from(below.len()) {
                code.push(bpf::branch(bpf::JUMP_GE, first, skip, 0));
            } else {
                code.push(bpf::branch(bpf::JUMP_GE, first, 0, 1));
                code.push(bpf::jump(length(&below)));
            }
            code.append(&mut below);
            search(upper, arch, code);
        }
    }
}

fn answer(decision: &Decision, arch: Arch, code: &mut Vec<SockFilter>) {
    for (conditions, action) in &decision.checks {
        code.extend(condition::rule(conditions, *action, arch.is_64_bit()));
    }
    code.push(bpf::ret(decision.fallback.to_return_value()));
}

/// Saturates where the program is far too long anyway, which [`Program::new`] refuses.
fn length(code: &[SockFilter]) -> u32 {
    u32::try_from(code.len()).unwrap_or(u32::MAX)
}
