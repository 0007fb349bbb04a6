//! Files that a supervisor leaves in the container's directory.
//!
//! A container is alive exactly while its supervisor holds the lock on [`LOCK`]; the records say
//! the rest. They are written to a temporary name and renamed, and name the machine and the boot
//! they belong to: another machine's are never touched.

use serde::{Deserialize, Serialize};

/// Held by the supervisor for as long as it lives.
pub const LOCK: &str = "lock";
/// The control socket of the supervisor.
pub const SOCKET: &str = "socket";
/// [`State`] as JSON.
pub const STATE: &str = "state.json";
/// [`Exit`] as JSON.
pub const EXIT: &str = "exit.json";
/// Output of the container (see [`crate::log`]).
pub const LOG: &str = "log";
/// The network helper that was started for the container.
pub const NETWORK_HELPER: &str = "network-helper.json";
/// The writable layer.
pub const UPPER: &str = "upper";
/// overlayfs' own directory.
pub const WORK: &str = "work";

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `/proc/sys/kernel/random/boot_id` of the boot it runs in.
    pub boot_id: String,
    /// When the program started, nanoseconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// The name of its mapping ([`crate::mapping::Mapping::name`]).
    pub mapping: String,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit status as a shell shows it: the program's own, or 128 + signal.
    pub code: i32,
    /// When it started, nanoseconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// When it ended, nanoseconds since 1970-01-01 UTC.
    pub finished_at: i64,
    /// What kept it from starting, if it never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its time was up (executed processes with a time-out).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
}
