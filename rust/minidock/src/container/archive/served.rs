//! Finding who serves a container's files, and talking to it.

use std::os::fd::AsFd;
use std::time::Duration;

use minidock_proto::control::{Call, Reply};
use minidock_proto::request::{Answer, Archive, Join, Rootfs, Verb};
use minidock_proto::{Channel, Outgoing};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::super::control::Control;
use super::super::start::rootfs;
use super::feed::NOTICE;
use super::{Request, check};
use crate::build::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Conversation, Joined, broken};
use crate::store::{ContainerId, Lock};

/// How often a container may end or start between the question and its answer.
const ATTEMPTS: usize = 100;

/// The other side of a copy; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::container) enum Served {
    /// The supervisor of a running container.
    Running(Control),
    /// A runtime that was spawned for it.
    Spawned {
        conversation: Conversation,
        /// The namespace stays in use.
        _joined: Joined,
        /// Given up after the runtime ended, and its mounts with it.
        _lock: Lock,
    },
}

impl Engine {
    /// Asks; gives the other side and its first reply.
    pub(super) fn serve_archive(
        &self,
        id: &ContainerId,
        request: &Request,
        cancel: &CancelToken,
    ) -> Result<(Served, Reply)> {
        let mut ended = 0;
        while ended < ATTEMPTS {
            check(cancel)?;
            let served = match self.control(id)? {
                Some(control) => {
                    let mut fds = Outgoing::default();
                    let call = Call::Archive { task: request.task(&mut fds) };
                    match control.channel().send(&call, fds.as_slice()) {
                        Ok(()) => Served::Running(control),
                        // It ended just now.
                        Err(_) => {
                            ended += 1;
                            continue;
                        }
                    }
                }
                None => match self.spawn_archive(id, request)? {
                    Some(served) => served,
                    None => {
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                },
            };
            match (served.reply(cancel)?, &served) {
                (Some(reply), _) => return Ok((served, reply)),
                (None, Served::Running(_)) => {
                    self.wait_until_gone(id)?;
                    ended += 1;
                }
                (None, Served::Spawned { .. }) => return Err(gone()),
            }
        }
        let text = format!("container {} starts and ends all the time", id.short());
        Err(Error::new(ErrorKind::Conflict, text))
    }

    /// For a container that does not run; `None` when it does after all, or files of it are being
    /// copied by somebody else, who is waited for.
    fn spawn_archive(&self, id: &ContainerId, request: &Request) -> Result<Option<Served>> {
        let record = self.store().container(id)?;
        let config = self.container_settings(id)?;
        let Some(lock) = self.store().try_take_files(id)? else { return Ok(None) };
        let joined = self.join()?;
        let lowers = self.trees(&joined, &record.layers)?;
        let mounts = self.open_mounts(&config.mounts)?;
        let directory = self.store().container_dir(id);
        let mut fds = Outgoing::default();
        let join =
            Join { userns: fds.push(joined.userns.as_fd()), hold: fds.push(joined.hold.as_fd()) };
        let archive = Archive {
            join,
            mapping: self.mapping().clone(),
            scratch: directory.join("mnt").into(),
            lock: fds.push(lock.as_fd()),
            rootfs: kept(rootfs(&config, &lowers, &directory)),
            mounts: mounts.iter().map(|mount| mount.describe(&mut fds)).collect(),
            task: request.task(&mut fds),
        };
        let conversation = self.runtime()?.spawn(Verb::Archive(Box::new(archive)), &fds)?;
        Ok(Some(Served::Spawned { conversation, _joined: joined, _lock: lock }))
    }
}

/// A mount that never syncs leaves a mark that no later mount of the layer accepts.
fn kept(mut rootfs: Rootfs) -> Rootfs {
    if let Some(upper) = &mut rootfs.upper {
        upper.volatile = false;
    }
    rootfs
}

impl Served {
    fn channel(&self) -> &Channel {
        match self {
            Self::Running(control) => control.channel(),
            Self::Spawned { conversation, .. } => &conversation.channel,
        }
    }

    /// The next reply; a failure is an error, the other side's end is `None`.
    pub(in crate::container) fn reply(&self, cancel: &CancelToken) -> Result<Option<Reply>> {
        loop {
            check(cancel)?;
            let mut fds = [PollFd::new(self.channel(), PollFlags::IN)];
            match poll(&mut fds, Some(&NOTICE)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => break,
                Err(error) => return Err(Error::io("cannot wait for the copy", error)),
            }
        }
        let Some((body, _)) = self.channel().receive_raw().map_err(broken)? else {
            return Ok(None);
        };
        // A runtime that could not even begin answers as to any other request.
        if let Ok(Answer::Failed(failure)) = serde_json::from_slice(&body) {
            return Err(failure.into());
        }
        match serde_json::from_slice::<Reply>(&body) {
            Ok(Reply::Failed(failure)) => Err(failure.into()),
            Ok(Reply::Unknown) => Err(Error::new(
                ErrorKind::Incompatible,
                "the container was started by an older version of minidock, which cannot copy files",
            )
            .with_hint("stop it first: files of a container that does not run can be copied")),
            Ok(reply) => Ok(Some(reply)),
            Err(_) => Err(strange()),
        }
    }
}

/// A reply that does not fit.
pub(super) fn strange() -> Error {
    Error::new(
        ErrorKind::Runtime,
        "minidock-runtime gave a strange answer: it is of another version",
    )
}

/// The other side ended in the middle.
pub(super) fn gone() -> Error {
    Error::new(ErrorKind::Runtime, "the container ended while its files were copied")
        .with_hint("copy them again")
}
