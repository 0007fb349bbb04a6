//! From clap's complaints to one line that names what is wrong and how to mend it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Failure, Statuses};
use crate::refused;

/// What a line that clap could not read turns out to be.
pub(crate) enum Misread {
    /// Somebody asked for help.
    Help(String),
    /// It is wrong.
    Failure(Failure),
}

/// The words of the command that a line names: `["container", "run"]`.
pub(crate) fn path(definition: &clap::Command, arguments: &[OsString]) -> Vec<String> {
    let mut path = Vec::new();
    let mut command = definition;
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { break };
        match word {
            // These take a value of their own.
            "--root" | "--userns" => drop(words.next()),
            _ if word.starts_with('-') => {}
            _ => match command.find_subcommand(word) {
                Some(found) => {
                    path.push(found.get_name().to_owned());
                    command = found;
                }
                None => break,
            },
        }
    }
    path
}

/// How a misread line exits: what would have run a program has docker's 125.
pub(crate) fn statuses(path: &[String], arguments: &[OsString]) -> Statuses {
    let attaches = || {
        arguments.iter().filter_map(|a| a.to_str()).any(|a| {
            a == "--attach" || (a.starts_with('-') && !a.starts_with("--") && a.contains('a'))
        })
    };
    match path.last().map(String::as_str) {
        Some("run" | "exec") => Statuses::OfProgram,
        Some("start") if attaches() => Statuses::OfProgram,
        _ => Statuses::Plain,
    }
}

/// Reads clap's complaint.
pub(crate) fn read(error: &clap::Error, path: &[String]) -> Misread {
    let help = match path {
        [] => "`minidock --help` lists the commands".to_owned(),
        path => format!("`minidock {} --help` shows what there is", path.join(" ")),
    };
    let get = |kind| error.get(kind).map(shown).unwrap_or_default();
    let argument = get(ContextKind::InvalidArg);
    let value = get(ContextKind::InvalidValue);
    let suggested =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .map(get)
            .find(|text| !text.is_empty());
    let hint = match &suggested {
        Some(near) => format!("did you mean {near}? {help}"),
        None => help,
    };
    let message = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => return Misread::Help(error.render().to_string()),
        ErrorKind::UnknownArgument => {
            if let Some(failure) = refused::flag(path, &argument) {
                return Misread::Failure(failure);
            }
            match argument.starts_with('-') {
                true => format!("unknown flag {argument}"),
                false => format!("{argument:?} is one argument too many"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let word = get(ContextKind::InvalidSubcommand);
            if let Some(failure) = refused::command(path, &word) {
                return Misread::Failure(failure);
            }
            format!("{word:?} is not a command")
        }
        ErrorKind::MissingRequiredArgument => {
            format!("{} is missing", argument.replace('\n', ", "))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue => {
            let valid = get(ContextKind::ValidValue);
            return Misread::Failure(Failure::usage(
                format!("{argument}: {value:?} is not one of {valid}"),
                hint,
            ));
        }
        ErrorKind::ValueValidation => {
            use std::error::Error as _;
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            format!("{argument}: {value:?}: {why}")
        }
        ErrorKind::ArgumentConflict => {
            format!("{argument} cannot be used with {}", get(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("{argument} takes no value, {value:?} was given"),
        ErrorKind::InvalidUtf8 => "an argument that has to be text is not UTF-8".to_owned(),
        ErrorKind::NoEquals => format!("{argument} needs = before its value"),
        _ => first_line(&error.render().to_string()),
    };
    Misread::Failure(Failure::usage(message, hint))
}

fn shown(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::StyledStrs(texts) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        ContextValue::Number(number) => number.to_string(),
        ContextValue::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn complaint(line: &str) -> (String, u8) {
        let arguments: Vec<OsString> = std::iter::once("minidock")
            .chain(line.split_whitespace())
            .map(OsString::from)
            .collect();
        let definition = cli::definition();
        let error = definition.clone().try_get_matches_from(&arguments).unwrap_err();
        let path = path(&definition, &arguments);
        match read(&error, &path) {
            Misread::Help(text) => (text, 0),
            Misread::Failure(failure) => {
                let status = failure.status(statuses(&path, &arguments));
                (format!("{failure}\n{}", failure.hint().unwrap_or_default()), status)
            }
        }
    }

    #[test]
    fn complaints() {
        for (line, text, status) in [
            ("run --nope x", "unknown flag --nope\n`minidock run --help` shows", 125),
            ("container run --nope x", "unknown flag --nope\n`minidock container run --help`", 125),
            ("run", "is missing", 125),
            ("run --memory 5m x", "--memory is not supported: ", 125),
            ("run -m 5m x", "-m is not supported: ", 125),
            ("run --cpus=2 x", "--cpus is not supported: ", 125),
            ("create --restart always x", "--restart is not supported: ", 1),
            ("exec --privileged c ls", "--privileged is not supported: ", 125),
            ("ps -s", "-s is not supported: ", 1),
            ("build --secret id=x .", "--secret is not supported: ", 1),
            ("login -p x", "-p is not supported: every user of this host could read it", 1),
            ("top x", "`minidock top` is not built in yet", 1),
            ("runn x", "\"runn\" is not a command\ndid you mean ", 2),
            ("container nope", "\"nope\" is not a command", 2),
            ("ps --al", "unknown flag --al\ndid you mean --all", 2),
            ("ps x", "\"x\" is one argument too many", 2),
            ("run --pull sometimes x", "--pull", 125),
            ("stop -t x c", "-t", 2),
            ("--root", "--root", 2),
        ] {
            let (shown, found) = complaint(line);
            assert!(shown.contains(text), "{line}: {shown}");
            assert_eq!(found, status, "{line}: {shown}");
            assert_eq!(shown.lines().count(), 2, "{line}: {shown}");
        }
    }

    #[test]
    fn help_is_no_failure() {
        for line in ["--help", "run --help", "container --help", "image ls --help", "container"] {
            let (text, status) = complaint(line);
            assert_eq!(status, 0, "{line}");
            assert!(text.contains("Usage: minidock"), "{line}: {text}");
        }
    }
}
