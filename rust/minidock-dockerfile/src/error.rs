//! What is wrong with a Dockerfile, where, and how to fix it. Owns the error type and how it is
//! shown; the catalogue of mistakes is in `error/kind.rs`.

mod kind;

use std::fmt;
use std::ops::Range;

pub use kind::ErrorKind;

use crate::span::Span;

/// Columns shown of a source line; a longer one is cut around the offending text.
const EXCERPT_WIDTH: usize = 120;
/// Ends a text that was cut for a message.
const CUT: char = '…';
/// Characters of source text repeated in a message.
const QUOTED: usize = 100;
/// Lines shown of one instruction.
const EXCERPT_LINES: usize = 4;

/// A source line as it is shown below an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// 1-based line number.
    pub number: usize,
    /// The text, cut when very long.
    pub text: String,
    /// Characters of `text` that are at fault, where known.
    pub marked: Option<Range<usize>>,
}

/// A mistake in a Dockerfile with its place. `Display` is one line without the file's name;
/// [`ParseError::render`] adds the name, the source lines and the advice.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    details: Box<Details>,
}

#[derive(Clone, PartialEq, Eq)]
struct Details {
    kind: ErrorKind,
    span: Option<Span>,
    excerpt: Vec<SourceLine>,
    column: Option<Range<usize>>,
}

/// Where a text at fault stands, and the lines to show.
struct Place {
    span: Span,
    excerpt: Vec<SourceLine>,
    column: Option<Range<usize>>,
}

impl Place {
    fn find(offending: Option<&str>, span: Span, source: &str) -> Place {
        let offending = offending.map(|text| text.trim_end_matches(CUT));
        let offending = offending.filter(|text| !text.is_empty());
        let mut excerpt = Vec::new();
        let mut column = None;
        let mut line_at_fault = span.start_line;
        for (index, text) in source.lines().enumerate() {
            let found = match (&column, offending) {
                (None, Some(wanted)) => text.find(wanted).map(|at| at..at + wanted.len()),
                _ => None,
            };
            if excerpt.len() < EXCERPT_LINES || found.is_some() {
                if excerpt.len() >= EXCERPT_LINES {
                    excerpt.pop();
                }
                excerpt.push(shown(span.start_line + index, text, found.clone()));
            }
            if let Some(range) = found {
                column = Some(chars_before(text, range.start)..chars_before(text, range.end));
                line_at_fault = span.start_line + index;
            }
            if excerpt.len() >= EXCERPT_LINES && (column.is_some() || offending.is_none()) {
                break;
            }
        }
        let span = Span { start_line: line_at_fault, end_line: span.end_line.max(line_at_fault) };
        Place { span, excerpt, column }
    }
}

impl ParseError {
    /// An error of no particular line (an unknown build target).
    pub(crate) fn without_line(kind: ErrorKind) -> Self {
        ParseError {
            details: Box::new(Details { kind, span: None, excerpt: Vec::new(), column: None }),
        }
    }

    /// An error at `span`, whose physical lines are `source`.
    pub(crate) fn at(kind: ErrorKind, span: Span, source: &str) -> Self {
        let Place { span, excerpt, column } = Place::find(kind.offending(), span, source);
        ParseError { details: Box::new(Details { kind, span: Some(span), excerpt, column }) }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.details.kind
    }

    /// 1-based line of the fault; `None` for an error of the request (an unknown target).
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.details.span.map(|span| span.start_line)
    }

    /// From the line at fault to the end of the instruction.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.details.span
    }

    /// Characters at fault in that line (0-based, end excluded), where known.
    #[must_use]
    pub fn column(&self) -> Option<Range<usize>> {
        self.details.column.clone()
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        self.details.kind.hint()
    }

    /// The source lines concerned, at most a few.
    #[must_use]
    pub fn excerpt(&self) -> &[SourceLine] {
        &self.details.excerpt
    }

    /// The error as a compiler shows it: `file:line: message`, the lines, the advice.
    #[must_use]
    pub fn render(&self, filename: &str) -> String {
        rendered(filename, self.line(), &self.details.kind, self.excerpt(), &self.hint())
    }
}

/// Shows a failure of the build at its instruction as [`ParseError::render`] shows a mistake.
/// `offending` is the piece of the source to mark.
pub(crate) fn render_at(
    filename: &str,
    (span, source): (Span, &str),
    message: &dyn fmt::Display,
    offending: Option<&str>,
    hint: &str,
) -> String {
    let place = Place::find(offending, span, source);
    rendered(filename, Some(place.span.start_line), message, &place.excerpt, hint)
}

fn rendered(
    filename: &str,
    line: Option<usize>,
    message: &dyn fmt::Display,
    excerpt: &[SourceLine],
    hint: &str,
) -> String {
    let mut out = match line {
        Some(line) => format!("{filename}:{line}: {message}\n"),
        None => format!("{filename}: {message}\n"),
    };
    let width = excerpt.iter().map(|line| digits(line.number)).max().unwrap_or(1);
    for line in excerpt {
        out.push_str(&format!("  {:>width$} | {}\n", line.number, line.text));
        if let Some(marked) = &line.marked {
            let pad = " ".repeat(marked.start);
            let mark = "^".repeat(marked.len().max(1));
            out.push_str(&format!("  {:>width$} | {pad}{mark}\n", ""));
        }
    }
    if !hint.is_empty() {
        out.push_str(&format!("help: {hint}\n"));
    }
    out
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line() {
            Some(line) => write!(f, "line {line}: {}", self.details.kind),
            None => write!(f, "{}", self.details.kind),
        }
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseError")
            .field("kind", &self.details.kind)
            .field("span", &self.details.span)
            .field("column", &self.details.column)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ParseError {}

/// Source text as a message repeats it: cut when long, so that a 100 MB word stays one line.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.to_owned(),
    }
}

/// A line for the excerpt: control characters made harmless for a terminal, cut to a width.
fn shown(number: usize, text: &str, found: Option<Range<usize>>) -> SourceLine {
    // Slicing by characters would walk a 100 MB line; bytes before the mark are skipped at once.
    let from = found.as_ref().map_or(0, |range| range.start.saturating_sub(EXCERPT_WIDTH / 2));
    let from = if from + EXCERPT_WIDTH / 2 <= EXCERPT_WIDTH { 0 } else { floor(text, from) };
    let mut out = String::new();
    let mut marked: Option<Range<usize>> = None;
    let mut width = 0;
    if from > 0 {
        out.push(CUT);
        width += 1;
    }
    for (at, c) in text[from..].char_indices() {
        if width >= EXCERPT_WIDTH {
            out.push(CUT);
            break;
        }
        if found.as_ref().is_some_and(|range| range.contains(&(from + at))) {
            let start = marked.as_ref().map_or(width, |range| range.start);
            marked = Some(start..width + 1);
        }
        out.push(match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        });
        width += 1;
    }
    SourceLine { number, text: out, marked }
}

fn floor(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn chars_before(text: &str, at: usize) -> usize {
    text[..at].chars().count()
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
