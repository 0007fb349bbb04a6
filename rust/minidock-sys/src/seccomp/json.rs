//! Reads docker's `seccomp.json` into a [`Profile`], strictly: what it does not know it refuses
//! by name.
//!
//! Must not open files, and must not give a field a meaning that docker and runc do not give it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use super::arch::{self, NamedArch};
use super::profile::{Coverage, Scope};
use super::{Action, Arch, CapSet, Comparison, Condition, KernelVersion, LoadFlags, Profile};
use super::{Rule, RuleError};

/// Why a profile cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not JSON, or not of the shape; the source names field, line and column.
    #[error("the seccomp profile does not have the form of docker's seccomp.json")]
    Form {
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
    /// A rule is at fault.
    #[error("rule {index} of \"syscalls\" in the seccomp profile cannot be used")]
    Rule {
        /// Its place in the list, from 1.
        index: usize,
        /// What is wrong.
        #[source]
        source: RuleError,
    },
    /// The default action is at fault.
    #[error("\"defaultAction\" of the seccomp profile cannot be used")]
    DefaultAction {
        /// What is wrong.
        #[source]
        source: RuleError,
    },
    /// Not an architecture.
    #[error(
        "unknown architecture {name:?} in the seccomp profile: names are written as SCMP_ARCH_X86_64"
    )]
    UnknownArch {
        /// The name.
        name: String,
    },
    /// Both lists of architectures.
    #[error("the seccomp profile has both \"architectures\" and \"archMap\": keep one of them")]
    ArchesTwice,
    /// Not a flag, or one for listeners.
    #[error(
        "flag {name:?} of the seccomp profile is not supported: use SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW or _TSYNC"
    )]
    UnsupportedFlag {
        /// The name.
        name: String,
    },
    /// `listenerPath` or `listenerMetadata`.
    #[error("\"{field}\" of the seccomp profile is not supported: remove it")]
    ListenerUnsupported {
        /// The field.
        field: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ProfileJson {
    default_action: String,
    default_errno_ret: Option<u64>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<ArchMapJson>>,
    flags: Option<Vec<String>>,
    listener_path: Option<String>,
    listener_metadata: Option<String>,
    syscalls: Option<Vec<RuleJson>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ArchMapJson {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RuleJson {
    name: Option<String>,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u64>,
    args: Option<Vec<ArgJson>>,
    includes: Option<ScopeJson>,
    excludes: Option<ScopeJson>,
    #[expect(dead_code, reason = "docker's place for a remark; it has no effect by definition")]
    comment: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ArgJson {
    index: u64,
    value: u64,
    value_two: Option<u64>,
    op: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ScopeJson {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

impl Profile {
    /// Reads a profile in the form of docker's `seccomp.json` (`--security-opt seccomp=FILE`).
    ///
    /// Names of unknown calls are ignored in rules that let calls run, so that profiles for newer
    /// kernels can be used, and are errors in rules that restrict. Without `architectures` and
    /// `archMap` only native programs run, as with docker. x32 programs never run, also where the
    /// profile lists them: nearly every copy of docker's profile does, and their calls get ENOSYS
    /// as on kernels built without x32.
    ///
    /// # Errors
    /// The first thing in it that is not understood or not supported.
    ///
    /// ```
    /// use minidock_sys::seccomp::{Action, Profile};
    ///
    /// let json = br#"{"defaultAction": "SCMP_ACT_ALLOW",
    ///     "syscalls": [{"names": ["keyctl"], "action": "SCMP_ACT_ERRNO"}]}"#;
    /// let profile = Profile::from_json(json)?;
    /// assert_eq!(profile.default_action(), Action::Allow);
    /// assert_eq!(profile.rules()[0].action(), Action::Errno(1));
    /// # Ok::<(), minidock_sys::seccomp::ProfileError>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Profile, ProfileError> {
        let raw: ProfileJson =
            serde_json::from_slice(json).map_err(|source| ProfileError::Form { source })?;
        refuse_listener("listenerPath", raw.listener_path)?;
        refuse_listener("listenerMetadata", raw.listener_metadata)?;
        let default_action = action(&raw.default_action, raw.default_errno_ret)
            .map_err(|source| ProfileError::DefaultAction { source })?;
        let mut rules = Vec::new();
        for (place, raw_rule) in raw.syscalls.unwrap_or_default().into_iter().enumerate() {
            rules.push(
                rule(raw_rule).map_err(|source| ProfileError::Rule { index: place + 1, source })?,
            );
        }
        Ok(Profile {
            default_action,
            coverage: coverage(raw.architectures, raw.arch_map)?,
            flags: flags(raw.flags.unwrap_or_default())?,
            rules,
        })
    }
}

fn refuse_listener(field: &'static str, value: Option<String>) -> Result<(), ProfileError> {
    match value {
        Some(text) if !text.is_empty() => Err(ProfileError::ListenerUnsupported { field }),
        _ => Ok(()),
    }
}

fn flags(names: Vec<String>) -> Result<LoadFlags, ProfileError> {
    let mut flags = LoadFlags::default();
    for name in names {
        match name.as_str() {
            "SECCOMP_FILTER_FLAG_LOG" => flags.log = true,
            "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => flags.spec_allow = true,
            "SECCOMP_FILTER_FLAG_TSYNC" => flags.tsync = true,
            _ => return Err(ProfileError::UnsupportedFlag { name }),
        }
    }
    Ok(flags)
}

fn coverage(
    listed: Option<Vec<String>>,
    mapped: Option<Vec<ArchMapJson>>,
) -> Result<Coverage, ProfileError> {
    match (listed.filter(|list| !list.is_empty()), mapped.filter(|map| !map.is_empty())) {
        (Some(_), Some(_)) => Err(ProfileError::ArchesTwice),
        (Some(names), None) => Ok(Coverage::Listed(arches(names)?)),
        (None, rows) => {
            let mut map = Vec::new();
            for row in rows.unwrap_or_default() {
                let further = arches(row.sub_architectures.unwrap_or_default())?;
                map.extend(
                    arches(vec![row.architecture])?
                        .into_iter()
                        .map(|native| (native, further.clone())),
                );
            }
            Ok(Coverage::Mapped(map))
        }
    }
}

fn arches(names: Vec<String>) -> Result<Vec<Arch>, ProfileError> {
    let mut arches = Vec::new();
    for name in names {
        match arch::from_scmp_name(&name) {
            Some(NamedArch::Supported(arch)) => arches.push(arch),
            Some(NamedArch::Elsewhere) => {}
            None => return Err(ProfileError::UnknownArch { name }),
        }
    }
    Ok(arches)
}

fn rule(raw: RuleJson) -> Result<Rule, RuleError> {
    let names = match (raw.name, raw.names.unwrap_or_default()) {
        (Some(name), names) if names.is_empty() => vec![name],
        (Some(_), _) => return Err(RuleError::NameTwice),
        (None, names) => names,
    };
    let mut conditions = Vec::new();
    for arg in raw.args.unwrap_or_default() {
        conditions.push(condition(arg)?);
    }
    let mut rule = Rule::new(names, action(&raw.action, raw.errno_ret)?, conditions)?;
    rule.includes = raw.includes.map_or(Ok(Scope::default()), scope)?;
    rule.excludes = raw.excludes.map_or(Ok(Scope::default()), scope)?;
    Ok(rule)
}

/// Without an errno it is EPERM, for TRACE too, as in runc.
fn action(name: &str, errno: Option<u64>) -> Result<Action, RuleError> {
    let number = |highest: u16| match errno {
        None => Ok(libc::EPERM as u16),
        Some(errno) => u16::try_from(errno)
            .ok()
            .filter(|errno| *errno <= highest)
            .ok_or(RuleError::ErrnoTooHigh { errno, highest }),
    };
    let action = match name {
        "SCMP_ACT_ERRNO" => return number(Action::MAX_ERRNO).map(Action::Errno),
        "SCMP_ACT_TRACE" => return number(u16::MAX).map(Action::Trace),
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_NOTIFY" => return Err(RuleError::NotifyUnsupported),
        _ => {
            return Err(RuleError::UnknownAction { action: name.to_owned() });
        }
    };
    match errno {
        None => Ok(action),
        Some(_) => Err(RuleError::ErrnoUnused { action: name.to_owned() }),
    }
}

fn condition(raw: ArgJson) -> Result<Condition, RuleError> {
    let argument =
        u8::try_from(raw.index).map_err(|_| RuleError::ArgumentOutOfRange { index: raw.index })?;
    let second = raw.value_two.unwrap_or(0);
    let value = raw.value;
    let comparison = match raw.op.as_str() {
        "SCMP_CMP_MASKED_EQ" => Comparison::MaskedEqual { mask: value, value: second },
        "SCMP_CMP_NE" => Comparison::NotEqual(value),
        "SCMP_CMP_LT" => Comparison::Less(value),
        "SCMP_CMP_LE" => Comparison::LessOrEqual(value),
        "SCMP_CMP_EQ" => Comparison::Equal(value),
        "SCMP_CMP_GE" => Comparison::GreaterOrEqual(value),
        "SCMP_CMP_GT" => Comparison::Greater(value),
        _ => return Err(RuleError::UnknownComparison { op: raw.op }),
    };
    if second != 0 && !matches!(comparison, Comparison::MaskedEqual { .. }) {
        return Err(RuleError::SecondValueUnused { op: raw.op });
    }
    Ok(Condition { argument, comparison })
}

fn scope(raw: ScopeJson) -> Result<Scope, RuleError> {
    let mut scope = Scope::default();
    for name in raw.caps.unwrap_or_default() {
        let cap = CapSet::from_name(&name).ok_or(RuleError::UnknownCapability { name })?;
        scope.caps = scope.caps.with(cap);
    }
    for name in raw.arches.unwrap_or_default() {
        let arch = arch::from_filter_name(&name).ok_or(RuleError::UnknownArch { name })?;
        scope.arches.push(arch);
    }
    if let Some(version) = raw.min_kernel.filter(|version| !version.is_empty()) {
        let parsed = KernelVersion::parse(&version);
        scope.min_kernel = Some(parsed.ok_or(RuleError::BadKernelVersion { version })?);
    }
    Ok(scope)
}
