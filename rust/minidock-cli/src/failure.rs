//! What goes wrong in a command, and which exit status that has.
//!
//! Prints nothing; `output.rs` does.

use std::io;

use minidock::ErrorKind;

use crate::template::TemplateError;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine refused or failed.
    #[error("{}", source.one_line())]
    Engine {
        /// How.
        source: minidock::Error,
    },
    /// The command line cannot be understood.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Something of the command line's own did not work.
    #[error("{message}")]
    Refused {
        /// What.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A file, a terminal or a pipe failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// How it failed.
        source: io::Error,
    },
    /// A template of `--format` cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The reader of our output went away, which is no failure.
    #[error("the reader of the output is gone")]
    BrokenPipe,
    /// Everything was said already, object by object.
    #[error("some of it failed")]
    Told,
}

/// The result of a part of a command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<minidock::Error> for Failure {
    fn from(source: minidock::Error) -> Self {
        Self::Engine { source }
    }
}

/// How a command relates its failures to exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statuses {
    /// `run`, `exec` and `start -a`: 125 to 127 are ours, the rest is the program's.
    OfProgram,
    /// All others: 1, and 2 for the usage.
    Plain,
}

impl Failure {
    /// A usage error.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// A refusal.
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: Some(hint.into()) }
    }

    /// A failure of input or output.
    pub(crate) fn io(doing: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { doing: doing.into(), source: source.into() }
    }

    /// A failure of our own output: a reader that went away is no failure.
    pub(crate) fn output(source: impl Into<io::Error>) -> Self {
        let source = source.into();
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::io("cannot write the output", source),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Engine { source } => source.hint(),
            Self::Usage { hint, .. } | Self::Refused { hint, .. } => hint.as_deref(),
            Self::Template(TemplateError::Function { .. }) => Some(
                "there are json, join, split, index, len, upper, lower, title, pad, truncate, print, \
                 printf, println, and, or, not, eq, ne, lt, le, gt, ge",
            ),
            _ => None,
        }
    }

    /// The exit status.
    pub(crate) fn status(&self, statuses: Statuses) -> u8 {
        match (self, statuses) {
            (Self::BrokenPipe, _) => 0,
            (Self::Engine { source }, Statuses::OfProgram) => source.kind().face().run_status,
            (Self::Engine { source }, Statuses::Plain) => source.kind().face().status,
            (_, Statuses::OfProgram) => 125,
            (Self::Usage { .. } | Self::Template(_), Statuses::Plain) => 2,
            (_, Statuses::Plain) => 1,
        }
    }

    /// Whether a named object was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Engine { source } if source.kind() == ErrorKind::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_docker_s() {
        let engine = |kind| Failure::from(minidock::Error::new(kind, "x"));
        for (failure, of_program, plain) in [
            (engine(ErrorKind::CommandNotFound), 127, 1),
            (engine(ErrorKind::CommandNotExecutable), 126, 1),
            (engine(ErrorKind::NotFound), 125, 1),
            (Failure::usage("x", "y"), 125, 2),
            (Failure::refused("x", "y"), 125, 1),
            (Failure::BrokenPipe, 0, 0),
            (Failure::Told, 125, 1),
        ] {
            assert_eq!(failure.status(Statuses::OfProgram), of_program, "{failure:?}");
            assert_eq!(failure.status(Statuses::Plain), plain, "{failure:?}");
        }
    }
}
