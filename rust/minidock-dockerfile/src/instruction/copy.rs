//! COPY and ADD: sources, destination and flags. Owns their shape; paths are cleaned by
//! `source_path`, patterns are matched by `glob`.

use std::collections::VecDeque;

use crate::arguments::words_or_json;
use crate::error::{ErrorKind, quoted};
use crate::flags::Flags;
use crate::heredoc::{Heredoc, parse_word};

/// COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// `--from`: stage number, stage name or image; see `Stages::source`.
    pub from: Option<String>,
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`, in order.
    pub exclude: Vec<String>,
    /// At least one.
    pub sources: Vec<CopySource>,
    /// Where to.
    pub dest: String,
}

/// ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--exclude`, in order.
    pub exclude: Vec<String>,
    /// `--checksum` of a URL's content.
    pub checksum: Option<String>,
    /// `--keep-git-dir`, where given.
    pub keep_git_dir: Option<bool>,
    /// `--unpack`, where given: by default local archives are unpacked and URLs are not.
    pub unpack: Option<bool>,
    /// At least one.
    pub sources: Vec<CopySource>,
    /// Where to.
    pub dest: String,
}

/// Something to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopySource {
    /// A path or pattern; for ADD also a URL or a git address.
    Path(String),
    /// A file with the heredoc's body, named after its delimiter.
    Heredoc(Heredoc),
}

pub(super) fn parse_copy(
    flags: &Flags,
    text: &str,
    heredocs: Vec<Heredoc>,
) -> Result<Copy, ErrorKind> {
    let (sources, dest) = paths("COPY", text, heredocs)?;
    let from = flags.value("from");
    if let Some(from) = from.as_ref().filter(|from| from.contains('$')) {
        return Err(ErrorKind::VariableInFrom { instruction: "COPY", from: quoted(from) });
    }
    Ok(Copy {
        from,
        chown: flags.value("chown"),
        chmod: flags.value("chmod"),
        link: flags.switch("link").unwrap_or(false),
        parents: flags.switch("parents").unwrap_or(false),
        exclude: flags.values("exclude"),
        sources,
        dest,
    })
}

pub(super) fn parse_add(
    flags: &Flags,
    text: &str,
    heredocs: Vec<Heredoc>,
) -> Result<Add, ErrorKind> {
    let (sources, dest) = paths("ADD", text, heredocs)?;
    Ok(Add {
        chown: flags.value("chown"),
        chmod: flags.value("chmod"),
        link: flags.switch("link").unwrap_or(false),
        exclude: flags.values("exclude"),
        checksum: flags.value("checksum"),
        keep_git_dir: flags.switch("keep-git-dir"),
        unpack: flags.switch("unpack"),
        sources,
        dest,
    })
}

fn paths(
    instruction: &'static str,
    text: &str,
    heredocs: Vec<Heredoc>,
) -> Result<(Vec<CopySource>, String), ErrorKind> {
    let (mut words, json) = words_or_json(instruction, text)?;
    let Some(dest) = words.pop().filter(|_| !words.is_empty()) else {
        let needs = "at least one source and a destination";
        return Err(ErrorKind::MissingArgument { instruction, needs });
    };
    if !json && parse_word(&dest).is_some() {
        return Err(ErrorKind::HeredocDestination { instruction, text: quoted(&dest) });
    }
    let mut heredocs = VecDeque::from(heredocs);
    let mut sources = Vec::with_capacity(words.len());
    for word in words {
        let announced = if json { None } else { parse_word(&word) };
        sources.push(match announced {
            None => CopySource::Path(word),
            // Not read when another word of the line has an open quote.
            Some(wanted) => {
                let read = heredocs.iter().position(|read| read.name == wanted.name);
                match read.and_then(|at| heredocs.remove(at)) {
                    Some(read) if read.names_a_file() => CopySource::Heredoc(read),
                    Some(read) => {
                        return Err(ErrorKind::HeredocName { instruction, name: read.name });
                    }
                    None => return Err(ErrorKind::UnterminatedHeredoc { name: wanted.name }),
                }
            }
        });
    }
    if sources.iter().any(|source| matches!(source, CopySource::Path(path) if path.is_empty())) {
        return Err(ErrorKind::MissingArgument {
            instruction,
            needs: "sources that are not empty",
        });
    }
    Ok((sources, dest))
}
