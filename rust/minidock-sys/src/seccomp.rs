//! Seccomp filters: a profile in docker's form, the default profile, and a compiler of our own
//! from profiles to classic BPF.
//!
//! ```
//! use minidock_sys::seccomp::{Arch, CapSet, KernelVersion, Profile, compile};
//!
//! let kernel = KernelVersion { major: 6, minor: 12 };
//! let program = compile(&Profile::default_profile(), CapSet::EMPTY, Arch::X86_64, kernel)?;
//! assert!(program.instructions().len() < 1000);
//! # Ok::<(), minidock_sys::seccomp::CompileError>(())
//! ```
//!
//! What the compiler promises: all 64 bits of an argument are compared; the most restrictive of
//! the matching rules wins; a call that nobody here knows fails with ENOSYS; the same input gives
//! the same program. Only [`load()`] makes a system call that changes anything.
//!
//! It must not read files, fork, or decide when a filter is loaded.

mod action;
mod arch;
mod bpf;
mod capability;
mod compile;
mod condition;
mod default_profile;
mod json;
mod kernel;
mod load;
mod profile;
mod program;
mod rule_error;
pub mod table;

pub use action::Action;
pub use arch::Arch;
pub use capability::CapSet;
pub use compile::{CompileError, compile};
pub use json::ProfileError;
pub use kernel::KernelVersion;
pub use load::{LoadError, LoadFlags, load};
pub use profile::{Comparison, Condition, Profile, Rule};
pub use program::{Program, ProgramError, SockFilter};
pub use rule_error::RuleError;
