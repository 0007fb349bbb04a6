//! A terminal as a reader of the demo sees it: the command after a `$`, then what it printed.
//! Each result carries its step, so that a surprise names it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::flask::PACKAGE_INDEX;
use super::problem;
use crate::account::Account;
use crate::error::Error;
use crate::screen;
use crate::stage::Stage;
use crate::stream::stream;

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Where the commands of the demo run.
pub(super) struct Terminal<'a> {
    account: &'a Account,
    stage: &'a Stage,
    home: PathBuf,
    context: PathBuf,
}

/// What a command printed.
pub(super) struct Shown {
    step: String,
    text: String,
}

impl<'a> Terminal<'a> {
    /// Commands run as `account` in `context`, with a store of their own below `home`.
    pub(super) fn new(account: &'a Account, stage: &'a Stage, home: &Path, context: &Path) -> Self {
        Self { account, stage, home: home.to_owned(), context: context.to_owned() }
    }

    /// Who types.
    pub(super) fn user(&self) -> &str {
        &self.account.name
    }

    /// Shows and runs one command line of plain words; any status but 0 ends the demo.
    pub(super) fn run(&self, line: &str) -> Result<Shown, Error> {
        screen::say(&format!("$ {line}"));
        let done = stream(self.command(line), LIMIT, true)?;
        if done.held {
            return Err(problem(line, "it ended, but what it started holds its output open"));
        }
        match done.code {
            Some(0) => Ok(Shown { step: line.to_owned(), text: done.text }),
            Some(code) => Err(problem(line, &format!("it ended with status {code}"))),
            None => Err(problem(line, "a signal ended it")),
        }
    }

    fn command(&self, line: &str) -> Command {
        let mut words = line.split_whitespace();
        let mut command = match words.next() {
            Some("minidock") => self.account.command(self.stage.minidock()),
            program => self.account.command(program.unwrap_or("true")),
        };
        command.args(words).current_dir(&self.context);
        command.env("TMPDIR", &self.home).env("MINIDOCK_ROOT", self.home.join("store"));
        if let Some(value) = std::env::var_os(PACKAGE_INDEX) {
            command.env(PACKAGE_INDEX, value);
        }
        command
    }
}

impl Shown {
    /// The output holds `text`.
    pub(super) fn has(&self, text: &str) -> Result<&Self, Error> {
        self.require(self.text.contains(text), &format!("its output lacks \"{text}\""))
    }

    /// The output does not hold `text`.
    pub(super) fn lacks(&self, text: &str) -> Result<&Self, Error> {
        self.require(!self.text.contains(text), &format!("its output still has \"{text}\""))
    }

    /// At least `steps` steps of a build came from the cache.
    pub(super) fn cached(&self, steps: usize) -> Result<&Self, Error> {
        let found = self.cached_steps();
        self.require(found >= steps, &format!("{found} steps were cached, {steps} should be"))
    }

    /// Fewer steps of this build came from the cache than of `other`.
    pub(super) fn cached_less_than(&self, other: &Self) -> Result<&Self, Error> {
        let less = self.cached_steps() < other.cached_steps();
        self.require(less, "every step was cached in spite of the change")
    }

    fn cached_steps(&self) -> usize {
        // pip says "Using cached" of its own downloads, which is something else.
        let cached =
            |line: &str| line.contains("CACHED") || line.trim_end().ends_with("Using cache");
        self.text.lines().filter(|line| cached(line)).count()
    }

    fn require(&self, met: bool, what: &str) -> Result<&Self, Error> {
        if met { Ok(self) } else { Err(problem(&self.step, what)) }
    }
}
