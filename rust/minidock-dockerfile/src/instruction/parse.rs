//! A logical line to a typed instruction. Owns the table of keywords; the larger instructions parse
//! themselves.

use std::str::FromStr;

use super::{
    Arg, ArgVar, CommandLine, Expose, Instruction, Kind, Onbuild, copy, from, health, run,
};
use crate::arguments::{command_line, json, one_string, pairs, words_or_json};
use crate::directive::Escape;
use crate::error::{ErrorKind, ParseError, quoted};
use crate::flags::Flags;
use crate::heredoc::Heredoc;
use crate::json::{Json, string_array};
use crate::port::PortRange;
use crate::span::Span;
use crate::suggest::nearest;
use crate::words::{keyword, plain_words, quoted_words};

const KEYWORDS: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What an instruction is made from.
pub(crate) struct Input<'a> {
    /// The logical line.
    pub(crate) text: &'a str,
    /// The physical lines.
    pub(crate) source: &'a str,
    pub(crate) span: Span,
    pub(crate) escape: Escape,
}

/// The keyword in capitals, if it is one.
pub(crate) fn keyword_of(word: &str) -> Option<&'static str> {
    KEYWORDS.iter().find(|known| known.eq_ignore_ascii_case(word)).copied()
}

/// Whether heredocs of this line are to be read: RUN, COPY and ADD, also below ONBUILD, but not in
/// their JSON form.
pub(crate) fn may_hold_heredocs(line: &str, escape: Escape) -> bool {
    let (word, rest) = keyword(line);
    let (word, rest) =
        if word.eq_ignore_ascii_case("ONBUILD") { keyword(rest) } else { (word, rest) };
    let Some(name @ ("RUN" | "COPY" | "ADD")) = keyword_of(word) else { return false };
    match Flags::take(name, rest, escape) {
        Ok((_, arguments)) => !matches!(string_array(arguments), Json::Strings(_)),
        // The flag is reported when the instruction is read.
        Err(_) => false,
    }
}

pub(crate) fn parse(input: Input<'_>, heredocs: Vec<Heredoc>) -> Result<Instruction, ParseError> {
    let (span, source, escape) = (input.span, input.source, input.escape);
    let text = input.text.trim();
    let kind = kind(&input, text, heredocs).map_err(|kind| ParseError::at(kind, span, source))?;
    Ok(Instruction { span, original: text.to_owned(), source: source.to_owned(), escape, kind })
}

fn kind(input: &Input<'_>, text: &str, heredocs: Vec<Heredoc>) -> Result<Kind, ErrorKind> {
    let (word, rest) = keyword(text);
    let Some(name) = keyword_of(word) else {
        return Err(ErrorKind::UnknownInstruction {
            word: quoted(word),
            suggestion: nearest(word, KEYWORDS),
        });
    };
    if name == "ONBUILD" {
        return onbuild(input, rest, heredocs);
    }
    let escape = input.escape;
    let (flags, rest) = Flags::take(name, rest, escape)?;
    Ok(match name {
        "FROM" => Kind::From(from::parse(&flags, rest)?),
        "RUN" => Kind::Run(run::parse(&flags, rest, heredocs)?),
        "COPY" => Kind::Copy(copy::parse_copy(&flags, rest, heredocs)?),
        "ADD" => Kind::Add(copy::parse_add(&flags, rest, heredocs)?),
        "HEALTHCHECK" => Kind::Healthcheck(health::parse(&flags, rest)?),
        "ENV" => Kind::Env(pairs(name, rest, escape)?),
        "LABEL" => Kind::Label(pairs(name, rest, escape)?),
        "ARG" => Kind::Arg(arg(rest, escape)?),
        "WORKDIR" => Kind::Workdir(one_string(name, rest, "a path")?),
        "USER" => Kind::User(one_string(name, rest, "a user")?),
        "STOPSIGNAL" => Kind::StopSignal(one_string(name, rest, "a signal")?),
        "MAINTAINER" => Kind::Maintainer(one_string(name, rest, "a name")?),
        "EXPOSE" => Kind::Expose(expose(rest)?),
        "VOLUME" => Kind::Volume(volume(rest)?),
        "SHELL" => Kind::Shell(shell(rest)?),
        "CMD" => Kind::Cmd(default_command(name, rest)?),
        _ => Kind::Entrypoint(default_command("ENTRYPOINT", rest)?),
    })
}

/// CMD and ENTRYPOINT; `[]` clears what the base image has, no argument at all is a slip.
fn default_command(name: &'static str, text: &str) -> Result<CommandLine, ErrorKind> {
    match text {
        "" => Err(ErrorKind::MissingArgument { instruction: name, needs: "a command" }),
        text => command_line(name, text),
    }
}

fn arg(text: &str, escape: Escape) -> Result<Arg, ErrorKind> {
    let words = quoted_words(text, escape);
    if words.is_empty() {
        return Err(ErrorKind::MissingArgument { instruction: "ARG", needs: "a name" });
    }
    let vars = words.iter().map(|word| match word.split_once('=') {
        Some(("" | "\"\"" | "''", _)) => {
            Err(ErrorKind::BlankName { instruction: "ARG", text: quoted(word) })
        }
        Some((name, default)) => {
            Ok(ArgVar { name: name.to_owned(), default: Some(default.to_owned()) })
        }
        None => Ok(ArgVar { name: word.clone(), default: None }),
    });
    Ok(Arg { vars: vars.collect::<Result<_, _>>()? })
}

fn expose(text: &str) -> Result<Expose, ErrorKind> {
    let ports = plain_words(text);
    if ports.is_empty() {
        return Err(ErrorKind::MissingArgument { instruction: "EXPOSE", needs: "a port" });
    }
    // What holds variables or quotes is checked once it is expanded.
    for port in ports.iter().filter(|port| !port.contains(['$', '"', '\'', '\\', '`'])) {
        check_port(port)?;
    }
    Ok(Expose { ports })
}

pub(super) fn check_port(port: &str) -> Result<(), ErrorKind> {
    match PortRange::from_str(port) {
        Ok(_) => Ok(()),
        Err(reason) => Err(ErrorKind::InvalidPort { port: quoted(port), reason }),
    }
}

fn volume(text: &str) -> Result<Vec<String>, ErrorKind> {
    let (words, _) = words_or_json("VOLUME", text)?;
    let words: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    if words.is_empty() || words.iter().any(String::is_empty) {
        return Err(ErrorKind::MissingArgument {
            instruction: "VOLUME",
            needs: "paths that are not empty",
        });
    }
    Ok(words)
}

fn shell(text: &str) -> Result<Vec<String>, ErrorKind> {
    match json("SHELL", text)? {
        Some(list) if list.is_empty() => {
            Err(ErrorKind::MissingArgument { instruction: "SHELL", needs: "a program" })
        }
        Some(list) => Ok(list),
        None if text.is_empty() => {
            Err(ErrorKind::MissingArgument { instruction: "SHELL", needs: "a program" })
        }
        None => Err(ErrorKind::JsonRequired { instruction: "SHELL", text: quoted(text) }),
    }
}

fn onbuild(input: &Input<'_>, rest: &str, heredocs: Vec<Heredoc>) -> Result<Kind, ErrorKind> {
    if rest.starts_with("--") {
        // ONBUILD has none: this names the flag.
        Flags::take("ONBUILD", rest, input.escape)?;
    }
    let (trigger, _) = keyword(rest);
    if trigger.is_empty() {
        return Err(ErrorKind::MissingArgument { instruction: "ONBUILD", needs: "an instruction" });
    }
    if let Some("ONBUILD" | "FROM" | "MAINTAINER") = keyword_of(trigger) {
        return Err(ErrorKind::OnbuildTrigger { trigger: trigger.to_owned() });
    }
    let mut expression = rest.to_owned();
    for heredoc in &heredocs {
        expression.push('\n');
        expression.push_str(&heredoc.content);
        expression.push_str(&heredoc.name);
    }
    let nested = Instruction {
        span: input.span,
        original: rest.to_owned(),
        source: input.source.to_owned(),
        escape: input.escape,
        kind: kind(input, rest, heredocs)?,
    };
    Ok(Kind::Onbuild(Onbuild { expression, instruction: Box::new(nested) }))
}
