//! Owns the one error type of the engine: a kind for programs, a line for people, a hint apart.
//!
//! Must not know any component; components add kinds (`kind.rs`) only when a caller can act on them.

mod kind;

pub use kind::{ErrorKind, Face};

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use minidock_image::reference::ReferenceError;
use rustix::io::Errno;

/// An error of the engine. [`fmt::Display`] prints one line without the cause, which
/// [`StdError::source`] gives; [`Error::one_line`] joins both.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    excerpt: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; control characters in the message are escaped.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        let message = printable(message.as_ref());
        Self(Box::new(Inner { kind, message, excerpt: None, hint: None, source: None }))
    }

    /// A failed system call: `doing` says what could not be done, the errno decides the kind.
    pub fn io(doing: impl AsRef<str>, cause: impl Into<std::io::Error>) -> Self {
        let cause = cause.into();
        let errno = Errno::from_io_error(&cause);
        let mut error = Self::new(errno.map_or(ErrorKind::Io, kind_of_errno), doing);
        error.0.hint = errno.and_then(hint_of_errno).map(str::to_owned);
        error.0.source = Some(Box::new(cause));
        error
    }

    /// As [`Error::io`], for one path: "cannot open /x".
    pub fn at(verb: &str, path: &Path, cause: impl Into<std::io::Error>) -> Self {
        Self::io(format!("cannot {verb} {}", path.display()), cause)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.0.hint = Some(printable(hint.as_ref()));
        self
    }

    /// Adds the lines of the user's file that the error is about.
    #[must_use]
    pub fn with_excerpt(mut self, lines: impl AsRef<str>) -> Self {
        let lines = lines.as_ref().lines();
        self.0.excerpt = Some(lines.map(|line| printable(line) + "\n").collect());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Lines of the user's file that the error is about, each with its line end: to be shown
    /// below the message.
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The message and its causes on one line, for a log or a terminal.
    pub fn one_line(&self) -> String {
        let mut line = self.0.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&printable(&error.to_string()));
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The kind a bare errno stands for. `EFBIG` is a file size limit, which a user meets as
/// "no more room" too.
pub(crate) fn kind_of_errno(errno: Errno) -> ErrorKind {
    match errno {
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => ErrorKind::NoSpace,
        Errno::ACCESS | Errno::PERM => ErrorKind::Permission,
        Errno::ROFS => ErrorKind::ReadOnly,
        Errno::NAMETOOLONG => ErrorKind::InvalidInput,
        Errno::OPNOTSUPP | Errno::NOSYS => ErrorKind::HostUnsupported,
        _ => ErrorKind::Io,
    }
}

fn hint_of_errno(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::NOSPC => Some("free space or inodes, or run `minidock system prune`"),
        Errno::DQUOT => Some("the disk quota is used up; run `minidock system prune`"),
        Errno::FBIG => Some("the file size limit of this process is reached (`ulimit -f`)"),
        Errno::MFILE => Some("raise the limit of open files (`ulimit -n`)"),
        _ => None,
    }
}

/// One line, safe on a terminal: control characters are escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// A value the user gave, quoted, escaped, and cut to a length that fits one line.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
    }
}

/// A name of an image that cannot be read.
///
/// ```
/// fn named(text: &str) -> minidock::Result<minidock::Reference> {
///     Ok(text.parse::<minidock::Reference>()?)
/// }
/// assert_eq!(named("UPPER").unwrap_err().kind(), minidock::ErrorKind::InvalidInput);
/// ```
impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        Self::new(ErrorKind::InvalidInput, error.to_string())
            .with_hint("write [HOST[:PORT]/]NAME[:TAG], as web:1.0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_decides_the_kind() {
        for (errno, kind) in [
            (Errno::NOSPC, ErrorKind::NoSpace),
            (Errno::DQUOT, ErrorKind::NoSpace),
            (Errno::FBIG, ErrorKind::NoSpace),
            (Errno::ACCESS, ErrorKind::Permission),
            (Errno::ROFS, ErrorKind::ReadOnly),
            (Errno::IO, ErrorKind::Io),
        ] {
            assert_eq!(Error::at("write", Path::new("/x"), errno).kind(), kind, "{errno:?}");
        }
    }

    #[test]
    fn the_cause_is_not_in_the_message() {
        let error = Error::at("write", Path::new("/x"), Errno::NOSPC);
        assert_eq!(error.to_string(), "cannot write /x");
        assert!(error.one_line().starts_with("cannot write /x: No space left on device"));
        assert!(error.hint().is_some());
    }

    #[test]
    fn messages_are_one_line() {
        let error = Error::new(ErrorKind::InvalidInput, "a\nb\u{1b}[0m");
        assert_eq!(error.to_string(), "a\\nb\\u{1b}[0m");
        assert!(quoted(&"é".repeat(5000)).len() < 300);
    }
}
