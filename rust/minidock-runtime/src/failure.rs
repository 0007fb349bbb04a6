//! How a verb fails: a [`Failure`] with one line of what, where and why.

use std::io;

use minidock_proto::request::{Failure, FailureKind};

/// Result of everything in the runtime.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A failure of this kind.
pub(crate) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into(), hint: None }
}

/// A failure with a line that says how to mend it.
pub(crate) fn failure_with_hint(
    kind: FailureKind,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Failure {
    Failure { kind, message: message.into(), hint: Some(hint.into()) }
}

/// Puts what was being done in front of an error of the system.
pub(crate) trait Context<T> {
    /// `what` reads like "mount the overlay".
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            failure(kind_of(&error), format!("cannot {}: {error}", what()))
        })
    }
}

/// The class of an error of the system.
pub(crate) fn kind_of(error: &io::Error) -> FailureKind {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => FailureKind::NoSpace,
        Some(libc::ENOENT) => FailureKind::NotFound,
        _ => FailureKind::System,
    }
}

/// A message that does not fit the protocol.
pub(crate) fn protocol(error: minidock_proto::ChannelError) -> Failure {
    failure(FailureKind::System, format!("the engine's request is broken: {error}"))
}
