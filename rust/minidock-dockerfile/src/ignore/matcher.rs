//! One pattern of a `.dockerignore`. Owns what `**`, `*`, `?` and `[…]` mean there: moby turns a
//! pattern into a regular expression, with plain texts, prefixes and suffixes apart, and this
//! accepts the same paths. Matching walks a set of positions, so the work is pattern times path.

use crate::glob::{PatternError, Token, tokens};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    /// No wildcard.
    Exact(String),
    /// `text**`: everything that begins so.
    Prefix(String),
    /// `**text`: everything that ends so; `**/name` also matches `name` itself.
    Suffix(String),
    Steps(Steps),
}

impl Matcher {
    pub(super) fn parse(pattern: &str) -> Result<Matcher, PatternError> {
        let list = tokens(pattern)?;
        let plain = |text: &str| !text.contains(['*', '?', '[', ']', '\\']);
        if plain(pattern) {
            return Ok(Matcher::Exact(pattern.to_owned()));
        }
        if let Some(text) = pattern.strip_prefix("**").filter(|text| plain(text)) {
            return Ok(Matcher::Suffix(text.to_owned()));
        }
        if let Some(text) = pattern.strip_suffix("**").filter(|text| plain(text)) {
            return Ok(Matcher::Prefix(text.to_owned()));
        }
        Ok(Matcher::Steps(Steps::new(list)))
    }

    /// Whether the path, or a directory above it, matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Matcher::Exact(text) => path
                .strip_prefix(text.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Matcher::Prefix(text) => path.starts_with(text.as_str()),
            Matcher::Suffix(text) => with_parents(path).any(|path| suffix(text, path)),
            Matcher::Steps(steps) => steps.matches(path),
        }
    }

    /// Whether some path below this directory can match by itself.
    pub(super) fn may_match_below(&self, dir: &str) -> bool {
        match self {
            Matcher::Exact(text) => below(text, dir),
            Matcher::Prefix(text) => {
                below(text, dir) || format!("{dir}/").starts_with(text.as_str())
            }
            Matcher::Suffix(_) => true,
            Matcher::Steps(steps) => steps.may_match_below(dir),
        }
    }
}

fn below(text: &str, dir: &str) -> bool {
    text.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

fn suffix(text: &str, path: &str) -> bool {
    path.ends_with(text) || text.strip_prefix('/') == Some(path)
}

/// The directories above a path, then the path.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).chain(std::iter::once(path))
}

/// A pattern with wildcards, as positions to be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// What every matching path begins with: most rules of a long file are refused by it alone.
    prefix: String,
    /// No shorter path can match.
    shortest: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// One character; `?` does not take a slash, a class may.
    Take(Token),
    /// `*`: any number but no slash.
    Star,
    /// `**` before more: nothing, or directories with their slash. Enters the next step or skips it.
    Enter,
    /// Inside those directories; a slash may leave.
    Inside,
    /// `**` at the end: everything.
    All,
}

impl Steps {
    fn new(list: Vec<Token>) -> Steps {
        let mut steps: Vec<Step> = Vec::with_capacity(list.len());
        let mut tokens = list.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Star if tokens.next_if_eq(&Token::Star).is_some() => {
                    // `**/` is `**`: the slash belongs to the directories.
                    tokens.next_if_eq(&Token::Char('/'));
                    if tokens.peek().is_none() {
                        steps.push(Step::All);
                    } else if steps.last() != Some(&Step::Inside) {
                        steps.extend([Step::Enter, Step::Inside]);
                    }
                }
                Token::Star if steps.last() == Some(&Step::Star) => {}
                Token::Star => steps.push(Step::Star),
                token => steps.push(Step::Take(token)),
            }
        }
        let shortest = steps.iter().filter(|step| matches!(step, Step::Take(_))).count();
        let literal = steps.iter().map_while(|step| match step {
            Step::Take(Token::Char(c)) => Some(*c),
            _ => None,
        });
        let prefix = literal.collect();
        Steps { steps, prefix, shortest }
    }

    fn matches(&self, path: &str) -> bool {
        if path.len() < self.shortest || !path.starts_with(&self.prefix) {
            return false;
        }
        let mut live = self.start();
        let mut next = live.clone();
        for c in path.chars() {
            // A directory above that matches is enough.
            if c == '/' && live[self.steps.len()] {
                return true;
            }
            self.advance(&live, c, &mut next);
            std::mem::swap(&mut live, &mut next);
            if !live.contains(&true) {
                return false;
            }
        }
        live[self.steps.len()]
    }

    fn may_match_below(&self, dir: &str) -> bool {
        let mut live = self.start();
        let mut next = live.clone();
        for c in dir.chars().chain(std::iter::once('/')) {
            self.advance(&live, c, &mut next);
            std::mem::swap(&mut live, &mut next);
        }
        live[..self.steps.len()].contains(&true)
    }

    fn start(&self) -> Vec<bool> {
        let mut live = vec![false; self.steps.len() + 1];
        live[0] = true;
        self.skip(&mut live);
        live
    }

    fn advance(&self, live: &[bool], c: char, next: &mut [bool]) {
        next.fill(false);
        for (at, step) in self.steps.iter().enumerate().filter(|(at, _)| live[*at]) {
            match step {
                Step::Take(Token::One) if c == '/' => {}
                Step::Take(token) => next[at + 1] |= token.takes(c),
                Step::Star => next[at] |= c != '/',
                Step::Enter => {}
                Step::Inside => {
                    next[at] = true;
                    next[at + 1] |= c == '/';
                }
                Step::All => next[at] = true,
            }
        }
        self.skip(next);
    }

    /// Steps that may take nothing are passed at once.
    fn skip(&self, live: &mut [bool]) {
        for (at, step) in self.steps.iter().enumerate() {
            if !live[at] {
                continue;
            }
            match step {
                Step::Star | Step::All => live[at + 1] = true,
                Step::Enter => {
                    live[at + 1] = true;
                    live[at + 2] = true;
                }
                Step::Take(_) | Step::Inside => {}
            }
        }
    }
}
