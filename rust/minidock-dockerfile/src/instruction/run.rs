//! RUN: flags, command, heredocs, and what is handed to the kernel in the end.

use super::{CommandLine, Mount};
use crate::arguments::command_line;
use crate::error::{ErrorKind, quoted};
use crate::flags::Flags;
use crate::heredoc::{Heredoc, parse_word};

/// RUN. The command is not expanded here: the shell does it, with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `--mount`, in order.
    pub mounts: Vec<Mount>,
    /// `--network`.
    pub network: Option<RunNetwork>,
    /// `--security`.
    pub security: Option<RunSecurity>,
    /// `--device`, as written.
    pub devices: Vec<String>,
    /// The command line, without heredoc bodies.
    pub command: CommandLine,
    /// Heredocs that the command line announces.
    pub heredocs: Vec<Heredoc>,
}

/// `RUN --network=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNetwork {
    /// As the build has it.
    Default,
    /// No network.
    None,
    /// The host's network: an entitlement.
    Host,
}

/// `RUN --security=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSecurity {
    /// Confined, the default.
    Sandbox,
    /// Without confinement: an entitlement.
    Insecure,
}

/// What a RUN executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPayload {
    /// A program and its arguments.
    Exec(Vec<String>),
    /// A text for the shell of SHELL, heredocs written out.
    Shell(String),
    /// A heredoc that begins with `#!`: a file of this name and content, executed directly.
    Script {
        /// The delimiter.
        name: String,
        /// The body.
        content: String,
    },
}

impl Run {
    /// What to execute: a heredoc alone is the script itself, otherwise the shell reads the
    /// heredocs after the command line.
    #[must_use]
    pub fn payload(&self) -> RunPayload {
        let line = match &self.command {
            CommandLine::Exec(list) => return RunPayload::Exec(list.clone()),
            CommandLine::Shell(line) => line,
        };
        match self.heredocs.as_slice() {
            [] => RunPayload::Shell(line.clone()),
            [only] if parse_word(line.trim()).is_some() => {
                let content = only.body();
                if content.starts_with("#!") {
                    RunPayload::Script { name: only.name.clone(), content }
                } else {
                    RunPayload::Shell(content)
                }
            }
            several => {
                let mut text = line.clone();
                for heredoc in several {
                    text.push('\n');
                    text.push_str(&heredoc.content);
                    text.push_str(&heredoc.name);
                }
                RunPayload::Shell(text)
            }
        }
    }
}

pub(super) fn parse(flags: &Flags, text: &str, heredocs: Vec<Heredoc>) -> Result<Run, ErrorKind> {
    let command = command_line("RUN", text)?;
    let empty = match &command {
        CommandLine::Shell(line) => line.is_empty(),
        CommandLine::Exec(list) => list.is_empty(),
    };
    if empty {
        return Err(ErrorKind::MissingArgument { instruction: "RUN", needs: "a command" });
    }
    let mounts = flags.values("mount");
    let run = Run {
        mounts: mounts.iter().map(|text| Mount::parse(text)).collect::<Result<_, _>>()?,
        network: network(flags)?,
        security: security(flags)?,
        devices: flags.values("device"),
        command,
        heredocs,
    };
    // Only a script becomes a file; every other delimiter stays inside the shell's text.
    if let Some(bad) = run.heredocs.iter().find(|heredoc| !heredoc.names_a_file())
        && matches!(run.payload(), RunPayload::Script { .. })
    {
        return Err(ErrorKind::HeredocName { instruction: "RUN", name: bad.name.clone() });
    }
    Ok(run)
}

fn network(flags: &Flags) -> Result<Option<RunNetwork>, ErrorKind> {
    let Some(value) = flags.value("network") else { return Ok(None) };
    match value.as_str() {
        "default" => Ok(Some(RunNetwork::Default)),
        "none" => Ok(Some(RunNetwork::None)),
        "host" => Ok(Some(RunNetwork::Host)),
        _ => Err(value_error("network", &value, "default, none or host")),
    }
}

fn security(flags: &Flags) -> Result<Option<RunSecurity>, ErrorKind> {
    let Some(value) = flags.value("security") else { return Ok(None) };
    match value.as_str() {
        "sandbox" => Ok(Some(RunSecurity::Sandbox)),
        "insecure" => Ok(Some(RunSecurity::Insecure)),
        _ => Err(value_error("security", &value, "sandbox or insecure")),
    }
}

fn value_error(flag: &'static str, value: &str, expected: &'static str) -> ErrorKind {
    ErrorKind::FlagValue { instruction: "RUN", flag, value: quoted(value), expected }
}
