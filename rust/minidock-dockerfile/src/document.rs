//! A whole Dockerfile: bytes to the list of instructions. Owns the order of the steps (encoding,
//! lines, heredocs, instructions) and what is only worth a warning.

use std::fmt;

use crate::directive::{Directives, Escape};
use crate::error::{ErrorKind, ParseError};
use crate::heredoc::announced;
use crate::instruction::{CommandLine, Input, Instruction, Kind, may_hold_heredocs, parse};
use crate::json::looks_like_json;
use crate::lines::{Lines, Logical};
use crate::span::Span;

/// A parsed Dockerfile; variables are not expanded yet.
///
/// The form is checked here; what stages make of it (order, names, references) is checked by
/// [`Dockerfile::stages`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// Parser directives at the top.
    pub directives: Directives,
    /// Instructions in order; at least one.
    pub instructions: Vec<Instruction>,
    /// What works but is hardly meant.
    pub warnings: Vec<Warning>,
}

/// Something that docker accepts too, but that is hardly meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// 1-based line.
    pub line: usize,
    /// What it is.
    pub kind: WarningKind,
}

/// Kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// A blank line between continuation lines.
    EmptyContinuation,
    /// A bracketed list that is no valid JSON, taken as a shell's line.
    BrokenJson,
    /// MAINTAINER, in favour of a label.
    Maintainer,
    /// The old form `ENV NAME VALUE`.
    OldPairForm,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            WarningKind::EmptyContinuation => {
                "blank line inside an instruction that goes on after it"
            }
            WarningKind::BrokenJson => "not a valid JSON array, so it is run by the shell",
            WarningKind::Maintainer => "MAINTAINER is deprecated; use LABEL",
            WarningKind::OldPairForm => "NAME VALUE is the old form; write NAME=VALUE",
        };
        write!(f, "line {}: {text}", self.line)
    }
}

impl Dockerfile {
    /// Parses a Dockerfile. The time is linear in its length.
    pub fn parse(text: &[u8]) -> Result<Dockerfile, ParseError> {
        let text = decoded(text)?;
        let mut lines = Lines::new(text);
        let mut instructions = Vec::new();
        let mut warnings = Vec::new();
        while let Some(logical) = lines.logical()? {
            let blank_inside = logical.blank_inside;
            let instruction = instruction(&mut lines, logical)?;
            if let Some(line) = blank_inside {
                warnings.push(Warning { line, kind: WarningKind::EmptyContinuation });
            }
            let line = instruction.span.start_line;
            warnings.extend(warning(&instruction).map(|kind| Warning { line, kind }));
            instructions.push(instruction);
        }
        if instructions.is_empty() {
            return Err(ParseError::at(ErrorKind::Empty, Span::line(lines.line().max(1)), ""));
        }
        Ok(Dockerfile { directives: lines.directives, instructions, warnings })
    }

    /// The escape character in force.
    #[must_use]
    pub fn escape(&self) -> Escape {
        self.directives.escape.unwrap_or_default()
    }
}

impl Instruction {
    /// Parses one trigger of an image's ONBUILD list.
    pub fn parse_trigger(expression: &str) -> Result<Instruction, ParseError> {
        let text = decoded(expression.as_bytes())?;
        let mut lines = Lines::with_escape(text, Escape::Backslash);
        let count = |line: usize| ParseError::at(ErrorKind::TriggerCount, Span::line(line), text);
        let Some(logical) = lines.logical()? else { return Err(count(1)) };
        let instruction = instruction(&mut lines, logical)?;
        if lines.logical()?.is_some() {
            return Err(count(lines.line()));
        }
        if let Kind::Onbuild(_) | Kind::From(_) | Kind::Maintainer(_) = instruction.kind {
            let trigger = instruction.kind.name().to_owned();
            return Err(instruction.error(ErrorKind::OnbuildTrigger { trigger }));
        }
        Ok(instruction)
    }
}

/// Reads the heredocs that a line announces, then the instruction.
fn instruction(lines: &mut Lines<'_>, logical: Logical) -> Result<Instruction, ParseError> {
    let escape = lines.escape();
    let heredocs = match logical.text.contains("<<") && may_hold_heredocs(&logical.text, escape) {
        true => announced(&logical.text),
        false => Vec::new(),
    };
    let head = lines.source_from(logical.start);
    let mut read = Vec::with_capacity(heredocs.len());
    for mut heredoc in heredocs {
        let head_span = Span { start_line: logical.start_line, end_line: lines.line() };
        match lines.heredoc_body(&heredoc.name, heredoc.strip_tabs) {
            Some(body) => heredoc.content = body.to_owned(),
            None => {
                let kind = ErrorKind::UnterminatedHeredoc { name: heredoc.name };
                return Err(ParseError::at(kind, head_span, head));
            }
        }
        read.push(heredoc);
    }
    let input = Input {
        text: &logical.text,
        source: lines.source_from(logical.start),
        span: Span { start_line: logical.start_line, end_line: lines.line() },
        escape,
    };
    parse(input, read)
}

fn warning(instruction: &Instruction) -> Option<WarningKind> {
    match &instruction.kind {
        Kind::Run(run) => broken_json(&run.command),
        Kind::Cmd(command) | Kind::Entrypoint(command) => broken_json(command),
        Kind::Maintainer(_) => Some(WarningKind::Maintainer),
        Kind::Env(pairs) | Kind::Label(pairs) if pairs.len() == 1 => {
            let rest = instruction.original.split_whitespace().nth(1);
            let old = rest.is_some_and(|word| !word.contains('=') && word == pairs[0].name);
            old.then_some(WarningKind::OldPairForm)
        }
        _ => None,
    }
}

fn broken_json(command: &CommandLine) -> Option<WarningKind> {
    match command {
        CommandLine::Shell(line) if looks_like_json(line) => Some(WarningKind::BrokenJson),
        _ => None,
    }
}

/// UTF-8 without NUL.
fn decoded(text: &[u8]) -> Result<&str, ParseError> {
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return Err(unreadable(text, at, ErrorKind::NulByte));
    }
    std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        unreadable(text, at, ErrorKind::NotUtf8 { byte: text.get(at).copied().unwrap_or(0) })
    })
}

/// An error at byte `at` of text that is not readable; the line is shown as far as it can be.
fn unreadable(text: &[u8], at: usize, kind: ErrorKind) -> ParseError {
    let line = 1 + text[..at].iter().filter(|byte| **byte == b'\n').count();
    let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end);
    // Enough to recognise the line, however long it is.
    let end = end.min(start.saturating_add(400));
    ParseError::at(kind, Span::line(line), &String::from_utf8_lossy(&text[start..end]))
}
