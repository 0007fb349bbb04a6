//! Parser directives (`# escape=`, `# syntax=`, `# check=`) at the top of the file. Owns their
//! grammar; `syntax` and `check` are recorded and never acted on.

use crate::error::ErrorKind;

/// The escape character: of `\$`, of quotes, and of a line continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// `\`, the default.
    #[default]
    Backslash,
    /// `` ` ``, for files full of Windows paths.
    Backtick,
}

impl Escape {
    /// The character itself.
    #[must_use]
    pub fn as_char(self) -> char {
        match self {
            Escape::Backslash => '\\',
            Escape::Backtick => '`',
        }
    }
}

/// The directives found before the first comment or instruction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directives {
    /// `# escape=`.
    pub escape: Option<Escape>,
    /// `# syntax=`: a frontend image that is never fetched.
    pub syntax: Option<String>,
    /// `# check=`: settings of a linter.
    pub check: Option<String>,
}

impl Directives {
    /// Takes a comment line (without leading white space). `false`: the directives are over.
    pub(crate) fn accept(&mut self, line: &str) -> Result<bool, ErrorKind> {
        let Some((name, value)) = split(line) else { return Ok(false) };
        let duplicate = |taken: bool| match taken {
            true => Err(ErrorKind::DuplicateDirective { name: name.clone() }),
            false => Ok(()),
        };
        match name.as_str() {
            "escape" => {
                duplicate(self.escape.is_some())?;
                self.escape = Some(match value {
                    "\\" => Escape::Backslash,
                    "`" => Escape::Backtick,
                    _ => return Err(ErrorKind::InvalidEscape { value: value.to_owned() }),
                });
            }
            "syntax" => {
                duplicate(self.syntax.is_some())?;
                self.syntax = Some(value.to_owned());
            }
            "check" => {
                duplicate(self.check.is_some())?;
                self.check = Some(value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `# name = value`, the name lowered.
fn split(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    (named && !value.is_empty()).then(|| (name.to_ascii_lowercase(), value))
}
