//! What a caller may ask of a container. Values with defaults; nothing is read here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use minidock_proto::Bytes;
use minidock_proto::process::{Limit, WindowSize};
use minidock_proto::request::Protocol;
use serde::{Deserialize, Serialize};

use crate::store::ContainerName;

/// A container to be made. What is `None` or empty comes from the image, then from docker's
/// defaults.
///
/// ```
/// use minidock::container::ContainerOptions;
/// let options = ContainerOptions {
///     command: vec!["echo".into(), "hello".into()],
///     ..ContainerOptions::new("busybox")
/// };
/// assert_eq!(options.image, "busybox");
/// ```
#[derive(Debug, Clone, Default)]
pub struct ContainerOptions {
    /// A reference or the id of an image.
    pub image: String,
    /// Arguments after the image; they replace the image's CMD.
    pub command: Vec<Bytes>,
    /// Replaces the image's ENTRYPOINT and drops its CMD; an empty list means none at all.
    pub entrypoint: Option<Vec<Bytes>>,
    /// A name; a random one without.
    pub name: Option<ContainerName>,
    /// Host name inside; the short id without.
    pub hostname: Option<String>,
    /// `NAME=value`, on top of the image's.
    pub env: Vec<Bytes>,
    /// Working directory.
    pub workdir: Option<Bytes>,
    /// `user[:group]`, names or numbers.
    pub user: Option<String>,
    /// Further groups.
    pub groups: Vec<String>,
    /// A terminal.
    pub tty: bool,
    /// Its size at first.
    pub window: Option<WindowSize>,
    /// Keep standard input open.
    pub stdin_open: bool,
    /// Volumes, binds and tmpfs.
    pub mounts: Vec<MountOptions>,
    /// Mount the root file system read-only.
    pub read_only: bool,
    /// The network.
    pub network: NetworkMode,
    /// Published ports.
    pub ports: Vec<PublishedPort>,
    /// Publish every exposed port at a random port of the host.
    pub publish_all: bool,
    /// Further exposed ports, `80/tcp` each.
    pub expose: Vec<String>,
    /// Capabilities on top of docker's default, `NET_ADMIN` or `CAP_NET_ADMIN`; `ALL` for all.
    pub cap_add: Vec<String>,
    /// Capabilities taken from it; `ALL` for all.
    pub cap_drop: Vec<String>,
    /// All capabilities, no filter, nothing masked; in a user namespace of its own.
    pub privileged: bool,
    /// The seccomp filter.
    pub seccomp: SeccompOption,
    /// setuid programs and file capabilities do not count.
    pub no_new_privileges: bool,
    /// Resource limits.
    pub limits: Vec<Limit>,
    /// Run a small init that reaps and forwards signals.
    pub init: bool,
    /// Labels on top of the image's.
    pub labels: BTreeMap<String, String>,
    /// The signal for `stop`, a name or number.
    pub stop_signal: Option<String>,
    /// Seconds that `stop` waits before it kills; docker's 10 without.
    pub stop_timeout: Option<u32>,
    /// Remove the container when it ends.
    pub auto_remove: bool,
    /// Size of /dev/shm in bytes; docker's 64 MiB without.
    pub shm_size: Option<u64>,
    /// Further lines of /etc/hosts, `name:address`.
    pub extra_hosts: Vec<String>,
    /// A user namespace of its own even where nothing else asks for one: limits that the kernel
    /// counts for each user, as that of processes, then count this container alone.
    pub own_user_namespace: bool,
    /// No program at first: the container waits for executed processes until it is ended.
    pub idle: bool,
}

impl ContainerOptions {
    /// A container of this image with defaults.
    #[must_use]
    pub fn new(image: impl Into<String>) -> Self {
        Self { image: image.into(), ..Self::default() }
    }
}

/// Which network a container has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// A network of its own with a way out, through pasta or slirp4netns.
    #[default]
    Private,
    /// Loopback alone.
    None,
    /// The host's network as it is.
    Host,
}

/// A port of the host that leads to one of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Address of the host; docker's 0.0.0.0 without.
    pub address: Option<IpAddr>,
    /// Port of the host; 0 for any free one.
    pub host: u16,
    /// Port inside.
    pub container: u16,
    /// Which protocol.
    pub protocol: Protocol,
}

/// A mount inside the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOptions {
    /// Absolute path inside.
    pub target: Bytes,
    /// What is mounted.
    pub kind: MountKind,
    /// No writes.
    pub read_only: bool,
}

/// Kinds of mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A file or directory of the host.
    Bind {
        /// Absolute path.
        source: PathBuf,
        /// Make a missing directory, as `-v` does and `--mount` does not.
        create: bool,
    },
    /// A volume of the store, made when it is not there.
    Volume {
        /// Its name; an anonymous one without.
        name: Option<String>,
        /// Leave an empty volume empty instead of filling it from the image.
        no_copy: bool,
    },
    /// An empty tmpfs.
    Tmpfs {
        /// Size in bytes.
        size: Option<u64>,
        /// The most files and directories in it.
        #[serde(default)]
        inodes: Option<u64>,
        /// Mode of its root.
        mode: Option<u32>,
        /// Programs in it may be executed.
        exec: bool,
    },
}

/// The seccomp filter of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeccompOption {
    /// minidock's own allow-list.
    #[default]
    Default,
    /// No filter; the container gets a user namespace of its own.
    Unconfined,
    /// A profile in docker's JSON format, its text.
    Profile(String),
}
