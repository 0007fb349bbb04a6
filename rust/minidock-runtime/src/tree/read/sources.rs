//! Which files the paths and patterns of a COPY mean. Literal components are resolved within
//! the root; patterns match real names only, and never look through a symbolic link.

use std::os::fd::BorrowedFd;

use minidock_image::layer::EntryPath;
use minidock_proto::request::{Failure, FailureKind};
use rustix::fs::FileType;

use super::super::glob::{self, Pattern};
use super::super::resolve::{names, resolve};
use crate::failure::{Result, failure, failure_with_hint};

/// A file or directory to be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Where it really is.
    pub(super) path: EntryPath,
    /// What it is; a symbolic link was followed.
    pub(super) kind: FileType,
    /// The name that it was named by; none for the root.
    pub(super) name: Option<EntryPath>,
}

/// What a path or pattern names, in the order of names; never nothing.
pub(super) fn expand(root: BorrowedFd<'_>, asked: &[u8]) -> Result<Vec<Source>> {
    let components: Vec<_> = names(asked).collect();
    let literal = components.iter().take_while(|name| !glob::is_pattern(name)).count();
    if literal == components.len() {
        return Ok(vec![source(root, asked, asked)?]);
    }
    let patterns: Vec<_> = components[literal..]
        .iter()
        .map(|component| Pattern::parse(component).ok_or_else(|| malformed(asked)))
        .collect::<Result<_>>()?;
    let start = resolve(root, &components[..literal].join(&b'/'))?;
    let mut level = vec![(start.path, start.found)];
    for pattern in &patterns {
        let mut next = Vec::new();
        for (directory, kind) in level {
            if kind == Some(FileType::Directory) {
                matching(root, &directory, pattern, &mut next)?;
            }
        }
        level = next;
    }
    if level.is_empty() {
        return Err(missing(asked));
    }
    level.iter().map(|(path, _)| source(root, path.as_bytes(), asked)).collect()
}

/// Adds what matches in a directory, in the order of names.
fn matching(
    root: BorrowedFd<'_>,
    directory: &EntryPath,
    pattern: &Pattern,
    found: &mut Vec<(EntryPath, Option<FileType>)>,
) -> Result<()> {
    let mut listed = super::list(root, directory)?;
    listed.retain(|(name, kind)| *kind != FileType::Socket && pattern.matches(name));
    listed.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    for (name, kind) in listed {
        found.push((super::step(directory, &name)?, Some(kind)));
    }
    Ok(())
}

fn source(root: BorrowedFd<'_>, path: &[u8], asked: &[u8]) -> Result<Source> {
    let resolved = resolve(root, path)?;
    let kind = resolved.found.ok_or_else(|| missing(asked))?;
    let name = match names(path).next_back() {
        Some(b"..") | None => resolved.path.file_name(),
        name => name,
    };
    let name = name.map(|name| super::step(&EntryPath::root(), name)).transpose()?;
    Ok(Source { path: resolved.path, kind, name })
}

fn missing(asked: &[u8]) -> Failure {
    let text = format!("{:?} is not in the image", String::from_utf8_lossy(asked));
    failure(FailureKind::NotFound, text)
}

fn malformed(asked: &[u8]) -> Failure {
    failure_with_hint(
        FailureKind::InvalidInput,
        format!("pattern {:?} is malformed", String::from_utf8_lossy(asked)),
        "close every [ with ], and escape [ ] - * ? with a backslash to mean themselves",
    )
}
