//! What can go wrong in a chore. A message names what, where and what to do; a source is printed
//! once, by [`chain`], never inside its parent's message.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

/// A chore that could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A program could not be started at all.
    #[error("`{program}` could not be started")]
    Start { program: String, source: io::Error },
    /// A program ended badly.
    #[error("`{call}` ended with {status}{}", detail(.stderr))]
    Failed { call: String, status: String, stderr: String },
    /// A program did not end in time.
    #[error("`{call}` was killed after {seconds} s")]
    TimedOut { call: String, seconds: u64 },
    /// A file operation.
    #[error("cannot {action} {}", .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// A program answered with something other than its documented format.
    #[error("`{call}` printed JSON that cannot be read")]
    Json { call: String, source: serde_json::Error },
    /// A program's answer lacks a field it is documented to have.
    #[error("`{call}` printed no {field}")]
    Missing { call: String, field: &'static str },
    /// An account that set-up should have made.
    #[error("there is no user `{name}` on this host: run `cargo xtask setup` as root")]
    NoAccount { name: String },
    /// A directory in a shared place belongs to somebody else.
    #[error(
        "{} is not a directory of uid {uid} that it alone can write: remove it, it is made afresh",
        .path.display()
    )]
    Untrusted { path: PathBuf, uid: u32 },
    /// A file that should be a static executable is not.
    #[error("{}: {problem}", .path.display())]
    Executable { path: PathBuf, problem: &'static str },
    /// The C header cannot be made, or is not what was committed.
    #[error("{}: {problem}", .path.display())]
    Header { path: PathBuf, problem: String },
    /// Set-up needs a package manager that it knows.
    #[error(
        "this host has no dpkg and apt-get: install the equivalents of these Debian packages by \
         hand: {packages}"
    )]
    NotDebian { packages: String },
    /// The host lacks something that a suite cannot do without.
    #[error("this host lacks what the tests need: {names}")]
    Incapable { names: String },
    /// `--suite` names nothing.
    #[error("there is no suite `{name}`; there are: {known}")]
    NoSuite { name: String, known: String },
    /// A filter that selects nothing would pass vacuously.
    #[error("no test is named like `{filter}`")]
    NothingMatched { filter: String },
    /// Findings of `tidy`.
    #[error("{count} findings, each with its mend above")]
    Untidy { count: usize },
    /// Some tests failed; they were named before.
    #[error("the tests failed, see the summary above")]
    TestsFailed,
    /// A step of the demo did not do what it should.
    #[error("demo: `{step}`: {problem}")]
    Demo { step: String, problem: String },
    /// A bench that could not be measured.
    #[error("bench: {problem}")]
    Bench { problem: String },
    /// A setting of the host that a verb needs otherwise.
    #[error("{what}: {mend}")]
    Host { what: String, mend: String },
}

fn detail(stderr: &str) -> String {
    let text = stderr.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// For `map_err`: names the action and the path of a failed file operation.
pub(crate) fn file(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { action, path, source }
}

/// The error and its sources on one line.
pub(crate) fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
