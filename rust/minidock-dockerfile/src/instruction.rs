//! Typed instructions. Owns their shapes; how text becomes one is in `instruction/parse.rs`, how
//! variables are put in is in `instruction/expansion.rs`. Nothing here does what an instruction
//! says.

mod copy;
mod expansion;
mod from;
mod health;
mod mount;
mod parse;
mod run;

pub use copy::{Add, Copy, CopySource};
pub use expansion::Expanded;
pub use from::From;
pub use health::{HealthTest, Healthcheck};
pub(crate) use mount::MOUNT_OPTIONS;
pub use mount::Mount;
pub(crate) use parse::{Input, may_hold_heredocs, parse};
pub use run::{Run, RunNetwork, RunPayload, RunSecurity};

use std::fmt;
use std::str::FromStr;

use crate::directive::Escape;
use crate::error::{ErrorKind, ParseError, render_at};
use crate::port::{PortError, PortRange};
use crate::span::Span;

/// An instruction as written: variables are not expanded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Where it stands.
    pub span: Span,
    /// The logical line: continuation lines joined, comments dropped, without heredoc bodies. For
    /// history and progress.
    pub original: String,
    /// The physical lines, heredoc bodies included.
    pub source: String,
    /// The file's escape character, which expansion needs.
    pub escape: Escape,
    /// What it is.
    pub kind: Kind,
}

/// The instructions of the Dockerfile reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Begins a stage.
    From(From),
    /// Runs a command.
    Run(Run),
    /// Copies from the context, a stage or an image.
    Copy(Copy),
    /// Copies with URLs and archives.
    Add(Add),
    /// Changes the working directory.
    Workdir(String),
    /// Sets variables for this and later containers. Every value is expanded with the variables as
    /// they were before the instruction: `ENV a=1 b=$a` gives `b` the old `a`.
    Env(Vec<Pair>),
    /// Declares build arguments.
    Arg(Arg),
    /// Sets labels.
    Label(Vec<Pair>),
    /// Sets user and group.
    User(String),
    /// Names ports.
    Expose(Expose),
    /// Default command; an empty exec form clears it.
    Cmd(CommandLine),
    /// Entry point; an empty exec form clears it.
    Entrypoint(CommandLine),
    /// The shell of shell forms.
    Shell(Vec<String>),
    /// The signal of `stop`.
    StopSignal(String),
    /// Mount points.
    Volume(Vec<String>),
    /// The health check.
    Healthcheck(Healthcheck),
    /// An instruction for images built on this one.
    Onbuild(Onbuild),
    /// The author (deprecated in favour of a label).
    Maintainer(String),
}

/// The two forms of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// One line for the shell of SHELL.
    Shell(String),
    /// A program and its arguments.
    Exec(Vec<String>),
}

/// A name and a value of ENV or LABEL, quotes still in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Before the first `=`.
    pub name: String,
    /// After it.
    pub value: String,
}

/// ARG: one or more build arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// In the order written.
    pub vars: Vec<ArgVar>,
}

/// One build argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgVar {
    /// Its name.
    pub name: String,
    /// The default; `None` without `=`: the value comes from `--build-arg`, a global ARG or a
    /// predefined argument, else the argument is unset.
    pub default: Option<String>,
}

/// EXPOSE: ports, perhaps with variables in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expose {
    /// As written, or one per element once expanded.
    pub ports: Vec<String>,
}

impl Expose {
    /// The ports as numbers; call it on an expanded instruction.
    pub fn ranges(&self) -> Result<Vec<PortRange>, PortError> {
        self.ports.iter().map(|port| PortRange::from_str(port)).collect()
    }
}

/// ONBUILD: a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onbuild {
    /// The trigger as the image config stores it, heredoc bodies included; it reads back with
    /// [`Instruction::parse_trigger`].
    pub expression: String,
    /// The same, typed.
    pub instruction: Box<Instruction>,
}

impl Kind {
    /// The keyword in capitals.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Kind::From(_) => "FROM",
            Kind::Run(_) => "RUN",
            Kind::Copy(_) => "COPY",
            Kind::Add(_) => "ADD",
            Kind::Workdir(_) => "WORKDIR",
            Kind::Env(_) => "ENV",
            Kind::Arg(_) => "ARG",
            Kind::Label(_) => "LABEL",
            Kind::User(_) => "USER",
            Kind::Expose(_) => "EXPOSE",
            Kind::Cmd(_) => "CMD",
            Kind::Entrypoint(_) => "ENTRYPOINT",
            Kind::Shell(_) => "SHELL",
            Kind::StopSignal(_) => "STOPSIGNAL",
            Kind::Volume(_) => "VOLUME",
            Kind::Healthcheck(_) => "HEALTHCHECK",
            Kind::Onbuild(_) => "ONBUILD",
            Kind::Maintainer(_) => "MAINTAINER",
        }
    }
}

impl Instruction {
    /// An error about this instruction, with its lines.
    pub(crate) fn error(&self, kind: ErrorKind) -> ParseError {
        ParseError::at(kind, self.span, &self.source)
    }

    /// Shows what went wrong with this instruction in the engine the way a parse error is shown:
    /// `file:line: message`, the lines with `offending` marked, the advice (none if empty).
    #[must_use]
    pub fn render_failure(
        &self,
        filename: &str,
        message: &dyn fmt::Display,
        offending: Option<&str>,
        hint: &str,
    ) -> String {
        render_at(filename, (self.span, &self.source), message, offending, hint)
    }

    /// `from=` of COPY and of every mount of RUN; of the trigger, for ONBUILD.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Copy(copy) => copy.from.as_deref().into_iter().collect(),
            Kind::Run(run) => run.mounts.iter().filter_map(|mount| mount.get("from")).collect(),
            _ => Vec::new(),
        }
    }
}
