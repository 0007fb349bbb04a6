//! `--flag=value` before an instruction's arguments. Owns which flags each instruction knows; their
//! values are read by the instruction.

use crate::directive::Escape;
use crate::error::{ErrorKind, quoted};
use crate::suggest::nearest;

/// How a flag is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `--link`, `--link=true`, `--link=false`.
    Bool,
    /// `--chown=1:1`, once.
    Value,
    /// `--mount=…`, any number of times.
    Values,
}

type Known = &'static [(&'static str, Form)];

const FROM: Known = &[("platform", Form::Value)];
const RUN: Known = &[
    ("mount", Form::Values),
    ("network", Form::Value),
    ("security", Form::Value),
    ("device", Form::Values),
];
const COPY: Known = &[
    ("from", Form::Value),
    ("chown", Form::Value),
    ("chmod", Form::Value),
    ("link", Form::Bool),
    ("parents", Form::Bool),
    ("exclude", Form::Values),
];
const ADD: Known = &[
    ("chown", Form::Value),
    ("chmod", Form::Value),
    ("link", Form::Bool),
    ("exclude", Form::Values),
    ("checksum", Form::Value),
    ("keep-git-dir", Form::Bool),
    ("unpack", Form::Bool),
];
const HEALTHCHECK: Known = &[
    ("interval", Form::Value),
    ("timeout", Form::Value),
    ("start-period", Form::Value),
    ("start-interval", Form::Value),
    ("retries", Form::Value),
];

fn known(instruction: &str) -> Known {
    match instruction {
        "FROM" => FROM,
        "RUN" => RUN,
        "COPY" => COPY,
        "ADD" => ADD,
        "HEALTHCHECK" => HEALTHCHECK,
        _ => &[],
    }
}

/// Names of the flags an instruction knows.
pub(crate) fn known_flags(instruction: &str) -> Vec<&'static str> {
    known(instruction).iter().map(|(name, _)| *name).collect()
}

/// The flags of one instruction, checked by name and form.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    given: Vec<(&'static str, String)>,
}

impl Flags {
    /// Takes the flags off the front of `text`; returns them and the arguments.
    pub(crate) fn take<'t>(
        instruction: &'static str,
        text: &'t str,
        escape: Escape,
    ) -> Result<(Flags, &'t str), ErrorKind> {
        let mut flags = Flags::default();
        let mut rest = text.trim();
        while rest.starts_with("--") {
            let (word, after) = word(rest, escape)
                .ok_or_else(|| ErrorKind::FlagQuote { instruction, text: quoted(rest) })?;
            rest = after.trim_start();
            if word == "--" {
                break;
            }
            flags.add(instruction, &word[2..])?;
        }
        Ok((flags, rest))
    }

    fn add(&mut self, instruction: &'static str, word: &str) -> Result<(), ErrorKind> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let known = known(instruction);
        let Some((flag, form)) = known.iter().find(|(flag, _)| *flag == name).copied() else {
            let suggestion = nearest(name, &known_flags(instruction));
            return Err(ErrorKind::UnknownFlag { instruction, flag: quoted(name), suggestion });
        };
        if form != Form::Values && self.given.iter().any(|(given, _)| *given == flag) {
            return Err(ErrorKind::DuplicateFlag { instruction, flag: flag.to_owned() });
        }
        let value = match (form, value) {
            (Form::Bool, None) => "true".to_owned(),
            (Form::Bool, Some(value)) => match value.to_ascii_lowercase().as_str() {
                lower @ ("true" | "false") => lower.to_owned(),
                _ => {
                    let expected = "true or false";
                    return Err(ErrorKind::FlagValue {
                        instruction,
                        flag,
                        value: quoted(value),
                        expected,
                    });
                }
            },
            (_, Some(value)) if !value.is_empty() => value.to_owned(),
            (_, _) => {
                return Err(ErrorKind::FlagWithoutValue { instruction, flag: flag.to_owned() });
            }
        };
        self.given.push((flag, value));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.values(name).pop()
    }

    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let given = self.given.iter().filter(|(flag, _)| *flag == name);
        given.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        self.value(name).map(|value| value == "true")
    }
}

/// One word with quotes and escapes taken off, and what follows; `None` if a quote does not close.
fn word(text: &str, escape: Escape) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            _ if c == escape.as_char() => word.extend(chars.next().map(|(_, c)| c)),
            Some(open) if c == open => quote = None,
            Some(_) => word.push(c),
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => return Some((word, &text[at..])),
            None => word.push(c),
        }
    }
    quote.is_none().then_some((word, ""))
}
