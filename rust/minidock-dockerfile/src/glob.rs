//! Go's `filepath.Match` for COPY sources: `*`, `?`, `[a-z]`, `[^a]`, `\x`, component by component.
//! Owns the pattern grammar (shared with `ignore`) and matching without backtracking that grows
//! faster than pattern times name.

use thiserror::Error;

/// A pattern that can never be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bad pattern {pattern}: {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `[…]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Token {
    /// Whether it takes this one character; a star does not count.
    pub(crate) fn takes(&self, c: char) -> bool {
        match self {
            Token::Char(wanted) => *wanted == c,
            Token::One => true,
            Token::Star => false,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Reads a pattern into tokens.
pub(crate) fn tokens(pattern: &str) -> Result<Vec<Token>, PatternError> {
    let bad = |reason| PatternError { pattern: crate::error::quoted(pattern), reason };
    let mut out = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Star,
            '?' => Token::One,
            '\\' => Token::Char(chars.next().ok_or_else(|| bad("it ends in a backslash"))?),
            '[' => class(&mut chars).ok_or_else(|| bad("a [ without its ]"))?,
            c => Token::Char(c),
        });
    }
    Ok(out)
}

/// After `[`: `^`, then ranges up to `]`; at least one.
fn class(chars: &mut std::str::Chars<'_>) -> Option<Token> {
    let negated = chars.as_str().starts_with('^');
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    while ranges.is_empty() || !chars.as_str().starts_with(']') {
        let low = class_char(chars)?;
        let high = if chars.as_str().starts_with('-') {
            chars.next();
            class_char(chars)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    chars.next();
    Some(Token::Class { negated, ranges })
}

/// A character of a range; `-` and `]` need an escape.
fn class_char(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// A pattern of several path components.
///
/// ```
/// use minidock_dockerfile::Glob;
/// let glob = Glob::parse("src/*.[ch]")?;
/// assert!(glob.matches("src/main.c") && !glob.matches("src/a/main.c"));
/// assert!(glob.may_match_below("src") && !glob.may_match_below("doc"));
/// # Ok::<(), minidock_dockerfile::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    components: Vec<Vec<Token>>,
}

impl Glob {
    /// Reads a pattern, best one that [`crate::clean_source`] has cleaned. A `/` always separates,
    /// also inside brackets.
    pub fn parse(pattern: &str) -> Result<Glob, PatternError> {
        let components = pattern.split('/').map(tokens).collect::<Result<_, _>>()?;
        Ok(Glob { components })
    }

    /// Whether a whole relative path matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.components.len() == path.split('/').count() && self.agrees(path)
    }

    /// Whether something below this directory can match, so that a walk must enter it. The root is
    /// `""` or `.`.
    #[must_use]
    pub fn may_match_below(&self, dir: &str) -> bool {
        if dir.is_empty() || dir == "." {
            return true;
        }
        dir.split('/').count() < self.components.len() && self.agrees(dir)
    }

    fn agrees(&self, path: &str) -> bool {
        self.components.iter().zip(path.split('/')).all(|(tokens, name)| component(tokens, name))
    }
}

/// One name against one component. Only the last star is ever retried: an earlier one can gain
/// nothing by taking more.
fn component(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if tokens.get(token) == Some(&Token::Star) {
            token += 1;
            retry = Some((token, at));
        } else if token == tokens.len() && at == name.len() {
            return true;
        } else if at < name.len() && tokens.get(token).is_some_and(|t| t.takes(name[at])) {
            token += 1;
            at += 1;
        } else if let Some((after_star, from)) = retry.filter(|(_, from)| *from < name.len()) {
            retry = Some((after_star, from + 1));
            token = after_star;
            at = from + 1;
        } else {
            return false;
        }
    }
}
