//! What a rule does with a call, and the number the kernel wants for it.
//!
//! Must not read profiles: the JSON names are matched here, the fields around them elsewhere.

/// The answer to one system call (`SECCOMP_RET_*`, seccomp(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ends the whole process with SIGSYS.
    KillProcess,
    /// Ends the calling thread with SIGSYS.
    KillThread,
    /// Sends SIGSYS, which the program may handle.
    Trap,
    /// The call fails with this errno, at most [`Action::MAX_ERRNO`].
    Errno(u16),
    /// The listener decides ([`super::load()`] with a listener).
    Notify,
    /// A ptracer decides; without one the call fails with ENOSYS.
    Trace(u16),
    /// The call runs and is written to the audit log.
    Log,
    /// The call runs.
    Allow,
}

impl Action {
    /// The highest errno that the kernel passes on unchanged (`MAX_ERRNO`).
    pub const MAX_ERRNO: u16 = 4095;

    /// The value a filter returns for it.
    #[must_use]
    pub const fn to_return_value(self) -> u32 {
        match self {
            Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
            Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
            Action::Trap => libc::SECCOMP_RET_TRAP,
            Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
            Action::Notify => libc::SECCOMP_RET_USER_NOTIF,
            Action::Trace(message) => libc::SECCOMP_RET_TRACE | message as u32,
            Action::Log => libc::SECCOMP_RET_LOG,
            Action::Allow => libc::SECCOMP_RET_ALLOW,
        }
    }

    /// Order of precedence as the kernel has it between several filters: higher wins.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Action::KillProcess => 7,
            Action::KillThread => 6,
            Action::Trap => 5,
            Action::Errno(_) => 4,
            Action::Notify => 3,
            Action::Trace(_) => 2,
            Action::Log => 1,
            Action::Allow => 0,
        }
    }

    /// Whether the call runs without anyone being asked.
    #[must_use]
    pub const fn lets_run(self) -> bool {
        matches!(self, Action::Allow | Action::Log)
    }

    /// Whether the call is refused without anyone being asked.
    #[must_use]
    pub const fn refuses(self) -> bool {
        self.severity() >= Action::Errno(0).severity()
    }
}
