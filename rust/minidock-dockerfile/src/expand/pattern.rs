//! Shell patterns in `${v#p}` and its kin: `*` and `?`, no brackets, as BuildKit has them. Owns
//! matching in bounded work (a set of positions, never backtracking).

use super::ExpandError;

/// Most steps (pattern positions times characters) one expansion may take.
const MAX_WORK: usize = 1 << 26;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

pub(super) struct Pattern {
    tokens: Vec<Token>,
}

impl Pattern {
    pub(super) fn parse(text: &str, escape: char, name: &str) -> Result<Self, ExpandError> {
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' if tokens.last() == Some(&Token::Many) => continue,
                '*' => Token::Many,
                '?' => Token::One,
                c if c == escape => match chars.next() {
                    Some(c @ ('*' | '?' | '}' | '/')) => Token::Char(c),
                    Some(c) if c == escape => Token::Char(c),
                    Some(character) => {
                        return Err(ExpandError::PatternEscape {
                            name: name.to_owned(),
                            character,
                        });
                    }
                    None => Token::Char(c),
                },
                c => Token::Char(c),
            });
        }
        Ok(Pattern { tokens })
    }

    pub(super) fn without_prefix(
        &self,
        value: &str,
        longest: bool,
        name: &str,
    ) -> Result<String, ExpandError> {
        let chars: Vec<char> = value.chars().collect();
        let end = self.matched(&chars, longest, &mut Work::new(name))?.unwrap_or(0);
        Ok(chars[end..].iter().collect())
    }

    /// The suffix is the prefix of both read backwards.
    pub(super) fn without_suffix(
        &self,
        value: &str,
        longest: bool,
        name: &str,
    ) -> Result<String, ExpandError> {
        let backwards = Pattern { tokens: self.tokens.iter().rev().copied().collect() };
        let chars: Vec<char> = value.chars().rev().collect();
        let end = backwards.matched(&chars, longest, &mut Work::new(name))?.unwrap_or(0);
        Ok(chars[end..].iter().rev().collect())
    }

    /// The leftmost longest match, or all of them, replaced; the result is bounded by `limit`.
    pub(super) fn replace(
        &self,
        value: &str,
        with: &str,
        all: bool,
        limit: usize,
        name: &str,
    ) -> Result<String, ExpandError> {
        let chars: Vec<char> = value.chars().collect();
        let mut work = Work::new(name);
        let mut out = String::new();
        let mut at = 0;
        let mut done = false;
        // `<=`: an empty pattern matches at the end too.
        while at <= chars.len() {
            let found = if done { None } else { self.matched(&chars[at..], true, &mut work)? };
            let next = match found {
                Some(length) => {
                    out.push_str(with);
                    done = !all;
                    at + length
                }
                None => at,
            };
            if next == at {
                out.extend(chars.get(at));
                at += 1;
            } else {
                at = next;
                // A match that ends the value leaves nothing to match at its end.
                if at == chars.len() {
                    break;
                }
            }
            if out.len() > limit {
                return Err(ExpandError::TooLong);
            }
        }
        Ok(out)
    }

    /// Length of the shortest or longest match at the start of `chars`.
    fn matched(
        &self,
        chars: &[char],
        longest: bool,
        work: &mut Work<'_>,
    ) -> Result<Option<usize>, ExpandError> {
        let end = self.tokens.len();
        let mut live = vec![false; end + 1];
        live[0] = true;
        self.skip_stars(&mut live);
        let mut found = live[end].then_some(0);
        for (index, c) in chars.iter().enumerate() {
            if (found.is_some() && !longest) || !live[..end].contains(&true) {
                break;
            }
            // A star at the end takes everything that is left.
            if end > 0 && live[end - 1] && self.tokens[end - 1] == Token::Many {
                return Ok(Some(if longest { chars.len() } else { index }));
            }
            work.spend(end + 1)?;
            let mut next = vec![false; end + 1];
            for (position, token) in self.tokens.iter().enumerate().filter(|(p, _)| live[*p]) {
                match token {
                    Token::Many => next[position] = true,
                    Token::One => next[position + 1] = true,
                    Token::Char(wanted) if wanted == c => next[position + 1] = true,
                    Token::Char(_) => {}
                }
            }
            self.skip_stars(&mut next);
            live = next;
            if live[end] {
                found = Some(index + 1);
            }
        }
        Ok(found)
    }

    /// A star may stand for nothing.
    fn skip_stars(&self, live: &mut [bool]) {
        for (position, token) in self.tokens.iter().enumerate() {
            if live[position] && *token == Token::Many {
                live[position + 1] = true;
            }
        }
    }
}

/// Steps left.
struct Work<'a> {
    left: usize,
    name: &'a str,
}

impl<'a> Work<'a> {
    fn new(name: &'a str) -> Self {
        Work { left: MAX_WORK, name }
    }

    fn spend(&mut self, steps: usize) -> Result<(), ExpandError> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(ExpandError::PatternWork { name: self.name.to_owned() }),
        }
    }
}
