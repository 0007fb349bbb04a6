//! A seccomp profile as typed values: default answer, rules, and when each rule is in force.
//!
//! Must not know about BPF or JSON; [`super::json`] reads files into these types and
//! [`super::compile()`] turns them into a program.

use std::borrow::Cow;

use super::arch::NamedArch;
use super::{Action, Arch, CapSet, KernelVersion, LoadFlags, RuleError, table};

/// Which calls a container may make (docker's `seccomp.json`, OCI runtime specification `seccomp`).
///
/// Where several rules match a call, the most restrictive of their actions is taken, whatever
/// their order; among equally restrictive ones the first. The default action is for calls that no
/// rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub(super) default_action: Action,
    pub(super) coverage: Coverage,
    pub(super) flags: LoadFlags,
    pub(super) rules: Vec<Rule>,
}

/// Which programs may run under the profile beside the native ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// Those of the listed architectures.
    Listed(Vec<Arch>),
    /// Those listed for the native architecture: (native, its further ones).
    Mapped(Vec<(Arch, Vec<Arch>)>),
}

impl Coverage {
    /// Whether `other` programs run beside `native` ones.
    pub(super) fn includes(&self, native: Arch, other: Arch) -> bool {
        match self {
            Coverage::Listed(arches) => arches.contains(&other),
            Coverage::Mapped(rows) => {
                rows.iter().any(|row| row.0 == native && row.1.contains(&other))
            }
        }
    }
}

impl Profile {
    /// A profile without rules that covers native programs and those of the compatible 32-bit
    /// architecture.
    #[must_use]
    pub fn new(default_action: Action) -> Profile {
        Profile {
            default_action,
            coverage: Coverage::Listed(Arch::ALL.to_vec()),
            flags: LoadFlags::default(),
            rules: Vec::new(),
        }
    }

    /// The answer to calls that no rule matches.
    #[must_use]
    pub fn default_action(&self) -> Action {
        self.default_action
    }

    /// The flags the profile wants its filter loaded with.
    #[must_use]
    pub fn flags(&self) -> LoadFlags {
        self.flags
    }

    /// The rules, in the order given.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Adds a rule.
    pub fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }
}

/// One rule: calls, conditions on their arguments, and the answer if all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) names: Vec<Cow<'static, str>>,
    pub(super) action: Action,
    pub(super) conditions: Vec<Condition>,
    pub(super) includes: Scope,
    pub(super) excludes: Scope,
}

impl Rule {
    /// A rule for every container.
    ///
    /// # Errors
    /// What makes the rule unusable: no name, an unknown name in a rule that restricts, an errno
    /// or argument out of range, two conditions on one argument.
    pub fn new(
        names: impl IntoIterator<Item = impl Into<Cow<'static, str>>>,
        action: Action,
        conditions: Vec<Condition>,
    ) -> Result<Rule, RuleError> {
        let names: Vec<Cow<'static, str>> = names.into_iter().map(Into::into).collect();
        check_names(&names, action)?;
        check_conditions(&conditions)?;
        if let Action::Errno(errno) = action
            && errno > Action::MAX_ERRNO
        {
            return Err(RuleError::ErrnoTooHigh {
                errno: u64::from(errno),
                highest: Action::MAX_ERRNO,
            });
        }
        Ok(Rule {
            names,
            action,
            conditions,
            includes: Scope::default(),
            excludes: Scope::default(),
        })
    }

    /// The calls it is for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(Cow::as_ref)
    }

    /// The answer.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// What must hold of the arguments; empty for every call of these names.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether the rule is in force for such a container: all included capabilities held, none
    /// of the excluded ones, and likewise for architecture and kernel (docker's meaning).
    #[must_use]
    pub fn applies(&self, caps: CapSet, native: Arch, kernel: KernelVersion) -> bool {
        let native = NamedArch::Supported(native);
        let included = caps.contains_all(self.includes.caps)
            && (self.includes.arches.is_empty() || self.includes.arches.contains(&native))
            && self.includes.min_kernel.is_none_or(|least| kernel >= least);
        let excluded = caps.contains_any(self.excludes.caps)
            || self.excludes.arches.contains(&native)
            || self.excludes.min_kernel.is_some_and(|least| kernel >= least);
        included && !excluded
    }
}

/// When a rule is in force, or is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) caps: CapSet,
    pub(super) arches: Vec<NamedArch>,
    pub(super) min_kernel: Option<KernelVersion>,
}

/// A condition on one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Which argument, 0 to 5.
    pub argument: u8,
    /// What must hold of it.
    pub comparison: Comparison,
}

impl Condition {
    /// The condition that the low 32 bits equal `value`: right where the kernel takes an `int`
    /// and drops the upper half, which a comparison of all 64 bits lets an attacker set at will.
    #[must_use]
    pub const fn low_32_bits_equal(argument: u8, value: u32) -> Condition {
        Condition {
            argument,
            comparison: Comparison::MaskedEqual { mask: 0xffff_ffff, value: value as u64 },
        }
    }
}

/// Unsigned comparison of a whole 64-bit argument (32 bits for 32-bit programs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `SCMP_CMP_NE`
    NotEqual(u64),
    /// `SCMP_CMP_LT`
    Less(u64),
    /// `SCMP_CMP_LE`
    LessOrEqual(u64),
    /// `SCMP_CMP_EQ`
    Equal(u64),
    /// `SCMP_CMP_GE`
    GreaterOrEqual(u64),
    /// `SCMP_CMP_GT`
    Greater(u64),
    /// `SCMP_CMP_MASKED_EQ`: equal in the bits of the mask. Bits of the value outside the mask
    /// are ignored, as libseccomp does.
    MaskedEqual {
        /// Which bits count (`value` in the JSON).
        mask: u64,
        /// What they must be (`valueTwo` in the JSON).
        value: u64,
    },
}

fn check_names(names: &[Cow<'static, str>], action: Action) -> Result<(), RuleError> {
    if names.is_empty() {
        return Err(RuleError::NoName);
    }
    if action.lets_run() {
        // A call this machine does not have needs no permission; it gets ENOSYS all the same.
        return Ok(());
    }
    match names.iter().find(|name| !table::is_known_anywhere(name)) {
        Some(name) => Err(RuleError::UnknownCall { name: name.to_string() }),
        None => Ok(()),
    }
}

fn check_conditions(conditions: &[Condition]) -> Result<(), RuleError> {
    let mut seen = [false; 6];
    for condition in conditions {
        let Some(slot) = seen.get_mut(usize::from(condition.argument)) else {
            return Err(RuleError::ArgumentOutOfRange { index: u64::from(condition.argument) });
        };
        if std::mem::replace(slot, true) {
            return Err(RuleError::ArgumentTwice { index: condition.argument });
        }
    }
    Ok(())
}
