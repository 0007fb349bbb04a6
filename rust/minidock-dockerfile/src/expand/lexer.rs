//! The lexer of expansion: one pass over the characters, recursion bounded. Owns quotes, escapes
//! and `${…}` forms; patterns are in `pattern`.

use std::iter::Peekable;
use std::str::Chars;

use super::pattern::Pattern;
use super::{ExpandError, Expander, MAX_DEPTH, MAX_GROWTH};

/// Text under construction, split into words as it grows.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
    word: String,
    words: Vec<String>,
}

impl Output {
    /// A character that white space splits at.
    fn split_char(&mut self, c: char) {
        self.text.push(c);
        if !c.is_whitespace() {
            self.word.push(c);
        } else if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    /// Quoted or escaped text, which never splits.
    fn whole(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    pub(super) fn into_words(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        self.words
    }
}

pub(super) struct Lexer<'e, 'a, 't> {
    expander: &'e mut Expander<'a>,
    chars: Peekable<Chars<'t>>,
    quotes: bool,
    depth: usize,
    /// Bytes that may still be written, over all nesting levels.
    budget: usize,
}

impl<'e, 'a, 't> Lexer<'e, 'a, 't> {
    pub(super) fn new(expander: &'e mut Expander<'a>, text: &'t str, quotes: bool) -> Self {
        let budget = text.len().saturating_add(MAX_GROWTH);
        Lexer { expander, chars: text.chars().peekable(), quotes, depth: 0, budget }
    }

    pub(super) fn run(mut self) -> Result<Output, ExpandError> {
        self.until(None, false)
    }

    /// Reads up to `stop` (consumed) or, without one, to the end. `raw`: escapes stay in the text,
    /// because it is a pattern.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<Output, ExpandError> {
        let mut out = Output::default();
        while let Some(c) = self.chars.next() {
            if Some(c) == stop {
                return Ok(out);
            }
            match c {
                '\'' if self.quotes => self.single_quoted(&mut out)?,
                '"' if self.quotes => {
                    let text = self.double_quoted(raw)?;
                    out.whole(&text);
                }
                '$' => {
                    let value = self.dollar()?;
                    value.chars().for_each(|c| out.split_char(c));
                }
                c if c == self.expander.escape() => {
                    // At the very end it stands for nothing, except in a pattern.
                    if raw {
                        out.whole(c.encode_utf8(&mut [0; 4]));
                    }
                    if let Some(next) = self.chars.next() {
                        out.whole(next.encode_utf8(&mut [0; 4]));
                    }
                }
                c => out.split_char(c),
            }
        }
        if stop.is_some() { Err(ExpandError::Brace) } else { Ok(out) }
    }

    fn single_quoted(&mut self, out: &mut Output) -> Result<(), ExpandError> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('\'') => break,
                Some(c) => text.push(c),
                None => return Err(ExpandError::Quote { quote: '\'' }),
            }
        }
        out.whole(&text);
        Ok(())
    }

    fn double_quoted(&mut self, raw: bool) -> Result<String, ExpandError> {
        let escape = self.expander.escape();
        let mut out = String::new();
        loop {
            match self.chars.next() {
                None => return Err(ExpandError::Quote { quote: '"' }),
                Some('"') => return Ok(out),
                Some('$') => out.push_str(&self.dollar()?),
                Some(c) if c == escape => {
                    let escaped =
                        self.chars.next_if(|next| *next == '"' || *next == '$' || *next == escape);
                    if raw || escaped.is_none() {
                        out.push(c);
                    }
                    out.extend(escaped);
                }
                Some(c) => out.push(c),
            }
        }
    }

    /// What follows `$`; the result's length is taken from the budget.
    fn dollar(&mut self) -> Result<String, ExpandError> {
        let value = if self.chars.next_if_eq(&'{').is_some() {
            if self.depth == MAX_DEPTH {
                return Err(ExpandError::Depth);
            }
            self.depth += 1;
            let value = self.braced()?;
            self.depth -= 1;
            value
        } else {
            match self.name() {
                name if name.is_empty() => "$".to_owned(),
                name => self.expander.get(&name).unwrap_or_default(),
            }
        };
        self.budget = self.budget.checked_sub(value.len()).ok_or(ExpandError::TooLong)?;
        Ok(value)
    }

    /// After `${`.
    fn braced(&mut self) -> Result<String, ExpandError> {
        if self.chars.peek().is_none() {
            return Err(ExpandError::Brace);
        }
        let name = self.name();
        if name.is_empty() {
            return Err(ExpandError::Name);
        }
        let Some(operator) = self.chars.next() else { return Err(ExpandError::Brace) };
        match operator {
            '}' => Ok(self.expander.get(&name).unwrap_or_default()),
            ':' => {
                let Some(operator) = self.chars.next() else { return Err(ExpandError::Brace) };
                self.conditional(name, operator, true)
            }
            '-' | '+' | '?' => self.conditional(name, operator, false),
            '#' | '%' => self.trimmed(name, operator),
            '/' => self.replaced(name),
            other => Err(ExpandError::Modifier { name, modifier: other.to_string() }),
        }
    }

    /// `:-` and its kin; with the colon an empty value counts as unset.
    fn conditional(
        &mut self,
        name: String,
        operator: char,
        colon: bool,
    ) -> Result<String, ExpandError> {
        if !matches!(operator, '-' | '+' | '?') {
            return Err(ExpandError::Modifier { name, modifier: format!(":{operator}") });
        }
        let word = self.until(Some('}'), false)?.text;
        let value = self.expander.get(&name);
        let unset = value.is_none();
        let value = value.filter(|value| !(colon && value.is_empty()));
        match (operator, value) {
            ('-', Some(value)) | ('?', Some(value)) => Ok(value),
            ('-', None) | ('+', Some(_)) => Ok(word),
            ('+', None) => Ok(String::new()),
            _ if !word.is_empty() => Err(ExpandError::Required { name, message: word }),
            _ => {
                let message =
                    if unset { "is not allowed to be unset" } else { "is not allowed to be empty" };
                Err(ExpandError::Required { name, message: message.to_owned() })
            }
        }
    }

    /// `${v#p}`, `${v##p}`, `${v%p}`, `${v%%p}`.
    fn trimmed(&mut self, name: String, operator: char) -> Result<String, ExpandError> {
        let longest = self.chars.next_if_eq(&operator).is_some();
        let word = self.until(Some('}'), true)?.text;
        let pattern = Pattern::parse(&word, self.expander.escape(), &name)?;
        let value = self.expander.get(&name).unwrap_or_default();
        if operator == '#' {
            pattern.without_prefix(&value, longest, &name)
        } else {
            pattern.without_suffix(&value, longest, &name)
        }
    }

    /// `${v/p/w}` and `${v//p/w}`.
    fn replaced(&mut self, name: String) -> Result<String, ExpandError> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let word = self.until(Some('/'), true)?.text;
        let pattern = Pattern::parse(&word, self.expander.escape(), &name)?;
        let with = self.until(Some('}'), false)?.text;
        let value = self.expander.get(&name).unwrap_or_default();
        pattern.replace(&value, &with, all, self.budget, &name)
    }

    /// A name, the digits of a positional parameter, or one special parameter.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let Some(&first) = self.chars.peek() else { return name };
        let belongs: fn(char) -> bool = match first {
            c if c.is_ascii_digit() => |c| c.is_ascii_digit(),
            '@' | '*' | '#' | '?' | '-' | '$' | '!' => {
                name.extend(self.chars.next());
                return name;
            }
            _ => |c| c.is_alphanumeric() || c == '_',
        };
        while let Some(c) = self.chars.next_if(|c| belongs(*c)) {
            name.push(c);
        }
        name
    }
}
