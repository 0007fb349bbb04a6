//! Files of a container as tar streams: docker's `GET`, `PUT` and `HEAD` of
//! `/containers/{id}/archive`, and `export`.
//!
//! A running container's supervisor serves them, else a fresh runtime does, which mounts the files
//! as a start would. This file carries the streams; it opens nothing of a container itself.

mod feed;
mod reader;
mod served;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::archive::{self, Task};
use minidock_proto::control::Reply;
use minidock_proto::{Bytes, Outgoing};

use crate::build::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::failure::of_stream;
use crate::store::{ContainerId, LocalId};

pub(super) use feed::Feed;
pub use minidock_proto::archive::{Change, ChangeKind, Copied};
pub use reader::ArchiveReader;

const BUFFER: usize = 128 * 1024;

/// What is at a path in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// The last component as it was asked for; `.` for `/x/.`, `/` for the root.
    pub name: Bytes,
    /// Type and permissions as in `st_mode` (inode(7)).
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Where a symbolic link leads, absolute in the container, all links resolved.
    pub target: Option<Bytes>,
}

impl PathStat {
    /// As docker's API tells it in the header `X-Docker-Container-Path-Stat`: the mode in the bits
    /// of Go's `os.FileMode`, the time in RFC 3339.
    #[must_use]
    pub fn docker_json(&self) -> serde_json::Value {
        crate::docker_json::path_stat(self)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// Neither a directory nor a regular file nor a link to one.
    pub(super) fn is_special(&self) -> bool {
        !matches!(self.mode & 0o170_000, 0o040_000 | 0o100_000 | 0o120_000)
    }
}

impl From<archive::PathStat> for PathStat {
    fn from(stat: archive::PathStat) -> Self {
        let archive::PathStat { name, mode, size, modified, target } = stat;
        Self { name, mode, size, modified, target }
    }
}

/// A task with what its streams need, to be put into a message.
pub(super) struct Request {
    kind: Kind,
    path: Bytes,
    tar: Option<OwnedFd>,
    parents: Vec<File>,
}

#[derive(Clone, Copy)]
enum Kind {
    Stat,
    Read,
    Write,
    Export,
}

impl Request {
    pub(super) fn task<'a>(&'a self, fds: &mut Outgoing<'a>) -> Task {
        let path = self.path.clone();
        let tar = self.tar.as_ref().map(|tar| fds.push(tar.as_fd()));
        let parents = self.parents.iter().map(|file| fds.push(file.as_fd())).collect();
        match (self.kind, tar) {
            (Kind::Read, Some(tar)) => Task::Read { path, tar, parents },
            (Kind::Write, Some(tar)) => Task::Write { path, tar },
            (Kind::Export, Some(tar)) => Task::Export { tar, parents },
            (Kind::Stat, _) | (_, None) => Task::Stat { path },
        }
    }
}

impl Engine {
    /// What is at a path in a container, which may run or not. A symbolic link is described
    /// itself, unless a slash at the end of the path says that a directory is meant.
    pub fn stat_container_path(&self, id: &ContainerId, path: &Bytes) -> Result<PathStat> {
        let request =
            Request { kind: Kind::Stat, path: path.clone(), tar: None, parents: Vec::new() };
        match self.serve_archive(id, &request, &CancelToken::default())? {
            (_, Reply::Path(stat)) => Ok(stat.into()),
            _ => Err(served::strange()),
        }
    }

    /// What is at a path in a container as a tar stream, with docker's rules: paths in it begin
    /// with the last component of the path, or with nothing for `/x/.`; links are not followed.
    ///
    /// ```no_run
    /// use minidock::{Bytes, Engine, EngineOptions, build::CancelToken};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let id = engine.find_container("web")?;
    /// let mut tar = engine.get_archive(&id, &Bytes::from("/etc"), &CancelToken::default())?;
    /// println!("{:o}", tar.stat().mode);
    /// std::io::copy(&mut tar, &mut std::fs::File::create("etc.tar").unwrap()).unwrap();
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn get_archive(
        &self,
        id: &ContainerId,
        path: &Bytes,
        cancel: &CancelToken,
    ) -> Result<ArchiveReader> {
        self.read_archive(id, Kind::Read, path.clone(), cancel)
    }

    /// The root file system of a container as a tar stream, without what is mounted into it.
    pub fn export_container(
        &self,
        id: &ContainerId,
        cancel: &CancelToken,
    ) -> Result<ArchiveReader> {
        self.read_archive(id, Kind::Export, Bytes::from("/"), cancel)
    }

    fn read_archive(
        &self,
        id: &ContainerId,
        kind: Kind,
        path: Bytes,
        cancel: &CancelToken,
    ) -> Result<ArchiveReader> {
        let record = self.store().container(id)?;
        let (reader, writer) =
            std::io::pipe().map_err(|error| Error::io("cannot make a pipe", error))?;
        // Many ids keep the owners in the trees.
        let parents = match self.mapping().is_single() {
            true => self.layer_indexes(&record.layers)?,
            false => Vec::new(),
        };
        let request = Request { kind, path, tar: Some(writer.into()), parents };
        let (served, reply) = self.serve_archive(id, &request, cancel)?;
        let Reply::Path(stat) = reply else { return Err(served::strange()) };
        let tar = File::from(OwnedFd::from(reader));
        Ok(ArchiveReader::new(tar, served, stat.into(), cancel.clone()))
    }

    /// Puts what a tar stream holds into a directory of a container, which has to exist. Owners
    /// are those of the stream; files whose owner the container cannot have become root's, which
    /// is counted. A directory and what is none do not replace each other.
    pub fn put_archive(
        &self,
        id: &ContainerId,
        path: &Bytes,
        tar: impl Read,
        cancel: &CancelToken,
    ) -> Result<Copied> {
        let mut tar = tar;
        self.feed_archive(id, path, cancel, |feed| {
            let mut buffer = vec![0; BUFFER];
            loop {
                match tar.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(length) => {
                        use std::io::Write as _;
                        feed.write_all(&buffer[..length])
                            .map_err(|error| of_stream("cannot hand the files over", error))?;
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(of_stream("cannot read the tar", error)),
                }
            }
        })
    }

    /// [`Engine::put_archive`] with a function that writes the stream.
    pub(super) fn feed_archive(
        &self,
        id: &ContainerId,
        path: &Bytes,
        cancel: &CancelToken,
        write: impl FnOnce(&mut Feed) -> Result<()>,
    ) -> Result<Copied> {
        let (theirs, mut feed) = Feed::new(cancel.clone())?;
        let request = Request {
            kind: Kind::Write,
            path: path.clone(),
            tar: Some(theirs),
            parents: Vec::new(),
        };
        let (served, _) = self.serve_archive(id, &request, cancel)?;
        drop(request);
        let written = write(&mut feed);
        let broken = feed.is_broken();
        drop(feed);
        if let Err(error) = written
            && !broken
        {
            return Err(error);
        }
        match served.reply(cancel)? {
            Some(Reply::Copied(copied)) => Ok(copied),
            Some(_) => Err(served::strange()),
            None => Err(served::gone()),
        }
    }

    /// Opens the indexes of layers, topmost first.
    pub(super) fn layer_indexes(&self, layers: &[LocalId]) -> Result<Vec<File>> {
        let open = |layer: &LocalId| {
            let path = self.store().layer_index_path(layer);
            File::open(&path).map_err(|error| Error::at("open", &path, error))
        };
        layers.iter().rev().map(open).collect()
    }
}

/// What a cancelled copy ends with.
pub(super) fn check(cancel: &CancelToken) -> Result<()> {
    match cancel.is_cancelled() {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::Cancelled, "the copy was cancelled")),
    }
}
