//! The end: records, answers, clean-up.

use minidock_proto::Bytes;
use minidock_proto::control::Reply;
use minidock_proto::record::Exit;
use minidock_proto::request::{Answer, AutoRemove, Layer};
use rustix::mount::UnmountFlags;

use super::{STARTER, Supervisor, records};
use crate::failure::{Context, Result};
use crate::rootfs::verbs;
use crate::tree::Overrides;

impl Supervisor {
    /// Writes the exit record, tells everybody who waits, and removes what is to be removed.
    pub(super) fn finish(mut self, code: i32) -> Result<()> {
        let exit = Exit {
            code,
            started_at: self.started_at,
            finished_at: records::now(),
            error: None,
            timed_out: false,
        };
        let directory = self.run.directory.as_path().to_path_buf();
        // Nobody may find a socket that nobody serves.
        rustix::fs::unlink(directory.join(minidock_proto::record::SOCKET)).ok();
        if let Some(commit) = self.commit.take().filter(|_| code == 0) {
            let layer = self.commit(commit)?;
            self.tell_starter(&Answer::Layer(layer));
        }
        let ran = exit.finished_at.saturating_sub(self.started_at) / 1_000_000_000;
        let more = [("execDuration", ran.to_string()), ("exitCode", code.to_string())];
        self.event("die", &more);
        let removed = match self.run.remove.take() {
            // Out of sight before anybody hears of the end.
            Some(remove) => self.hide(&remove),
            None => records::write_exit(&directory, &exit).map(|()| None),
        };
        self.tell_starter(&Answer::Exited(exit.clone()));
        for client in &self.clients {
            if client.waiting && client.id != STARTER {
                drop(client.channel.send(&Reply::Exited(exit.clone()), &[]));
            }
        }
        self.clients.clear();
        // Only now: nobody waits for the disk.
        let done = match removed {
            Ok(Some(gone)) => crate::tree::remove(&gone),
            Ok(None) => records::sync_exit(&directory),
            Err(failure) => Err(failure),
        };
        // A fork in a thread of the engine's process may hold a copy of the descriptor for a
        // moment longer than we live.
        let unlocked = minidock_sys::lock::unlock(&self.lock);
        done?;
        unlocked.context(|| "give the container's lock up".into())
    }

    fn tell_starter(&self, answer: &Answer) {
        if let Some(client) = self.clients.iter().find(|client| client.id == STARTER) {
            // An engine that is gone does not wait.
            drop(client.channel.send(answer, &[]));
        }
    }

    /// Makes a layer out of what a RUN step wrote.
    fn commit(&mut self, commit: verbs::CommitFiles) -> Result<Layer> {
        let Some(upper) = &self.run.rootfs.upper else { return Ok(Layer::default()) };
        rustix::mount::unmount(&self.scratch.rootfs, UnmountFlags::DETACH)
            .context(|| "unmount the layers".into())?;
        let upper = verbs::open_directory(upper.directory.as_path())?;
        commit.scan(upper, &self.run.mapping, &self.mount_points, &Overrides::none())
    }

    /// `--rm`: container, name and volumes go out of sight at once, still holding the lock.
    /// Answers with what is left to be deleted.
    fn hide(&self, remove: &AutoRemove) -> Result<Option<Vec<Bytes>>> {
        let trash = remove.trash.as_path();
        rustix::mount::unmount(&self.scratch.rootfs, UnmountFlags::DETACH)
            .context(|| "unmount the layers".into())?;
        // Before the container: whoever sees that it is gone finds its volumes gone as well.
        let mut paths = Vec::new();
        for volume in &remove.volumes {
            let Some(name) = volume.as_path().file_name() else { continue };
            let gone = trash.with_file_name(name);
            match std::fs::rename(volume.as_path(), &gone) {
                Ok(()) => {
                    self.volume_gone(&name.to_string_lossy());
                    paths.push(gone.as_path().into());
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).context(|| "remove a volume".into()),
            }
        }
        match std::fs::rename(self.run.directory.as_path(), trash) {
            Ok(()) => paths.push(remove.trash.clone()),
            // Somebody removed it already (`rm -f` at the same moment).
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(paths)),
            Err(error) => return Err(error).context(|| "remove the container".into()),
        }
        if let Some(name) = &remove.name {
            rustix::fs::unlink(name.as_path()).ok();
        }
        self.event("destroy", &[]);
        rustix::mount::unmount(trash.join("mnt"), UnmountFlags::DETACH).ok();
        Ok(Some(paths))
    }
}
