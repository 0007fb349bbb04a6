//! FROM: the arguments and the stage's name.

use crate::error::{ErrorKind, quoted};
use crate::flags::Flags;
use crate::words::plain_words;

/// FROM, with variables not yet expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// Image, stage or `scratch`.
    pub image: String,
    /// `AS name`, in lower case.
    pub name: Option<String>,
    /// `--platform`.
    pub platform: Option<String>,
}

pub(super) fn parse(flags: &Flags, text: &str) -> Result<From, ErrorKind> {
    let platform = flags.value("platform");
    let words = plain_words(text);
    match words.as_slice() {
        [] => Err(ErrorKind::MissingArgument {
            instruction: "FROM",
            needs: "an image, a stage or scratch",
        }),
        [image] => Ok(From { image: image.clone(), name: None, platform }),
        [image, as_word, name] if as_word.eq_ignore_ascii_case("as") => {
            Ok(From { image: image.clone(), name: Some(stage_name(name)?), platform })
        }
        [_, as_word, _, extra, ..] if as_word.eq_ignore_ascii_case("as") => {
            Err(ErrorKind::ExtraArgument { instruction: "FROM", text: quoted(extra) })
        }
        [_, rest @ ..] => Err(ErrorKind::FromArguments { text: quoted(&rest.join(" ")) }),
    }
}

/// Stage names are case-insensitive.
fn stage_name(name: &str) -> Result<String, ErrorKind> {
    let lower = name.to_ascii_lowercase();
    let valid = lower.starts_with(|c: char| c.is_ascii_lowercase())
        && lower.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
    if valid { Ok(lower) } else { Err(ErrorKind::InvalidStageName { name: quoted(name) }) }
}
