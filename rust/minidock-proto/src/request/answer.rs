//! What a runtime answers to a request.

use serde::{Deserialize, Serialize};

use crate::archive::Change;
use crate::channel::Fd;

/// What a runtime answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The namespace is held and the listener served.
    Held,
    /// The container's program runs.
    Started(Started),
    /// The container ended.
    Exited(crate::record::Exit),
    /// A layer was made.
    Layer(Layer),
    /// Files were read.
    Read {
        /// How many paths matched.
        matched: u64,
    },
    /// The network is up.
    Network {
        /// Its namespace.
        netns: Fd,
        /// Lines for /etc/resolv.conf inside.
        resolv: Vec<String>,
    },
    /// Changes of a container.
    Changes {
        /// Some of them, in order.
        changes: Vec<Change>,
        /// Whether others follow.
        more: bool,
    },
    /// Done.
    Done,
    /// What the host can do.
    Probed(Probed),
    /// It failed; nothing is left behind.
    Failed(Failure),
}

/// A container that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// When, nanoseconds since 1970-01-01 UTC.
    pub started_at: i64,
}

/// Facts about a layer that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Entries in its index.
    pub entries: u64,
    /// Bytes of its files.
    pub size: u64,
    /// Entries whose owner the mapping cannot represent in the tree; the index has it.
    pub flattened: u64,
    /// Device nodes that exist only in the index.
    pub devices: u64,
}

/// What the runtime found by trying.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// overlayfs with `userxattr` on the store's file system: why not.
    pub overlay: Option<String>,
    /// A fresh procfs: why not.
    pub procfs: Option<String>,
    /// A network namespace: why not.
    pub network: Option<String>,
    /// /dev/net/tun opens: why not.
    pub tun: Option<String>,
    /// A seccomp filter loads: why not.
    pub seccomp: Option<String>,
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For the exit status and the error class.
    pub kind: FailureKind,
    /// One line: what, where, why.
    pub message: String,
    /// How to fix it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Classes of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The program is not in the container (exit status 127).
    CommandNotFound,
    /// The program cannot be executed (exit status 126).
    CommandNotExecutable,
    /// Something asked for does not exist.
    NotFound,
    /// The input is wrong: an unknown user, a bad path, an archive that lies.
    InvalidInput,
    /// This host cannot do it.
    HostUnsupported,
    /// The disk or a quota is full.
    NoSpace,
    /// It is in use or in the wrong state.
    Conflict,
    /// Stored data is damaged.
    Corrupt,
    /// Any other refusal of the system.
    System,
}
