//! Physical lines to logical ones: comments, continuation, heredoc bodies. Owns the cursor over the
//! text; knows nothing of instructions.

use crate::directive::{Directives, Escape};
use crate::error::ParseError;
use crate::span::Span;

/// One instruction's text: continuation lines joined, comments and blank lines dropped.
#[derive(Debug)]
pub(crate) struct Logical {
    pub(crate) text: String,
    pub(crate) start_line: usize,
    /// Byte where the first physical line begins.
    pub(crate) start: usize,
    /// Line of the first blank line between continuation lines.
    pub(crate) blank_inside: Option<usize>,
}

/// Walks the file once.
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    reading_directives: bool,
    pub(crate) directives: Directives,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Lines { text, at, line: 0, reading_directives: true, directives: Directives::default() }
    }

    pub(crate) fn with_escape(text: &'a str, escape: Escape) -> Self {
        let mut lines = Lines::new(text);
        lines.reading_directives = false;
        lines.directives.escape = Some(escape);
        lines
    }

    pub(crate) fn escape(&self) -> Escape {
        self.directives.escape.unwrap_or_default()
    }

    /// Last line read, 1-based.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The physical lines from byte `start` to the last line read, without the last line end.
    pub(crate) fn source_from(&self, start: usize) -> &'a str {
        trim_end_of_line(&self.text[start..self.at])
    }

    /// The next physical line with its line end.
    fn physical(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.at += length;
        self.line += 1;
        Some(&rest[..length])
    }

    /// The next instruction, or `None` at the end of the file.
    pub(crate) fn logical(&mut self) -> Result<Option<Logical>, ParseError> {
        loop {
            let start = self.at;
            let Some(line) = self.physical() else { return Ok(None) };
            let line = trim_end_of_line(line).trim_start();
            if self.reading_directives {
                self.reading_directives = self.directives.accept(line).map_err(|kind| {
                    ParseError::at(kind, Span::line(self.line), self.source_from(start))
                })?;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut logical =
                Logical { text: String::new(), start_line: self.line, start, blank_inside: None };
            let mut continued = self.push(&mut logical.text, line);
            while continued {
                let Some(line) = self.physical() else { break };
                let line = trim_end_of_line(line);
                let trimmed = line.trim_start();
                if trimmed.starts_with('#') {
                    continue;
                }
                if trimmed.is_empty() {
                    logical.blank_inside.get_or_insert(self.line);
                    continue;
                }
                continued = self.push(&mut logical.text, line);
            }
            // A lone escape character joins nothing and says nothing.
            if !logical.text.trim().is_empty() {
                return Ok(Some(logical));
            }
        }
    }

    /// Appends a line without its continuation mark; whether there was one. An escape character
    /// before another one is text (`\\` at the end of a line does not continue it).
    fn push(&self, text: &mut String, line: &str) -> bool {
        let escape = self.escape().as_char();
        let bare = line.trim_end_matches([' ', '\t']);
        match bare.strip_suffix(escape) {
            Some(body) if !body.ends_with(escape) => {
                text.push_str(body);
                true
            }
            _ => {
                text.push_str(line);
                false
            }
        }
    }

    /// Reads a heredoc's body up to the line that holds `name` alone. `None`: the file ended.
    pub(crate) fn heredoc_body(&mut self, name: &str, strip_tabs: bool) -> Option<&'a str> {
        let start = self.at;
        loop {
            let before = self.at;
            let line = trim_end_of_line(self.physical()?);
            let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == name {
                return Some(&self.text[start..before]);
            }
        }
    }
}

fn trim_end_of_line(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}
