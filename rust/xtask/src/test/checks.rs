//! The checks that run no test executable: tidy, formatting, the C header, lints, and the examples in the
//! documentation. Each but the last counts as one test.

use crate::account;
use crate::call::Call;
use crate::error::{self, Error};
use crate::workspace::cargo;
use crate::{header, screen, tidy};

use super::tally::Tally;

/// Rules of the tree, formatting, the C header, lints.
pub(super) fn lint(tally: &mut Tally) {
    screen::heading("tidy");
    count(tally, "tidy", tidy::tidy());
    screen::heading("formatting");
    count(tally, "formatting", call(&["fmt", "--all", "--check"]).run());
    screen::heading("header");
    count(tally, "header", header::check());
    screen::heading("lints");
    let lints = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    count(tally, "lints", call(&lints).run());
}

/// Examples run by the builder: rustdoc hands out no executables that another user could run.
pub(super) fn documentation(tally: &mut Tally) -> Result<(), Error> {
    screen::heading("documentation examples");
    let begun = std::time::Instant::now();
    let (success, text) = call(&["test", "--quiet", "--workspace", "--doc"]).answer()?;
    let text = String::from_utf8_lossy(&text);
    let failed = tally.executable("doc", Some(i32::from(!success)), &text, begun.elapsed());
    if failed {
        screen::raw(text.as_bytes());
    }
    Ok(())
}

fn call(arguments: &[&str]) -> Call {
    let call = cargo().args(arguments);
    // rustdoc's examples write where they may: root's own directory is not for them.
    if account::caller_is_root() { call.env("TMPDIR", "/var/tmp") } else { call }
}

fn count(tally: &mut Tally, name: &str, done: Result<(), Error>) {
    match done {
        Ok(()) => tally.pass(name),
        Err(error) => {
            let line = error::chain(&error);
            screen::problem(&line);
            tally.problem(name, &line);
        }
    }
}
