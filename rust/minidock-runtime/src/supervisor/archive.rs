//! Copying files in and out of the running container: each copy is a process of its own, which
//! stays outside of the container's namespaces and sees the mounts that the supervisor made.

use minidock_proto::archive::Task;
use minidock_proto::control::Reply;
use minidock_proto::request::FailureKind;
use minidock_proto::{Channel, Descriptors};
use minidock_sys::{process, signal};
use rustix::process::Pid;
use std::os::fd::AsFd;

use super::Supervisor;
use crate::failure::{Context, Result, failure};
use crate::rootfs::archive::{Work, of_running};

/// A process that copies.
pub(super) struct Copying {
    pub(super) pid: Pid,
    /// The client that asked; it is told by that process itself.
    client: u64,
}

impl Supervisor {
    /// Starts it.
    pub(super) fn archive(&mut self, id: u64, task: Task, fds: &mut Descriptors) -> Result<()> {
        if self.ended.is_some() {
            return Err(failure(FailureKind::Conflict, "the container ended just now"));
        }
        let client = self.clients.iter().find(|client| client.id == id);
        let Some(client) = client else { return Ok(()) };
        let what = || "prepare to copy files".to_owned();
        let channel = rustix::io::fcntl_dupfd_cloexec(&client.channel, 3).context(what)?;
        let channel = Channel::from(channel);
        let work = Work::take(task, fds)?;
        let root = of_running(&self.scratch.rootfs, &work, self.run.rootfs.read_only)?;
        let pid = process::spawn(self.single, || {
            // Streams of others must end when they are closed here, whatever is copied.
            let mut keep = vec![channel.as_fd(), root.as_fd()];
            keep.extend(work.descriptors());
            if process::close_all_except(&keep).is_err() {
                return 1;
            }
            u8::from(work.serve(&root, &self.run.mapping, &channel).is_err())
        });
        let pid = pid.context(|| "fork".into())?;
        self.copying.push(Copying { pid, client: id });
        Ok(())
    }

    /// Ends what a client that is gone had asked for.
    pub(super) fn stop_copying(&mut self, client: u64) {
        for copying in self.copying.iter().filter(|copying| copying.client == client) {
            // Ended already is as good; it is reaped like any child.
            drop(signal::kill(copying.pid, signal::KILL));
        }
    }

    /// A child ended; one that could not say how it went has it said here.
    pub(super) fn copied(&mut self, pid: Pid, code: i32) {
        let Some(at) = self.copying.iter().position(|copying| copying.pid == pid) else { return };
        let Copying { client, .. } = self.copying.swap_remove(at);
        if code != 0 {
            let text = format!("the process that copied files ended with status {code}");
            self.tell(client, &Reply::Failed(failure(FailureKind::System, text)));
        }
    }
}
