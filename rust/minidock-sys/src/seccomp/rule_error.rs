//! What can be wrong with one rule of a profile, and how to put it right.
//!
//! Must not say where in a file the rule is; [`super::ProfileError`] does.

use thiserror::Error;

/// Why a rule cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// Neither `names` nor `name`.
    #[error("it names no system call: give it \"names\"")]
    NoName,
    /// Both `names` and `name`.
    #[error("it has both \"name\" and \"names\": keep \"names\"")]
    NameTwice,
    /// A rule that restricts names a call that does not exist.
    #[error(
        "unknown system call {name:?}: a rule that restricts must be spelled right, as a misspelt one would restrict nothing; correct or remove the name"
    )]
    UnknownCall {
        /// The name.
        name: String,
    },
    /// Not an action.
    #[error(
        "unknown action {action:?}: use SCMP_ACT_ALLOW, _LOG, _TRACE, _ERRNO, _TRAP, _KILL_THREAD or _KILL_PROCESS"
    )]
    UnknownAction {
        /// The text.
        action: String,
    },
    /// SCMP_ACT_NOTIFY in a file.
    #[error(
        "SCMP_ACT_NOTIFY is not supported in profile files: nobody would answer; use SCMP_ACT_ERRNO"
    )]
    NotifyUnsupported,
    /// An errno for an action that returns none.
    #[error("errnoRet goes with SCMP_ACT_ERRNO and SCMP_ACT_TRACE only: remove it from {action}")]
    ErrnoUnused {
        /// The action.
        action: String,
    },
    /// An errno the kernel would change.
    #[error("errnoRet {errno} is out of range: the highest is {highest}")]
    ErrnoTooHigh {
        /// The number.
        errno: u64,
        /// The highest accepted.
        highest: u16,
    },
    /// Not an argument number.
    #[error("a condition is on argument {index}: system calls have arguments 0 to 5")]
    ArgumentOutOfRange {
        /// The number.
        index: u64,
    },
    /// Two conditions on one argument.
    #[error(
        "two conditions on argument {index}: runc takes these as alternatives, others as both; write one rule for each alternative"
    )]
    ArgumentTwice {
        /// The number.
        index: u8,
    },
    /// Not a comparison.
    #[error("unknown comparison {op:?}: use SCMP_CMP_NE, _LT, _LE, _EQ, _GE, _GT or _MASKED_EQ")]
    UnknownComparison {
        /// The text.
        op: String,
    },
    /// A second value that no comparison would look at.
    #[error("valueTwo goes with SCMP_CMP_MASKED_EQ only: remove it from {op}")]
    SecondValueUnused {
        /// The comparison.
        op: String,
    },
    /// Not a capability.
    #[error("unknown capability {name:?}: names are written as CAP_SYS_ADMIN")]
    UnknownCapability {
        /// The name.
        name: String,
    },
    /// Not an architecture.
    #[error(
        "unknown architecture {name:?} in \"arches\": names are written as amd64, x86, arm64, arm, riscv64"
    )]
    UnknownArch {
        /// The name.
        name: String,
    },
    /// Not a version.
    #[error("minKernel {version:?} is no kernel version: write it as 5.13")]
    BadKernelVersion {
        /// The text.
        version: String,
    },
}
