//! `cp`: files between this host and a container, with docker's rules
//! (<https://docs.docker.com/reference/cli/docker/container/cp/>).
//!
//! On this host everything happens with the caller's rights and beneath directories that were
//! opened once: no link that a container made is followed. What comes out belongs to the caller,
//! and is never setuid or a device. What goes in belongs to the container's root.

mod local;
mod receive;
mod rules;
mod send;

use std::path::Path;

use minidock_proto::Bytes;

use super::archive::PathStat;
use crate::build::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::ContainerId;
use local::LocalSource;
use receive::receive;
use rules::{Destination, Origin, place};

/// How files are copied.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// Copy what a symbolic link leads to, if the source is one (`-L`).
    pub follow_link: bool,
    /// Keep the user and group ids of the source (`-a`).
    pub archive: bool,
    /// Stops it from another thread.
    pub cancel: CancelToken,
}

/// What was copied, and what could not be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Files, directories and others.
    pub entries: u64,
    /// Bytes of contents.
    pub bytes: u64,
    /// Entries that have another owner than was asked for: in a container one that its ids do
    /// not have, here one that the caller may not give files to.
    pub other_owner: u64,
    /// Extended attributes that could not be kept.
    pub attributes: u64,
    /// Sockets, and devices on the way out: they are not copied.
    pub skipped: u64,
}

impl Engine {
    /// Copies a path of a container to this host.
    pub fn copy_from_container(
        &self,
        id: &ContainerId,
        source: &Bytes,
        destination: &Path,
        options: &CopyOptions,
    ) -> Result<CopyReport> {
        refuse_empty(source.0.is_empty(), "source")?;
        let to = local::destination(destination)?;
        let (source, name) = self.followed(id, source, options)?;
        let mut tar = self.get_archive(id, &source, &options.cancel)?;
        let contents = rules::means_contents(&source.0) || tar.stat().name.0 == b"/";
        let origin = Origin { is_directory: tar.stat().is_directory(), name, contents };
        let placement = place(&origin, &to.described())?;
        let directory = to.open()?;
        let top = receive::Top { rooted: contents, name: placement.name };
        let mut report = receive(&directory, &mut tar, &top, options.archive)?;
        let copied = tar.copied().unwrap_or_default();
        report.skipped += copied.skipped;
        Ok(report)
    }

    /// With `-L`, where a link leads; and the name that its target gets here.
    fn followed(
        &self,
        id: &ContainerId,
        source: &Bytes,
        options: &CopyOptions,
    ) -> Result<(Bytes, Vec<u8>)> {
        let name = rules::base(&source.0);
        if !options.follow_link || rules::asserts_directory(&source.0) {
            return Ok((source.clone(), name));
        }
        match self.stat_container_path(id, source)?.target {
            Some(target) => Ok((target, name)),
            None => Ok((source.clone(), name)),
        }
    }

    /// Copies a path of this host into a container.
    pub fn copy_to_container(
        &self,
        id: &ContainerId,
        source: &Path,
        destination: &Bytes,
        options: &CopyOptions,
    ) -> Result<CopyReport> {
        refuse_empty(destination.0.is_empty(), "destination")?;
        let from = LocalSource::open(source, options.follow_link)?;
        let (path, found) = self.inside(id, destination)?;
        let to = Destination {
            path: &path.0,
            exists: found.is_some(),
            is_directory: found.as_ref().is_some_and(PathStat::is_directory),
        };
        let placement = place(&from.origin(), &to)?;
        let directory = Bytes(placement.directory.clone());
        let mut skipped = 0;
        let copied = self.feed_archive(id, &directory, &options.cancel, |feed| {
            skipped = send::send(&from, placement.name.as_deref(), feed, options)?;
            Ok(())
        })?;
        Ok(CopyReport {
            entries: copied.entries,
            bytes: copied.bytes,
            other_owner: copied.flattened,
            attributes: copied.attributes,
            skipped,
        })
    }

    /// Where a destination in a container leads, and what is there. What cannot be looked at
    /// counts as missing: putting files there tells why.
    fn inside(&self, id: &ContainerId, path: &Bytes) -> Result<(Bytes, Option<PathStat>)> {
        let look = |path: &Bytes| match self.stat_container_path(id, path) {
            Ok(stat) if stat.is_special() => {
                let text = format!(
                    "{} in the container must be a directory or a regular file",
                    String::from_utf8_lossy(&path.0)
                );
                Err(Error::new(ErrorKind::InvalidInput, text))
            }
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error.kind() == ErrorKind::NotFound && self.has_container(id) => Ok(None),
            Err(error) => Err(error),
        };
        match look(path)? {
            Some(PathStat { target: Some(target), .. }) => {
                let found = look(&target)?;
                Ok((target, found))
            }
            found => Ok((path.clone(), found)),
        }
    }

    fn has_container(&self, id: &ContainerId) -> bool {
        self.store().container(id).is_ok()
    }

    /// Whether a path in a container is a directory, its links followed: only there a tar stream
    /// can be put.
    pub fn require_container_directory(&self, id: &ContainerId, path: &Bytes) -> Result<Bytes> {
        match self.inside(id, path)? {
            (path, Some(stat)) if stat.is_directory() => Ok(path),
            _ => {
                let text = format!(
                    "{} in the container must be a directory that exists",
                    String::from_utf8_lossy(&path.0)
                );
                Err(Error::new(ErrorKind::InvalidInput, text))
            }
        }
    }
}

fn refuse_empty(empty: bool, what: &str) -> Result<()> {
    match empty {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::InvalidInput, format!("the {what} has no path"))),
    }
}
