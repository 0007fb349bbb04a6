//! Where in the file an instruction stands. Owns line numbers only.

use std::fmt;

/// The physical lines of an instruction, 1-based, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Line of the keyword.
    pub start_line: usize,
    /// Last line, with continuation lines and heredoc bodies.
    pub end_line: usize,
}

impl Span {
    /// A span of one line.
    #[must_use]
    pub fn line(line: usize) -> Self {
        Span { start_line: line, end_line: line }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start_line == self.end_line {
            write!(f, "{}", self.start_line)
        } else {
            write!(f, "{}-{}", self.start_line, self.end_line)
        }
    }
}
