//! Serving what is asked of a container's files, over the connection of whoever asks: the same
//! for a supervisor's child and for a runtime that was spawned to do it.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::archive::Task;
use minidock_proto::control::Reply;
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{self, Answer, Diff, Failure, FailureKind, MountSource};
use minidock_proto::{Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};

use super::verbs::{files, indexes, open_directory};
use super::view::{View, view};
use super::{mounts, overlay, scratch};
use crate::failure::{Context, Result, failure, protocol};
use crate::join;
use crate::spawned::Spawned;
use crate::tree::archive::{Place, Source, receive, send, stat};

/// Changes in one message: each is a path of at most some kilobytes.
const CHANGES_AT_ONCE: usize = 4096;

/// A task with its descriptors.
pub(crate) struct Work {
    task: Task,
    tar: Option<OwnedFd>,
    parents: Vec<File>,
}

impl Work {
    pub(crate) fn take(task: Task, fds: &mut Descriptors) -> Result<Self> {
        let (tar, parents) = match &task {
            Task::Stat { .. } => (None, Vec::new()),
            Task::Read { tar, parents, .. } | Task::Export { tar, parents } => {
                (Some(fds.take(*tar).map_err(protocol)?), files(parents, fds)?)
            }
            Task::Write { tar, .. } => (Some(fds.take(*tar).map_err(protocol)?), Vec::new()),
        };
        Ok(Self { task, tar, parents })
    }

    /// All descriptors, for a fork that closes everything else.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = std::os::fd::BorrowedFd<'_>> {
        let tar = self.tar.iter().map(AsFd::as_fd);
        tar.chain(self.parents.iter().map(AsFd::as_fd))
    }

    /// What of the root file system it works on.
    pub(crate) fn view(&self, read_only: bool) -> View {
        View { mounts: !matches!(self.task, Task::Export { .. }), read_only }
    }

    /// Does it and says how it went; an error is that of the connection alone.
    pub(crate) fn serve(
        self,
        root: &OwnedFd,
        mapping: &Mapping,
        channel: &Channel,
    ) -> std::result::Result<(), minidock_proto::ChannelError> {
        let last = match self.done(root, mapping, channel) {
            Ok(reply) => reply,
            Err(failure) => Reply::Failed(failure),
        };
        channel.send(&last, &[])
    }

    fn done(self, root: &OwnedFd, mapping: &Mapping, channel: &Channel) -> Result<Reply> {
        let say = |reply: Reply| channel.send(&reply, &[]).map_err(protocol);
        let tar = self.tar.map(File::from);
        let root = root.as_fd();
        match (&self.task, tar) {
            (Task::Stat { path }, _) => stat(root, &Place::parse(path.as_ref())?).map(Reply::Path),
            (Task::Write { path, .. }, Some(tar)) => {
                let place = Place::parse(path.as_ref())?;
                receive(root, &place, tar, mapping, || say(Reply::Ok)).map(Reply::Copied)
            }
            (Task::Read { .. } | Task::Export { .. }, Some(tar)) => {
                let place = match &self.task {
                    Task::Read { path, .. } => Place::parse(path.as_ref())?,
                    _ => Place::parse(b"/")?,
                };
                let indexes = indexes(self.parents)?;
                let from = Source { root, place: &place, indexes: &indexes, mapping };
                send(from, tar, |stat| say(Reply::Path(stat))).map(Reply::Copied)
            }
            (_, None) => Err(no_stream()),
        }
    }
}

fn no_stream() -> Failure {
    failure(FailureKind::InvalidInput, "no stream came with the request to copy files")
}

/// [`request::Verb::Archive`]: for a container that does not run. It is mounted as at its start.
pub(crate) fn serve(archive: request::Archive, mut spawned: Spawned) -> Result<()> {
    let single = spawned.single;
    let _joined = join::enter_with(single, &mut spawned.fds, archive.join)?;
    let _lock = spawned.fds.take(archive.lock).map_err(protocol)?;
    let work = Work::take(archive.task, &mut spawned.fds)?;
    namespace::unshare(single, Kinds::MOUNT).context(|| "make a mount namespace".into())?;
    let scratch = scratch::mount(archive.scratch.as_path())?;
    overlay::mount(&archive.rootfs, &scratch, &scratch.rootfs, "")?;
    let wanted = work.view(archive.rootfs.read_only);
    if wanted.mounts {
        let root = open_directory(&scratch.rootfs)?;
        for mount in &archive.mounts {
            // Nothing is in it before the container runs.
            if matches!(mount.source, MountSource::Tmpfs { .. }) {
                continue;
            }
            let ids = (single, &archive.mapping);
            mounts::place(&root, mount, &mut spawned.fds, ids, &mut Vec::new())?;
        }
    }
    let root = view(&scratch.rootfs, wanted)?;
    // Whoever asked and went away needs no word.
    drop(work.serve(&root, &archive.mapping, &spawned.channel));
    Ok(())
}

/// [`request::Verb::Diff`].
pub(crate) fn diff(diff: Diff, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, diff.join)?;
    let upper = spawned.fds.take(diff.upper).map_err(protocol)?;
    let parents = indexes(files(&diff.parents, &mut spawned.fds)?)?;
    let mut changes = crate::tree::diff(upper, &parents)?;
    while changes.len() > CHANGES_AT_ONCE {
        let rest = changes.split_off(CHANGES_AT_ONCE);
        let some = std::mem::replace(&mut changes, rest);
        let answer = Answer::Changes { changes: some, more: true };
        spawned.channel.send(&answer, &[]).map_err(protocol)?;
    }
    Ok(Answer::Changes { changes, more: false })
}

/// The mounts of a running container, cloned by its supervisor.
pub(crate) fn of_running(rootfs: &Path, work: &Work, read_only: bool) -> Result<OwnedFd> {
    view(rootfs, work.view(read_only))
}
