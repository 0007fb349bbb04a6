//! The end: records, answers, clean-up.

use minidock_proto::Bytes;
use minidock_proto::control::Reply;
use minidock_proto::record::Exit;
use minidock_proto::request::{Answer, AutoRemove, Layer};
use minidock_sys::signal;
use rustix::mount::UnmountFlags;

use super::{STARTER, Supervisor, records};
use crate::failure::{Context, Result};
use crate::hold;
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
        let is_step = self.run.commit.is_some();
        self.end_helpers()?;
        match self.run.remove.take() {
            // Its directory goes with the build.
            None if is_step => {
                let released = self.release();
                self.tell_exited(&exit);
                released
            }
            Some(remove) => {
                let hidden = self.hide(&remove);
                self.tell_exited(&exit);
                self.delete(&hidden?)
            }
            None => {
                let record = records::write_exit(&directory, &exit);
                let released = self.release();
                self.tell_exited(&exit);
                released?;
                // Only now: nobody waits for the disk.
                records::sync_exit(&record?)
            }
        }
    }

    /// Ends what works for the container beside it: ports are free before anybody hears of the
    /// end, and nobody copies files of one that another has started again.
    fn end_helpers(&mut self) -> Result<()> {
        let copying = std::mem::take(&mut self.copying).into_iter().map(|copying| copying.pid);
        for pid in copying.chain(self.forwarder.take()).collect::<Vec<_>>() {
            // Ended by itself is as good.
            drop(signal::kill(pid, signal::KILL));
            hold::wait_for(pid)?;
        }
        Ok(())
    }

    /// Tells everybody who waits.
    fn tell_exited(&mut self, exit: &Exit) {
        self.tell_starter(&Answer::Exited(exit.clone()));
        for client in &self.clients {
            if client.waiting && client.id != STARTER {
                drop(client.channel.send(&Reply::Exited(exit.clone()), &[]));
            }
        }
        self.clients.clear();
    }

    /// Lets the container go: who hears of the end next can start or remove it.
    fn release(&mut self) -> Result<()> {
        self.mounts = None;
        rustix::mount::unmount(&self.scratch.rootfs, UnmountFlags::DETACH)
            .or_else(|error| match error {
                // Unmounted already, for the layer of a RUN step.
                rustix::io::Errno::INVAL => Ok(()),
                error => Err(error),
            })
            .context(|| "unmount the layers".into())?;
        self.unlock()
    }

    fn unlock(&mut self) -> Result<()> {
        let Some(lock) = self.lock.take() else { return Ok(()) };
        // A fork in a thread of the engine's process may hold a copy of the descriptor for a
        // moment longer than we do.
        minidock_sys::lock::unlock(&lock).context(|| "give the container's lock up".into())
    }

    fn tell_starter(&self, answer: &Answer) {
        if let Some(client) = self.clients.iter().find(|client| client.id == STARTER) {
            // An engine that is gone does not wait.
            drop(client.channel.send(answer, &[]));
        }
    }

    /// Makes a layer out of what a RUN step wrote.
    fn commit(&mut self, commit: verbs::CommitFiles) -> Result<Layer> {
        self.mounts = None;
        let Some(upper) = &self.run.rootfs.upper else { return Ok(Layer::default()) };
        rustix::mount::unmount(&self.scratch.rootfs, UnmountFlags::DETACH)
            .context(|| "unmount the layers".into())?;
        let upper = verbs::open_directory(upper.directory.as_path())?;
        commit.scan(upper, &self.run.mapping, &self.mount_points, &Overrides::none())
    }

    /// `--rm`: out of sight at once. Gives what is to be deleted.
    fn hide(&self, remove: &AutoRemove) -> Result<Vec<Bytes>> {
        let trash = remove.trash.as_path();
        let mut hidden = Vec::new();
        // Before the container: whoever sees that it is gone finds its volumes gone as well.
        for volume in &remove.volumes {
            let Some(name) = volume.as_path().file_name() else { continue };
            let gone = trash.with_file_name(name);
            match std::fs::rename(volume.as_path(), &gone) {
                Ok(()) => {
                    self.volume_gone(&name.to_string_lossy());
                    hidden.push(gone.as_path().into());
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).context(|| "remove a volume".into()),
            }
        }
        match std::fs::rename(self.run.directory.as_path(), trash) {
            Ok(()) => hidden.push(remove.trash.clone()),
            // Somebody removed it already (`rm -f` at the same moment).
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(hidden),
            Err(error) => return Err(error).context(|| "remove the container".into()),
        }
        if let Some(name) = &remove.name {
            rustix::fs::unlink(name.as_path()).ok();
        }
        self.event("destroy", &[]);
        Ok(hidden)
    }

    /// `--rm`: deleted, still holding the lock.
    fn delete(&mut self, hidden: &[Bytes]) -> Result<()> {
        self.mounts = None;
        rustix::mount::unmount(&self.scratch.rootfs, UnmountFlags::DETACH)
            .context(|| "unmount the layers".into())?;
        crate::tree::remove(hidden)?;
        self.unlock()
    }
}
