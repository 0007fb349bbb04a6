//! Variable expansion as the Dockerfile reference has it: quotes, escapes, `$v`, `${v…}`. Owns
//! which names were asked for, so that a cache key can hold the arguments in use; where values come
//! from is the caller's.
//!
//! Follows BuildKit's lexer, also in that the word of `${a:-word}` is expanded whether it is needed
//! or not, and that `\x` outside quotes is `x`. Depth, output and pattern work are bounded here.

mod lexer;
mod pattern;

use std::collections::BTreeSet;

use thiserror::Error;

use crate::directive::Escape;
use lexer::Lexer;

/// Deepest nesting of `${a:-${b:-…}}`.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most bytes that expansion may add to a text.
pub(crate) const MAX_GROWTH: usize = 1 << 20;

/// What a text is expanded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One word: spaces stay (ENV, LABEL, WORKDIR, each source of COPY).
    Word,
    /// Words: spaces that come from outside quotes split (EXPOSE).
    Words,
    /// A heredoc's body: quotes are text.
    Heredoc,
}

/// Expanded text and the names it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// One element unless the mode is [`Mode::Words`].
    pub words: Vec<String>,
    /// Names that had a value.
    pub used: BTreeSet<String>,
    /// Names that had none.
    pub unset: BTreeSet<String>,
}

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// `'` or `"` without its partner.
    #[error("unterminated {quote} quote")]
    Quote {
        /// The quote.
        quote: char,
    },
    /// `${` without `}`.
    #[error("${{ without }}")]
    Brace,
    /// `${}`, `${:…}`, `${{…}`.
    #[error("${{…}} without a variable's name")]
    Name,
    /// `${v^}` and other forms of bash.
    #[error("unsupported modifier {modifier} in ${{{name}{modifier}…}}")]
    Modifier {
        /// The variable.
        name: String,
        /// What follows the name.
        modifier: String,
    },
    /// `${v:?message}` and `v` is unset or empty.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The author's message.
        message: String,
    },
    /// Nested too deep.
    #[error("${{…}} nested more than {MAX_DEPTH} deep")]
    Depth,
    /// The result is too long.
    #[error("expansion adds more than {MAX_GROWTH} bytes")]
    TooLong,
    /// `\x` in a pattern where x is an ordinary character.
    #[error("invalid escape \\{character} in the pattern of ${{{name}…}}")]
    PatternEscape {
        /// The variable.
        name: String,
        /// What follows the escape character.
        character: char,
    },
    /// Pattern times value is too much work.
    #[error("the pattern of ${{{name}…}} takes too long on this value")]
    PatternWork {
        /// The variable.
        name: String,
    },
}

impl ExpandError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            ExpandError::Quote { .. } => {
                "close the quote or escape it; paths with spaces take the JSON form"
            }
            ExpandError::Brace => {
                "close it with }; a value with spaces needs double quotes; \\$ is a plain dollar"
            }
            ExpandError::Name => "write ${NAME}, or \\$ for a plain dollar",
            ExpandError::Modifier { .. } => {
                "the forms are ${v} ${v:-w} ${v-w} ${v:+w} ${v+w} ${v:?e} ${v?e} ${v#p} ${v##p} \
                 ${v%p} ${v%%p} ${v/p/w} ${v//p/w}"
            }
            ExpandError::Required { .. } => "set it with ENV, with ARG or with --build-arg",
            ExpandError::Depth => "use several ARG lines",
            ExpandError::TooLong => "a value holds itself several times over; shorten it",
            ExpandError::PatternEscape { .. } => {
                "only * ? / } and the escape character need escaping there"
            }
            ExpandError::PatternWork { .. } => "shorten the pattern or the value",
        }
    }
}

/// Expands several texts against one environment and remembers every name asked for.
pub struct Expander<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    escape: Escape,
    used: BTreeSet<String>,
    unset: BTreeSet<String>,
}

impl<'a> Expander<'a> {
    /// An expander over `env`, for a file with this escape character.
    pub fn new(env: &'a dyn Fn(&str) -> Option<String>, escape: Escape) -> Self {
        Expander { env, escape, used: BTreeSet::new(), unset: BTreeSet::new() }
    }

    /// Expands to one word.
    pub fn word(&mut self, text: &str) -> Result<String, ExpandError> {
        // Most texts hold nothing special, and may be long.
        if !text.contains(['$', '\'', '"', self.escape.as_char()]) {
            return Ok(text.to_owned());
        }
        Ok(Lexer::new(self, text, true).run()?.text)
    }

    /// Expands and splits into words.
    pub fn words(&mut self, text: &str) -> Result<Vec<String>, ExpandError> {
        Ok(Lexer::new(self, text, true).run()?.into_words())
    }

    /// Expands a heredoc's body.
    pub fn heredoc(&mut self, text: &str) -> Result<String, ExpandError> {
        if !text.contains(['$', self.escape.as_char()]) {
            return Ok(text.to_owned());
        }
        Ok(Lexer::new(self, text, false).run()?.text)
    }

    /// Names that had a value, and names that had none.
    #[must_use]
    pub fn into_names(self) -> (BTreeSet<String>, BTreeSet<String>) {
        (self.used, self.unset)
    }

    fn escape(&self) -> char {
        self.escape.as_char()
    }

    fn get(&mut self, name: &str) -> Option<String> {
        let value = (self.env)(name);
        let names = if value.is_some() { &mut self.used } else { &mut self.unset };
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        value
    }
}

/// Expands one text.
///
/// ```
/// use minidock_dockerfile::{Escape, Mode, expand};
/// let env = |name: &str| (name == "V").then(|| "a.tar.gz".to_string());
/// let out = expand("x-${V%%.*}-${W:-none}", &env, Escape::Backslash, Mode::Word)?;
/// assert_eq!(out.words, ["x-a-none"]);
/// assert!(out.used.contains("V") && out.unset.contains("W"));
/// # Ok::<(), minidock_dockerfile::ExpandError>(())
/// ```
pub fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    escape: Escape,
    mode: Mode,
) -> Result<Expansion, ExpandError> {
    let mut expander = Expander::new(env, escape);
    let words = match mode {
        Mode::Word => vec![expander.word(text)?],
        Mode::Words => expander.words(text)?,
        Mode::Heredoc => vec![expander.heredoc(text)?],
    };
    let (used, unset) = expander.into_names();
    Ok(Expansion { words, used, unset })
}
