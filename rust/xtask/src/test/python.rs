//! The suite of the Python package: a wheel of what was built, installed in an environment that
//! the test user can read, and pytest over its tests. They print their results as libtest does
//! (python/tests/conftest.py), so that they are counted in the same way.

use std::path::PathBuf;

use super::tally::Tally;
use super::{LIMIT, PYTHON_SUITE};
use crate::account::Account;
use crate::error::Error;
use crate::stage::{self, Stage};
use crate::stream::stream;
use crate::workspace::Workspace;
use crate::{screen, strays, wheel};

/// Where in the stage.
const ENVIRONMENT: &str = "python";
/// What the tests use beside the package.
const PACKAGES: &[&str] = &["pytest==9.2.0", "mypy==2.4.1", "tqdm==4.70.1", "rich==15.0.0"];

/// Builds the package and installs it where the test user can read it.
pub(super) fn install(stage: &Stage) -> Result<(), Error> {
    let workspace = Workspace::read()?;
    screen::heading("build the Python package");
    let environment = stage.path(ENVIRONMENT);
    wheel::environment(&environment, PACKAGES)?;
    let wheel = wheel::for_tests(&workspace, stage)?;
    wheel::pip(&environment).args(["--no-deps", "--force-reinstall"]).arg(&wheel).run()
}

/// The Python that has the package.
pub(super) fn program(stage: &Stage) -> PathBuf {
    stage.path(ENVIRONMENT).join("bin/python")
}

/// Tests the package that was installed.
pub(super) fn run(stage: &Stage, filter: Option<&str>, tally: &mut Tally) -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let account = Account::tester()?;
    let tests = stage.mirror(&workspace.root.join("python/tests"), "python-tests")?;
    let temporary = stage.temporary(&account)?;
    let mut command = account.command(program(stage));
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."])
        .current_dir(&tests)
        .env("TMPDIR", &temporary)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(filter) = filter {
        command.args(["-k", filter]);
    }
    screen::heading(&format!("{PYTHON_SUITE}, as {}", account.name));
    match stream(command, LIMIT, true) {
        Ok(done) => {
            tally.executable(PYTHON_SUITE, done.code, &done.text, done.took);
            if done.held {
                tally.problem(PYTHON_SUITE, "a process that outlived it held its output open");
            }
        }
        Err(error @ Error::TimedOut { .. }) => tally.problem(PYTHON_SUITE, &error.to_string()),
        Err(error) => return Err(error),
    }
    for stray in strays::end_all() {
        tally.problem(PYTHON_SUITE, &format!("left behind: {}", stray.shown()));
    }
    for file in stage::entries(&temporary)? {
        // pytest keeps the directories of its last runs.
        if !file.starts_with("pytest-of-") {
            tally.problem(PYTHON_SUITE, &format!("left behind in TMPDIR: {file}"));
        }
    }
    Ok(())
}
