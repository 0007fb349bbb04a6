//! Where COPY and ADD put files, and what of their flags and sources is not offered.

use minidock_dockerfile::{Add, Copy, CopySource};

use crate::build::failure::Place;
use crate::build::stage::{StageState, absolute};
use crate::error::Result;

/// Where files go and what becomes of them there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::build) struct Target {
    /// Absolute.
    pub(in crate::build) path: String,
    /// It is a directory, whatever is there.
    pub(in crate::build) directory: bool,
    /// `--chown`.
    pub(in crate::build) chown: Option<String>,
    /// `--chmod`.
    pub(in crate::build) chmod: Option<u32>,
}

/// What COPY and ADD have in common.
pub(super) struct Common<'a> {
    name: &'static str,
    dest: &'a str,
    sources: usize,
    chown: Option<&'a str>,
    chmod: Option<&'a str>,
    refused: Option<&'static str>,
}

impl<'a> From<&'a Copy> for Common<'a> {
    fn from(copy: &'a Copy) -> Self {
        let flags = [
            ("--link", copy.link),
            ("--parents", copy.parents),
            ("--exclude", !copy.exclude.is_empty()),
        ];
        Self {
            name: "COPY",
            dest: &copy.dest,
            sources: copy.sources.len(),
            chown: copy.chown.as_deref(),
            chmod: copy.chmod.as_deref(),
            refused: flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name),
        }
    }
}

impl<'a> From<&'a Add> for Common<'a> {
    fn from(add: &'a Add) -> Self {
        let flags = [("--link", add.link), ("--exclude", !add.exclude.is_empty())];
        Self {
            name: "ADD",
            dest: &add.dest,
            sources: add.sources.len(),
            chown: add.chown.as_deref(),
            chmod: add.chmod.as_deref(),
            refused: flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name),
        }
    }
}

pub(super) fn target(stage: &StageState, common: Common<'_>, place: Place<'_>) -> Result<Target> {
    let Common { name, dest, .. } = common;
    if let Some(flag) = common.refused {
        return Err(place.unsupported(&format!("{name} {flag}"), "leave the flag out"));
    }
    if dest.is_empty() {
        let hint = "`.` is the working directory";
        return Err(place.mistake("the destination is empty", None, hint));
    }
    let last = dest.rsplit('/').next().unwrap_or_default();
    let directory = matches!(last, "" | "." | "..");
    if common.sources > 1 && !directory {
        let message = format!("{name} with several sources needs a directory as destination");
        return Err(place.mistake(&message, Some(dest), "end the destination with a slash"));
    }
    let chmod = common.chmod.filter(|mode| !mode.is_empty());
    let chmod = chmod.map(|text| {
        octal(text).ok_or_else(|| {
            let message = format!("{name} --chmod takes an octal mode");
            place.mistake(&message, Some(text), "write 0755 or the like")
        })
    });
    Ok(Target {
        path: absolute(&stage.workdir(), dest),
        directory,
        chown: common.chown.filter(|owner| !owner.is_empty()).map(str::to_owned),
        chmod: chmod.transpose()?,
    })
}

fn octal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o7777)
}

pub(super) fn refuse_add(add: &Add, place: Place<'_>) -> Result<()> {
    for source in &add.sources {
        let CopySource::Path(path) = source else { continue };
        if let Some(what) = remote(path) {
            let hint = "fetch it beforehand and COPY it, or fetch it in a RUN";
            return Err(place.unsupported(&format!("ADD of {what}"), hint));
        }
    }
    if add.checksum.is_some() {
        return Err(place.unsupported("ADD --checksum", "it is for URLs, which cannot be added"));
    }
    if add.keep_git_dir.is_some() {
        return Err(place.unsupported("ADD --keep-git-dir", "it is for git, which cannot be added"));
    }
    Ok(())
}

/// What a source of ADD is, if no file of the context. The address itself may hold a password.
pub(super) fn remote(path: &str) -> Option<&'static str> {
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match scheme {
        Some("git" | "ssh" | "git+ssh") => Some("a git repository"),
        Some("http" | "https") if path.ends_with(".git") || path.contains(".git#") => {
            Some("a git repository")
        }
        Some(scheme) if is_scheme(scheme) => Some("a URL"),
        _ if path.starts_with("git@") => Some("a git repository"),
        _ => None,
    }
}
