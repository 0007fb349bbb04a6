//! What follows the keyword and the flags, in the shapes that several instructions share: a command
//! line, name and value pairs, one string, words. Owns these shapes' errors.

use crate::directive::Escape;
use crate::error::{ErrorKind, quoted};
use crate::instruction::{CommandLine, Pair};
use crate::json::{Json, string_array};
use crate::words::{plain_words, quoted_words};

/// JSON or a shell's line (RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD).
pub(crate) fn command_line(
    instruction: &'static str,
    text: &str,
) -> Result<CommandLine, ErrorKind> {
    match json(instruction, text)? {
        Some(list) => Ok(CommandLine::Exec(list)),
        None => Ok(CommandLine::Shell(text.to_owned())),
    }
}

/// JSON or words split at white space (COPY, ADD, VOLUME). The flag says that it was JSON.
pub(crate) fn words_or_json(
    instruction: &'static str,
    text: &str,
) -> Result<(Vec<String>, bool), ErrorKind> {
    match json(instruction, text)? {
        Some(list) => Ok((list, true)),
        None => Ok((plain_words(text), false)),
    }
}

/// A JSON array of strings, `None` for plain text, an error for an array of anything else.
pub(crate) fn json(
    instruction: &'static str,
    text: &str,
) -> Result<Option<Vec<String>>, ErrorKind> {
    match string_array(text) {
        Json::Strings(list) => Ok(Some(list)),
        Json::Plain => Ok(None),
        Json::NotStrings => Err(ErrorKind::JsonNotStrings { instruction, text: quoted(text) }),
        Json::HalfSurrogate => Err(ErrorKind::JsonUnicode { instruction, text: quoted(text) }),
    }
}

/// `NAME=VALUE…`, or the old form `NAME VALUE` (ENV, LABEL).
pub(crate) fn pairs(
    instruction: &'static str,
    text: &str,
    escape: Escape,
) -> Result<Vec<Pair>, ErrorKind> {
    let words = quoted_words(text, escape);
    let Some(first) = words.first() else {
        return Err(ErrorKind::MissingArgument { instruction, needs: "NAME=VALUE" });
    };
    if !first.contains('=') {
        return old_form(instruction, text).map(|pair| vec![pair]);
    }
    words.iter().map(|word| pair(instruction, word)).collect()
}

fn pair(instruction: &'static str, word: &str) -> Result<Pair, ErrorKind> {
    match word.split_once('=') {
        Some(("" | "\"\"" | "''", _)) => {
            Err(ErrorKind::BlankName { instruction, text: quoted(word) })
        }
        Some((name, value)) => Ok(Pair { name: name.to_owned(), value: value.to_owned() }),
        None => Err(ErrorKind::MissingEquals { instruction, text: quoted(word) }),
    }
}

fn old_form(instruction: &'static str, text: &str) -> Result<Pair, ErrorKind> {
    match text.trim().split_once(char::is_whitespace) {
        Some((name, value)) => {
            Ok(Pair { name: name.to_owned(), value: value.trim_start().to_owned() })
        }
        None => Err(ErrorKind::MissingEquals { instruction, text: quoted(text) }),
    }
}

/// The whole text as one argument (WORKDIR, USER, STOPSIGNAL, MAINTAINER).
pub(crate) fn one_string(
    instruction: &'static str,
    text: &str,
    needs: &'static str,
) -> Result<String, ErrorKind> {
    match text {
        "" => Err(ErrorKind::MissingArgument { instruction, needs }),
        text => Ok(text.to_owned()),
    }
}
