//! The settings of a container, complete: what the image says and what was asked for, merged.

use std::collections::{BTreeMap, BTreeSet};

use minidock_proto::Bytes;
use minidock_proto::process::Limit;
use serde::{Deserialize, Serialize};

use super::options::{MountOptions, NetworkMode, PublishedPort, SeccompOption};

/// What a container is started with, each time. Stored as `config.json` in its directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerConfig {
    /// The image as it was asked for.
    pub image: String,
    /// Program and arguments.
    pub args: Vec<Bytes>,
    /// How many of the arguments are the entrypoint.
    pub entrypoint_len: usize,
    /// The environment without what the runtime adds (PATH, HOME, TERM).
    pub env: Vec<Bytes>,
    /// Working directory.
    pub cwd: Bytes,
    /// `user[:group]`.
    pub user: String,
    /// Further groups.
    pub groups: Vec<String>,
    /// A terminal.
    pub tty: bool,
    /// Keep standard input open.
    pub stdin_open: bool,
    /// Host name inside.
    pub hostname: String,
    /// Mounts; anonymous volumes have their names here.
    pub mounts: Vec<MountOptions>,
    /// Names of volumes that were made for this container alone.
    pub anonymous_volumes: Vec<String>,
    /// Read-only root.
    pub read_only: bool,
    /// The network.
    pub network: NetworkMode,
    /// Published ports as asked for: a host port 0 is chosen at each start.
    pub ports: Vec<PublishedPort>,
    /// Exposed ports, `80/tcp` each.
    pub exposed: BTreeSet<String>,
    /// Capabilities, one bit per number.
    pub capabilities: u64,
    /// All capabilities, no filter, nothing masked.
    pub privileged: bool,
    /// The filter.
    pub seccomp: SeccompOption,
    /// setuid programs do not count.
    pub no_new_privileges: bool,
    /// Resource limits.
    pub limits: Vec<Limit>,
    /// A small init.
    pub init: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Number of the signal for `stop`.
    pub stop_signal: i32,
    /// Seconds that `stop` waits.
    pub stop_timeout: u32,
    /// Remove it when it ends.
    pub auto_remove: bool,
    /// Bytes of /dev/shm.
    pub shm_size: u64,
    /// Lines of /etc/hosts, `address name`.
    pub hosts: Vec<String>,
    /// The image has a health check, which is recorded and not run yet.
    pub has_healthcheck: bool,
    /// Ports of the host that the last start chose, in the order of `ports`.
    #[serde(default)]
    pub bound: Vec<u16>,
    /// Made to be started at once: if it never was, its maker died in between.
    #[serde(default)]
    pub started_at_once: bool,
    /// A user namespace of its own in any case.
    #[serde(default)]
    pub own_user_namespace: bool,
}
