//! HEALTHCHECK: the command and its times.

use std::time::Duration;

use super::CommandLine;
use crate::arguments::command_line;
use crate::duration::{DurationError, parse_duration};
use crate::error::{ErrorKind, quoted};
use crate::flags::Flags;
use crate::words::keyword;

/// Docker's shortest time of a health check.
const SHORTEST: Duration = Duration::from_millis(1);

/// HEALTHCHECK. A time that is not given (or given as 0) is `None`: docker's default holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// What is run.
    pub test: HealthTest,
    /// `--interval`, between checks.
    pub interval: Option<Duration>,
    /// `--timeout` of one check.
    pub timeout: Option<Duration>,
    /// `--start-period`, in which failures do not count.
    pub start_period: Option<Duration>,
    /// `--start-interval`, between checks in the start period.
    pub start_interval: Option<Duration>,
    /// `--retries` in a row make it unhealthy.
    pub retries: Option<u32>,
}

/// What a health check runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthTest {
    /// `NONE`: the base image's check is switched off.
    None,
    /// A command.
    Command(CommandLine),
}

pub(super) fn parse(flags: &Flags, text: &str) -> Result<Healthcheck, ErrorKind> {
    let (word, rest) = keyword(text);
    let test = match word.to_ascii_uppercase().as_str() {
        "" => return Err(missing("CMD and a command, or NONE")),
        "NONE" if !rest.is_empty() => return Err(extra(rest)),
        "NONE" if !flags.is_empty() => return Err(extra("NONE")),
        "NONE" => HealthTest::None,
        "CMD" => HealthTest::Command(command(rest)?),
        _ => return Err(ErrorKind::HealthType { word: quoted(word) }),
    };
    Ok(Healthcheck {
        test,
        interval: time(flags, "interval")?,
        timeout: time(flags, "timeout")?,
        start_period: time(flags, "start-period")?,
        start_interval: time(flags, "start-interval")?,
        retries: retries(flags)?,
    })
}

fn command(text: &str) -> Result<CommandLine, ErrorKind> {
    match command_line("HEALTHCHECK", text)? {
        CommandLine::Shell(line) if line.is_empty() => Err(missing("a command after CMD")),
        CommandLine::Exec(list) if list.is_empty() => Err(missing("a command after CMD")),
        command => Ok(command),
    }
}

fn missing(needs: &'static str) -> ErrorKind {
    ErrorKind::MissingArgument { instruction: "HEALTHCHECK", needs }
}

fn extra(text: &str) -> ErrorKind {
    ErrorKind::ExtraArgument { instruction: "HEALTHCHECK", text: quoted(text) }
}

fn time(flags: &Flags, flag: &'static str) -> Result<Option<Duration>, ErrorKind> {
    let Some(value) = flags.value(flag) else { return Ok(None) };
    let parsed = match parse_duration(&value) {
        Ok(time) if !time.is_zero() && time < SHORTEST => Err(DurationError::TooShort),
        other => other,
    };
    match parsed {
        Ok(time) => Ok((!time.is_zero()).then_some(time)),
        Err(reason) => Err(ErrorKind::HealthDuration { flag, value: quoted(&value), reason }),
    }
}

fn retries(flags: &Flags) -> Result<Option<u32>, ErrorKind> {
    let Some(value) = flags.value("retries") else { return Ok(None) };
    match value.parse::<i32>().ok().and_then(|count| u32::try_from(count).ok()) {
        Some(count) => Ok((count > 0).then_some(count)),
        None => Err(ErrorKind::FlagValue {
            instruction: "HEALTHCHECK",
            flag: "retries",
            value: quoted(&value),
            expected: "a number from 0 to 2147483647",
        }),
    }
}
