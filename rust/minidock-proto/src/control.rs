//! The conversation with a running supervisor, over the socket in the container's directory.
//!
//! FROZEN: several versions of minidock work on one store, so an engine may be older or newer
//! than the supervisor it talks to. Calls and replies are never renamed, fields are only added,
//! with a default; what a supervisor does not know it refuses with [`Reply::Unknown`]. The last
//! resort is always there: a pidfd of the supervisor and SIGKILL end everything of it.

use serde::{Deserialize, Serialize};

use crate::archive::{Copied, PathStat, Task};
use crate::channel::Fd;
use crate::process::{Process, WindowSize};
use crate::record::Exit;
use crate::request::{Failure, Stdio};

/// What a client asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum Call {
    /// How it is. Reply: [`Reply::Status`].
    Status,
    /// Send a signal to the container's init. Reply: [`Reply::Ok`].
    Kill {
        /// By number.
        signal: i32,
    },
    /// Ask it to stop, and kill it when it did not in time. Replies: [`Reply::Ok`] at once,
    /// [`Reply::Exited`] at the end.
    Stop {
        /// By number; `None` is the container's own.
        #[serde(default)]
        signal: Option<i32>,
        /// Milliseconds until SIGKILL.
        grace: u64,
    },
    /// Tell when it ends. Reply: [`Reply::Exited`].
    Wait,
    /// Connect to its standard streams. Replies: [`Reply::Ok`], then [`Reply::Exited`].
    Attach {
        /// The client's ends.
        stdio: Stdio,
    },
    /// Run another process in it. Replies: [`Reply::Started`], then [`Reply::Exited`].
    Exec {
        /// What.
        process: Box<Process>,
        /// The client's ends.
        stdio: Stdio,
        /// A pidfd; the process is killed when that one ends.
        #[serde(default)]
        owner: Option<Fd>,
        /// Keep what it starts apart from other processes, so that [`Call::EndAll`] and the
        /// time-out find all of it, daemons too.
        #[serde(default)]
        tracked: bool,
        /// Milliseconds after which a tracked process ends with all that it started.
        #[serde(default)]
        timeout: Option<u64>,
    },
    /// End the tracked process that this connection executed, with all that it started. Reply:
    /// its [`Reply::Exited`].
    EndAll,
    /// Change the size of the terminal of what this connection attached to or executed.
    Resize {
        /// To.
        size: WindowSize,
    },
    /// Give the ends of the streams and the ownership up; the process goes on.
    Detach,
    /// Send a signal to what this connection executed.
    Signal {
        /// By number.
        signal: i32,
    },
    /// The user namespace, to revive its holder. Reply: [`Reply::UserNamespace`].
    UserNamespace,
    /// Copy files in or out. It ends when this connection does.
    Archive {
        /// What exactly.
        task: Task,
    },
    /// A later version's call.
    #[serde(other)]
    Unknown,
}

/// What the supervisor says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// Done.
    Ok,
    /// How it is.
    Status(Status),
    /// The executed program runs.
    Started {
        /// Its pid inside the container.
        pid: i32,
    },
    /// The container, or what this connection executed, ended.
    Exited(Exit),
    /// The user namespace.
    UserNamespace {
        /// It.
        userns: Fd,
    },
    /// What is at a path.
    Path(PathStat),
    /// Files were copied.
    Copied(Copied),
    /// It did not work.
    Failed(Failure),
    /// A call that this supervisor does not know.
    Unknown,
}

/// A running container as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When it started, nanoseconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// How many executed processes run in it.
    pub executing: u32,
    /// [`crate::SPAWN_VERSION`] of the supervisor.
    pub version: u32,
}
