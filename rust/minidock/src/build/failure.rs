//! Errors of a build at their place in the Dockerfile: file, line, excerpt, advice.

use minidock_dockerfile::{Instruction, ParseError};

use crate::error::{Error, ErrorKind, Result};

/// Where an instruction comes from, and the instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The Dockerfile's name, or whose ONBUILD it is.
    pub(crate) file: &'a str,
    /// The instruction as written.
    pub(crate) instruction: &'a Instruction,
}

impl Place<'_> {
    /// `Dockerfile:3`.
    pub(crate) fn line(&self) -> String {
        format!("{}:{}", self.file, self.instruction.span.start_line)
    }

    /// Shows an error at the instruction, `offending` marked. That the build was cancelled has no
    /// place.
    pub(crate) fn error(&self, error: Error, offending: Option<&str>) -> Error {
        if error.kind() == ErrorKind::Cancelled {
            return error;
        }
        let message = error.one_line();
        let text = self.instruction.render_failure(self.file, &message, offending, "");
        let room = "free space, or run `minidock system prune`";
        let hint = error.hint().or((error.kind() == ErrorKind::NoSpace).then_some(room));
        rendered(error.kind(), &text, hint)
    }

    /// What this version does not do, by its name.
    pub(crate) fn unsupported(&self, what: &str, hint: &str) -> Error {
        let message = format!("{what} is not supported");
        let error = Error::new(ErrorKind::InvalidInput, message).with_hint(hint);
        self.error(error, what.split_whitespace().last())
    }

    /// A mistake in the instruction.
    pub(crate) fn mistake(&self, message: &str, offending: Option<&str>, hint: &str) -> Error {
        let error = Error::new(ErrorKind::InvalidInput, message).with_hint(hint);
        self.error(error, offending)
    }

    /// Shows a mistake that the Dockerfile's parser or expansion found.
    pub(crate) fn parsed<T>(&self, result: std::result::Result<T, ParseError>) -> Result<T> {
        result.map_err(|error| parse_error(self.file, &error))
    }
}

/// An error of the Dockerfile itself.
pub(crate) fn parse_error(file: &str, error: &ParseError) -> Error {
    let text = error.render(file);
    let hint = error.hint();
    let text = text.strip_suffix(&format!("help: {hint}\n")).unwrap_or(&text);
    rendered(
        ErrorKind::InvalidInput,
        text,
        Some(&hint).filter(|hint| !hint.is_empty()).map(String::as_str),
    )
}

/// The first line is the message, the others are the excerpt.
fn rendered(kind: ErrorKind, text: &str, hint: Option<&str>) -> Error {
    let (message, excerpt) = text.split_once('\n').unwrap_or((text, ""));
    let mut error = Error::new(kind, message);
    if !excerpt.is_empty() {
        error = error.with_excerpt(excerpt);
    }
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use minidock_dockerfile::Dockerfile;

    use super::*;

    #[test]
    fn failures_show_file_line_and_text() {
        let file = Dockerfile::parse(b"FROM scratch\nCOPY missing /x\n").unwrap();
        let place = Place { file: "app/Dockerfile", instruction: &file.instructions[1] };
        let error = Error::new(ErrorKind::NotFound, "\"missing\" is not in the context");
        let error = place.error(error.with_hint("add it"), Some("missing"));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "app/Dockerfile:2: \"missing\" is not in the context");
        assert_eq!(error.excerpt(), Some("  2 | COPY missing /x\n    |      ^^^^^^^\n"));
        assert_eq!(error.hint(), Some("add it"));
        let full = place.error(Error::new(ErrorKind::NoSpace, "no room"), None);
        assert!(full.hint().is_some_and(|hint| hint.contains("prune")));
        let cancelled = place.error(Error::new(ErrorKind::Cancelled, "cancelled"), None);
        assert_eq!(cancelled.to_string(), "cancelled");
    }

    #[test]
    fn mistakes_of_the_parser_keep_their_advice() {
        let error = Dockerfile::parse(b"FROM a\nFORM b\n").unwrap_err();
        let error = parse_error("-", &error);
        assert!(error.to_string().starts_with("-:2: unknown instruction: FORM"), "{error}");
        assert!(error.excerpt().unwrap().contains("FORM b"));
        assert!(!error.excerpt().unwrap().contains("help:"));
        assert!(error.hint().is_some());
    }
}
