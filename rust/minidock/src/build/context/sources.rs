//! Which files of the context the paths and patterns of COPY mean.

use minidock_dockerfile::{Glob, clean_source, is_pattern};
use minidock_image::layer::EntryPath;
use rustix::fs::FileType;

use super::{Context, Found, shown, unusable};
use crate::error::{Error, ErrorKind, Result};

/// A file or directory to be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Where it is.
    pub(super) found: Found,
    /// The name that it was named by; none for the context itself.
    pub(super) name: Option<Vec<u8>>,
}

impl Context {
    /// What a source of COPY names, in the order of names; never nothing.
    pub(super) fn sources(&self, asked: &str) -> Result<Vec<Source>> {
        let clean = clean_source(asked)
            .map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))?;
        if !is_pattern(&clean) {
            return self.literal(&clean).map(|source| vec![source]);
        }
        let components: Vec<&str> = clean.split('/').collect();
        let literal = components.iter().take_while(|name| !is_pattern(name)).count();
        let (start, pattern) = components.split_at(literal);
        let glob = Glob::parse(&pattern.join("/"))
            .map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))?;
        let matched = match self.resolve(start.join("/").as_bytes())? {
            Some(Found { path, kind: FileType::Directory }) => self.matching(&path, &glob)?,
            _ => Vec::new(),
        };
        if matched.is_empty() {
            let message =
                format!("no file of the build context matches {}", shown(asked.as_bytes()));
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_hint("patterns match real names below the context, without what .dockerignore leaves out"));
        }
        Ok(matched)
    }

    fn literal(&self, clean: &str) -> Result<Source> {
        let name = clean.rsplit('/').next().filter(|name| *name != ".");
        let found = self.resolve(clean.as_bytes())?.ok_or_else(|| self.missing(clean))?;
        if self.leaves_out(&found) || self.ignore.can_prune(clean) {
            let message = format!("{} is left out by .dockerignore", shown(clean.as_bytes()));
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_hint("take it in again with a line !PATH in .dockerignore"));
        }
        Ok(Source { found, name: name.map(|name| name.as_bytes().to_vec()) })
    }

    fn missing(&self, clean: &str) -> Error {
        let message = format!("{} is not in the build context", shown(clean.as_bytes()));
        Error::new(ErrorKind::NotFound, message).with_hint(
            "paths count from the context directory and cannot leave it, also through links",
        )
    }

    fn leaves_out(&self, found: &Found) -> bool {
        match found.kind {
            FileType::Directory => self.ignores_whole(&found.path),
            _ => self.ignores(&found.path),
        }
    }

    /// Real names below `top` that match; no link is looked through on the way.
    fn matching(&self, top: &EntryPath, glob: &Glob) -> Result<Vec<Source>> {
        let mut matched = Vec::new();
        let mut todo = vec![(String::new(), top.clone())];
        while let Some((relative, directory)) = todo.pop() {
            for (name, kind) in self.list(&directory)? {
                let text = String::from_utf8_lossy(&name).into_owned();
                let relative = match relative.is_empty() {
                    true => text,
                    false => format!("{relative}/{text}"),
                };
                let path = directory.join(&name).map_err(|error| unusable(&name, &error))?;
                if kind == FileType::Directory && glob.may_match_below(&relative) {
                    todo.push((relative.clone(), path.clone()));
                }
                if glob.matches(&relative) {
                    matched.extend(self.matched(path, name)?);
                }
            }
        }
        matched.sort_by(|a, b| a.found.path.cmp(&b.found.path));
        Ok(matched)
    }

    /// One match, links resolved; `None` if it is left out or leads nowhere in the context.
    fn matched(&self, path: EntryPath, name: Vec<u8>) -> Result<Option<Source>> {
        let found = self.resolve(path.as_bytes())?.ok_or_else(|| {
            let message = format!(
                "{} is a symbolic link that leads nowhere in the build context",
                shown(path.as_bytes())
            );
            Error::new(ErrorKind::NotFound, message)
                .with_hint("name the directory that holds it, and links are copied as links")
        });
        if self.ignores(&path) && self.ignores_whole(&path) {
            return Ok(None);
        }
        let found = found?;
        Ok((!self.leaves_out(&found)).then_some(Source { found, name: Some(name) }))
    }
}
