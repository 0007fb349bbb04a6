//! The only place that writes to the terminal. Results go to stdout, problems to stderr.

use std::io::{self, Write};

/// One line of result.
pub(crate) fn say(text: &str) {
    put(text.as_bytes());
    put(b"\n");
}

/// A heading above what follows.
pub(crate) fn heading(text: &str) {
    say(&format!("== {text}"));
}

/// Bytes as a program printed them.
pub(crate) fn raw(bytes: &[u8]) {
    put(bytes);
}

/// A problem, on stderr.
pub(crate) fn problem(text: &str) {
    let written = writeln!(io::stderr().lock(), "xtask: {text}");
    // Without a stderr nobody is left to tell; the exit status still says it.
    drop(written);
}

fn put(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    // A reader that went away (`| head`) does not stop a chore half way.
    drop(written);
}
