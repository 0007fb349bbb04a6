//! `cargo xtask bench`: set-up and release build, then the bench program out of the stage as the
//! ordinary user, who is the one that waits. It judges no time: what did not work, and what was
//! left behind, are its only failures.

use std::time::Duration;

use crate::account::Account;
use crate::error::Error;
use crate::stream::stream;
use crate::workspace::{Workspace, cargo};
use crate::{artifacts, screen, setup, stage, strays};

/// The package and its program.
const PACKAGE: &str = "minidock-tests";
const PROGRAM: &str = "minidock-bench";
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Runs the benches whose name contains the filter, or all.
pub(crate) fn bench(filter: Option<&str>) -> Result<(), Error> {
    setup::setup(setup::Purpose::Test)?;
    let debian = setup::debian_base()?;
    let staged = artifacts::build(true)?;
    // It only waits for others: how it was built does not matter.
    cargo().args(["build", "--package", PACKAGE, "--bin", PROGRAM]).run()?;
    let program = staged.path("tests").join(PROGRAM);
    staged.install(&Workspace::read()?.target.join("debug").join(PROGRAM), &program)?;
    let account = Account::tester()?;
    let temporary = staged.temporary(&account)?;
    strays::adopt()?;

    screen::heading(&format!("bench, as {}", account.name));
    let mut command = account.command(&program);
    command.args(filter).current_dir(&temporary);
    command.env("TMPDIR", &temporary).env("MINIDOCK_TEST_BIN", staged.minidock());
    command.env("MINIDOCK_TEST_DEBIAN", &debian);
    let done = stream(command, LIMIT, true);
    let left = strays::end_all();
    stage::remove(&temporary)?;
    let problem = match (done?.code, left.first()) {
        (Some(0), None) => return Ok(()),
        (Some(0), Some(stray)) => format!("left behind: {}", stray.shown()),
        (Some(_), _) => "something did not work, see above".to_owned(),
        (None, _) => "a signal ended it".to_owned(),
    };
    Err(Error::Bench { problem })
}
