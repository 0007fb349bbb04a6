//! `cargo xtask test`: set-up, build, checks, unit tests, then the black-box suites over what was
//! built. Executables are compiled by the caller and run by an ordinary user out of the stage.
//! Nothing is skipped quietly: an ignored test and a stray process are failures.

mod checks;
mod executables;
mod python;
mod tally;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::account::Account;
use crate::error::Error;
use crate::stage::Stage;
use crate::stream::stream;
use crate::workspace::Workspace;
use crate::{artifacts, fuzz, host, screen, setup, stage, strays};
use executables::{Executable, Kind};
use tally::Tally;

/// The package of the black-box suites.
const SUITES: &str = "minidock-tests";
/// The suite that goes through every face.
const FACES: &str = "faces";
/// The suite that runs as a user with a single id.
const SINGLE_ID: &str = "single_id";
/// The suite of the Python package.
const PYTHON_SUITE: &str = "python";
/// What one executable may take.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What to run.
#[derive(Clone, Copy, PartialEq)]
enum Scope<'a> {
    Everything,
    Lint,
    Unit,
    Doc,
    Python,
    Fuzz,
    Suite(&'a str),
}

/// Runs the tests and prints the summary, whose last line is `N passed, N failed`.
pub(crate) fn test(suite: Option<&str>, filter: Option<&str>) -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let scope = scope(&workspace, suite)?;
    let mut tally = Tally::default();
    let everything = scope == Scope::Everything;
    let runs_code = scope != Scope::Lint && scope != Scope::Doc;
    let runs_executables = runs_code && scope != Scope::Fuzz;
    if runs_code {
        setup::setup(setup::Purpose::Test)?;
        host::require(&Account::tester()?)?;
    }
    if (everything && filter.is_none()) || scope == Scope::Lint {
        checks::lint(&mut tally);
    }
    if runs_executables {
        let stage = artifacts::build(false)?;
        artifacts::build_library(&stage)?;
        strays::adopt()?;
        if everything || matches!(scope, Scope::Python | Scope::Suite(FACES)) {
            python::install(&stage)?;
        }
        if scope != Scope::Python {
            run_executables(scope, &stage, filter, &mut tally)?;
        }
        if everything || scope == Scope::Python {
            python::run(&stage, filter, &mut tally)?;
        }
    }
    if (everything && filter.is_none()) || scope == Scope::Fuzz {
        for report in fuzz::run(&Stage::open()?, filter, fuzz::SUITE_SECONDS, false)? {
            tally.fuzzed(&report);
        }
    }
    if (everything && filter.is_none()) || scope == Scope::Doc {
        checks::documentation(&mut tally)?;
    }
    match filter {
        Some(filter) if tally.is_empty() => {
            Err(Error::NothingMatched { filter: filter.to_owned() })
        }
        _ => tally.finish(),
    }
}

fn run_executables(
    scope: Scope<'_>,
    stage: &Stage,
    filter: Option<&str>,
    tally: &mut Tally,
) -> Result<(), Error> {
    match executables::compile(scope)? {
        Some(found) => {
            let runner = Runner { stage, debian: setup::debian_base()?, filter };
            found.iter().try_for_each(|each| runner.run(each, tally))?;
        }
        None => tally.problem("test executables", "they do not compile, see above"),
    }
    Ok(())
}

fn scope<'a>(workspace: &Workspace, suite: Option<&'a str>) -> Result<Scope<'a>, Error> {
    let suites = workspace.test_targets(SUITES);
    match suite {
        None => Ok(Scope::Everything),
        Some("lint") => Ok(Scope::Lint),
        Some("unit") => Ok(Scope::Unit),
        Some("doc") => Ok(Scope::Doc),
        Some("fuzz") => Ok(Scope::Fuzz),
        Some(PYTHON_SUITE) => Ok(Scope::Python),
        Some(name) if suites.iter().any(|each| each == name) => Ok(Scope::Suite(name)),
        Some(name) => {
            let known = format!("lint, unit, doc, fuzz, {PYTHON_SUITE}, {}", suites.join(", "));
            Err(Error::NoSuite { name: name.to_owned(), known })
        }
    }
}

struct Runner<'a> {
    stage: &'a Stage,
    debian: PathBuf,
    filter: Option<&'a str>,
}

impl Runner<'_> {
    fn run(&self, executable: &Executable, tally: &mut Tally) -> Result<(), Error> {
        let account = match executable.name.as_str() {
            SINGLE_ID if executable.kind == Kind::Suite => Account::single_id()?,
            _ => Account::tester()?,
        };
        let name = executable.title();
        let staged = self.stage.path("tests").join(name.replace(' ', "-"));
        self.stage.install(&executable.path, &staged)?;
        let sources = self.stage.mirror(&executable.package_dir, &executable.package)?;
        let temporary = self.stage.temporary(&account)?;
        let command = self.command(&account, &staged, &sources, &temporary);
        let shows = executable.kind == Kind::Suite;
        if shows {
            screen::heading(&format!("{name}, as {}", account.name));
        }
        match stream(command, LIMIT, shows) {
            Ok(done) => {
                let failed = tally.executable(&name, done.code, &done.text, done.took);
                if failed && !shows {
                    screen::heading(&name);
                    screen::raw(done.text.as_bytes());
                }
                if done.held {
                    tally.problem(&name, "a process that outlived it held its output open");
                }
            }
            Err(error @ Error::TimedOut { .. }) => tally.problem(&name, &error.to_string()),
            Err(error) => return Err(error),
        }
        for stray in strays::end_all() {
            tally.problem(&name, &format!("left behind: {}", stray.shown()));
        }
        for file in stage::entries(&temporary)? {
            tally.problem(&name, &format!("left behind in TMPDIR: {file}"));
        }
        Ok(())
    }

    fn command(
        &self,
        account: &Account,
        staged: &Path,
        sources: &Path,
        temporary: &Path,
    ) -> Command {
        let mut command = account.command(staged);
        command
            .current_dir(sources)
            .env("CARGO_MANIFEST_DIR", sources)
            .env("TMPDIR", temporary)
            .env("MINIDOCK_TEST_BIN", self.stage.minidock())
            .env("MINIDOCK_TEST_PYTHON", python::program(self.stage))
            .env("MINIDOCK_TEST_DEBIAN", &self.debian)
            .env("RUST_BACKTRACE", "0");
        if let Some(filter) = self.filter {
            command.arg(filter);
        }
        command
    }
}
