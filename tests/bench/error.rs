//! What can go wrong in a bench. A source is printed once, by [`Error::chain`], never inside its
//! parent's message.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

/// A bench that could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A program could not be started.
    #[error("`{call}` could not be started")]
    Start { call: String, source: io::Error },
    /// A program ended badly.
    #[error("`{call}` ended with {status}: {said}")]
    Failed { call: String, status: String, said: String },
    /// A program did something else than what is to be measured.
    #[error("`{call}` did not say \"{lacks}\", so that something else would be measured: {said}")]
    Unexpected { call: String, lacks: &'static str, said: String },
    /// A file operation.
    #[error("cannot {action} {}", .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// A file of /proc without a field that proc(5) describes.
    #[error("{} has no {field}", .path.display())]
    Field { path: PathBuf, field: &'static str },
    /// A process that should be there.
    #[error("there is no {role} among the processes of an idle container: {found}")]
    NoProcess { role: &'static str, found: String },
}

impl Error {
    /// The error and its sources on one line.
    pub(crate) fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line
    }
}

/// For `map_err`: names the action and the path of a failed file operation.
pub(crate) fn file(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { action, path, source }
}
