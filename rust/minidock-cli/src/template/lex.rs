//! Cuts a template into texts and actions, and actions into tokens.

use super::{Result, TemplateError};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Text between actions.
    Text(String),
    /// The tokens of one `{{…}}`.
    Action(Vec<Token>),
}

/// A token of an action.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A function or keyword.
    Word(String),
    /// `.` alone.
    Dot,
    /// `.Name`; `glued` when it follows the token before without a space.
    Field { name: String, glued: bool },
    /// `$` or `$name`.
    Variable(String),
    /// Text in quotes.
    Text(String),
    /// A number.
    Number(serde_json::Number),
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    /// `,`
    Comma,
}

/// Cuts the whole template.
pub(super) fn lex(text: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim = false;
    while let Some(start) = rest.find("{{") {
        let (before, after) = (&rest[..start], &rest[start + 2..]);
        let (left_trim, body) = match after.strip_prefix('-') {
            Some(body) if body.starts_with(char::is_whitespace) => (true, body),
            _ => (false, after),
        };
        push_text(&mut pieces, before, trim, left_trim);
        let (tokens, end) = action(body)?;
        if let Some(tokens) = tokens {
            pieces.push(Piece::Action(tokens));
        }
        let inside = &body[..end];
        trim = inside.strip_suffix('-').is_some_and(|b| b.ends_with(char::is_whitespace));
        rest = &body[end + 2..];
    }
    push_text(&mut pieces, rest, trim, false);
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, trim_start: bool, trim_end: bool) {
    let text = if trim_start { text.trim_start() } else { text };
    let text = if trim_end { text.trim_end() } else { text };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// The tokens up to `}}`, and where that is; no tokens for a comment.
fn action(body: &str) -> Result<(Option<Vec<Token>>, usize)> {
    let unclosed = |what: &str| TemplateError::Unclosed { what: what.to_owned() };
    let trimmed = body.trim_start();
    if trimmed.starts_with("/*") {
        let start = body.len() - trimmed.len();
        let close = body[start..].find("*/").ok_or_else(|| unclosed("a comment"))? + start + 2;
        let end = body[close..].find("}}").ok_or_else(|| unclosed("{{"))? + close;
        return match body[close..end].trim() {
            "" | "-" => Ok((None, end)),
            _ => Err(TemplateError::Syntax { what: "a comment stands alone in {{ }}".to_owned() }),
        };
    }
    let mut lexer = Lexer { text: body, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let spaced = lexer.skip_spaces();
        let rest = lexer.rest();
        if rest.starts_with("}}") {
            return Ok((Some(tokens), lexer.at));
        }
        // The trim mark `- }}` is a minus with a space before and the end behind.
        if spaced && rest.starts_with("-}}") {
            return Ok((Some(tokens), lexer.at + 1));
        }
        if rest.is_empty() {
            return Err(unclosed("{{"));
        }
        let glued = !spaced && tokens.last().is_some_and(ends_operand);
        tokens.push(lexer.token(glued)?);
    }
}

fn ends_operand(token: &Token) -> bool {
    matches!(token, Token::Field { .. } | Token::Variable(_) | Token::Close | Token::Dot)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) -> bool {
        let rest = self.rest();
        let spaces = rest.len() - rest.trim_start().len();
        self.at += spaces;
        spaces > 0
    }

    fn token(&mut self, glued: bool) -> Result<Token> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Err(TemplateError::Unclosed { what: "{{".to_owned() });
        };
        let simple = match first {
            '|' => Some((Token::Pipe, 1)),
            '(' => Some((Token::Open, 1)),
            ')' => Some((Token::Close, 1)),
            ',' => Some((Token::Comma, 1)),
            ':' if rest.starts_with(":=") => Some((Token::Declare, 2)),
            '=' => Some((Token::Assign, 1)),
            _ => None,
        };
        if let Some((token, length)) = simple {
            self.at += length;
            return Ok(token);
        }
        match first {
            '"' => self.quoted(),
            '`' => self.raw(),
            '.' => {
                self.at += 1;
                let name = self.name();
                match name.is_empty() {
                    true => Ok(Token::Dot),
                    false => Ok(Token::Field { name, glued }),
                }
            }
            '$' => {
                self.at += 1;
                Ok(Token::Variable(self.name()))
            }
            c if c.is_ascii_digit() || matches!(c, '-' | '+') => self.number(),
            c if c.is_alphabetic() || c == '_' => Ok(Token::Word(self.name())),
            c => Err(TemplateError::Syntax { what: format!("{c:?} stands in an action") }),
        }
    }

    fn name(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn number(&mut self) -> Result<Token> {
        let rest = self.rest();
        let end = rest[1..]
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_'))
            .map_or(rest.len(), |at| at + 1);
        self.at += end;
        let text = rest[..end].strip_prefix('+').unwrap_or(&rest[..end]);
        let wrong = || TemplateError::Syntax { what: format!("{text:?} is not a number") };
        let number = match text.parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => text.parse().ok().and_then(serde_json::Number::from_f64),
        };
        number.map(Token::Number).ok_or_else(wrong)
    }

    fn raw(&mut self) -> Result<Token> {
        let rest = &self.rest()[1..];
        let end = rest
            .find('`')
            .ok_or_else(|| TemplateError::Unclosed { what: "a text in `".to_owned() })?;
        self.at += end + 2;
        Ok(Token::Text(rest[..end].to_owned()))
    }

    /// A text in double quotes, with Go's escapes (Go specification, "String literals").
    fn quoted(&mut self) -> Result<Token> {
        let unclosed = || TemplateError::Unclosed { what: "a text in quotes".to_owned() };
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        loop {
            let (at, c) = chars.next().ok_or_else(unclosed)?;
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Token::Text(text));
                }
                '\\' => {
                    let (_, escape) = chars.next().ok_or_else(unclosed)?;
                    text.push(match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        '\\' | '"' | '\'' => escape,
                        other => {
                            let what = format!("the escape \\{other} is not supported");
                            return Err(TemplateError::Syntax { what });
                        }
                    });
                }
                c => text.push(c),
            }
        }
    }
}
