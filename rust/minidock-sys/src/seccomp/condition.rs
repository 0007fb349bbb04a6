//! Turns the conditions of one rule into instructions, both halves of each argument compared.
//!
//! Must not know which call the rule is for.

use super::bpf::{self, JUMP_EQ, JUMP_GE, JUMP_GT};
use super::{Action, Comparison, Condition, SockFilter};

/// Where a test goes on.
#[derive(Clone, Copy)]
enum Target {
    /// The next step of the same condition.
    Next,
    /// The condition holds: the end of its steps.
    Holds,
    /// It does not: the end of the rule.
    Fails,
}

enum Step {
    Plain(SockFilter),
    Test {
        code: u16,
        k: u32,
        yes: Target,
        no: Target,
    },
    /// Nothing to look at: the rule never matches.
    Never,
}

/// The most instructions one rule can need: six conditions of six steps, and the answer.
const LONGEST_RULE: usize = 6 * 6 + 1;
const _: () = assert!(LONGEST_RULE < u8::MAX as usize);

/// `if all conditions hold { return action }`, falling through otherwise.
///
/// `wide` is false for 32-bit programs: the kernel passes only the lower half of what they give,
/// so that the upper half is taken as zero and not looked at.
pub(super) fn rule(conditions: &[Condition], action: Action, wide: bool) -> Vec<SockFilter> {
    let parts: Vec<Vec<Step>> = conditions.iter().map(|one| steps(one, wide)).collect();
    let total = parts.iter().map(Vec::len).sum::<usize>() + 1;
    let mut code = Vec::with_capacity(total);
    for part in &parts {
        let holds = code.len() + part.len();
        for step in part {
            let here = code.len();
            let skip = |target: Target| {
                let goal = match target {
                    Target::Next => here + 1,
                    Target::Holds => holds,
                    Target::Fails => total,
                };
                // Cannot saturate: see LONGEST_RULE, and rules have at most six conditions.
                u8::try_from(goal - here - 1).unwrap_or(u8::MAX)
            };
            code.push(match step {
                Step::Plain(instruction) => *instruction,
                Step::Test { code, k, yes, no } => bpf::branch(*code, *k, skip(*yes), skip(*no)),
                Step::Never => bpf::jump(u32::from(skip(Target::Fails))),
            });
        }
    }
    code.push(bpf::ret(action.to_return_value()));
    code
}

fn steps(condition: &Condition, wide: bool) -> Vec<Step> {
    let word = Word { argument: condition.argument, wide };
    match condition.comparison {
        Comparison::Equal(value) => word.equal(u64::MAX, value, Target::Holds, Target::Fails),
        Comparison::NotEqual(value) => word.equal(u64::MAX, value, Target::Fails, Target::Holds),
        Comparison::MaskedEqual { mask, value } => {
            word.equal(mask, value & mask, Target::Holds, Target::Fails)
        }
        Comparison::GreaterOrEqual(value) => {
            word.order(JUMP_GE, value, Target::Holds, Target::Fails)
        }
        Comparison::Greater(value) => word.order(JUMP_GT, value, Target::Holds, Target::Fails),
        Comparison::Less(value) => word.order(JUMP_GE, value, Target::Fails, Target::Holds),
        Comparison::LessOrEqual(value) => word.order(JUMP_GT, value, Target::Fails, Target::Holds),
    }
}

struct Word {
    argument: u8,
    wide: bool,
}

impl Word {
    /// `arg & mask == value`; to `yes` or `no`.
    fn equal(&self, mask: u64, value: u64, yes: Target, no: Target) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.wide {
            let next = if low(mask) == 0 { yes } else { Target::Next };
            push_equal(
                &mut steps,
                bpf::high_half(self.argument),
                high(mask),
                high(value),
                next,
                no,
            );
        } else if high(value) != 0 {
            return constant(no);
        }
        push_equal(&mut steps, bpf::low_half(self.argument), low(mask), low(value), yes, no);
        if steps.is_empty() { constant(yes) } else { steps }
    }

    /// `arg >= value` or `arg > value`, as `test` says of the lower half; to `yes` or `no`.
    fn order(&self, test: u16, value: u64, yes: Target, no: Target) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.wide {
            steps.push(Step::Plain(bpf::load(bpf::high_half(self.argument))));
            push_test(&mut steps, JUMP_GT, high(value), yes, Target::Next);
            push_test(&mut steps, JUMP_EQ, high(value), Target::Next, no);
        } else if high(value) != 0 {
            return constant(no);
        }
        steps.push(Step::Plain(bpf::load(bpf::low_half(self.argument))));
        push_test(&mut steps, test, low(value), yes, no);
        steps
    }
}

/// A condition that is the same for every argument.
fn constant(target: Target) -> Vec<Step> {
    match target {
        Target::Fails => vec![Step::Never],
        Target::Next | Target::Holds => Vec::new(),
    }
}

fn push_equal(steps: &mut Vec<Step>, offset: u32, mask: u32, value: u32, yes: Target, no: Target) {
    if mask == 0 {
        return;
    }
    steps.push(Step::Plain(bpf::load(offset)));
    if mask != u32::MAX {
        steps.push(Step::Plain(bpf::and(mask)));
    }
    push_test(steps, JUMP_EQ, value, yes, no);
}

fn push_test(steps: &mut Vec<Step>, code: u16, k: u32, yes: Target, no: Target) {
    steps.push(Step::Test { code, k, yes, no });
}

const fn low(value: u64) -> u32 {
    value as u32
}

const fn high(value: u64) -> u32 {
    (value >> 32) as u32
}
