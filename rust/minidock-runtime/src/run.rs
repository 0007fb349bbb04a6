//! `supervise`: from the spawned process to the supervisor of a container.
//!
//! ```text
//! engine ── spawns ── gate: enters the user namespace, makes mount, cgroup and pid namespaces,
//!                     forks the supervisor into them and ends, so that the host has nothing to
//!                     reap
//!                       └─ supervisor: pid 1 of the outer pid namespace
//! ```
//! With a network helper the spawned process forks a keeper and ends, and the keeper, which stays
//! on the host's side and watches the supervisor, forks the gate.
//! A kill -9 of the supervisor lets the kernel end everything of the container.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::request::{Answer, Failure, FailureKind, Supervise};
use minidock_proto::{Bytes, Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork, SingleThreaded};
use rustix::process::{Pid, PidfdFlags};

use crate::executable::{self, Waiting};
use crate::failure::{Context, Result, failure, protocol};
use crate::spawned::Spawned;
use crate::{hold, join, net};

/// Starts the chain and ends; the supervisor answers on the channel.
pub(crate) fn serve(supervise: Supervise, spawned: Spawned) -> Result<Option<Answer>> {
    let Spawned { single, channel, fds } = spawned;
    let session = || rustix::process::setsid().context(|| "start a session".into());
    let Some(record) = supervise.helper_record.clone() else {
        session()?;
        gate(single, &supervise, &channel, fds, None, None)?;
        return Ok(None);
    };
    match process::fork(single).context(|| "fork".into())? {
        Fork::Parent(_) => Ok(None),
        Fork::Child => {
            let outcome =
                session().and_then(|_| host_side(single, &supervise, &record, &channel, fds));
            leave(outcome, &channel)
        }
    }
}

/// Ends a forked process, telling the engine what went wrong.
fn leave(outcome: Result<()>, channel: &Channel) -> ! {
    if let Err(failure) = outcome {
        // An engine that is gone needs no answer.
        drop(channel.send(&Answer::Failed(failure), &[]));
        process::exit_now(1)
    }
    process::exit_now(0)
}

fn host_side(
    single: SingleThreaded,
    supervise: &Supervise,
    record: &Bytes,
    channel: &Channel,
    fds: Descriptors,
) -> Result<()> {
    let (ours, theirs) = Channel::pair().context(|| "make a socket pair".into())?;
    let (mut pid_reader, pid_writer) = std::io::pipe().context(|| "make a pipe".into())?;
    // A helper that an earlier run left behind when its keeper was killed.
    net::sweep(record.as_path())?;
    match process::fork(single).context(|| "fork".into())? {
        Fork::Child => {
            drop((ours, pid_reader));
            let keeper = theirs.into_fd();
            let outcome = gate(single, supervise, channel, fds, Some(keeper), Some(pid_writer));
            leave(outcome, channel)
        }
        Fork::Parent(gate) => {
            drop((theirs, pid_writer, fds));
            let supervisor = read_pid(&mut pid_reader);
            // The gate told the engine itself if it failed.
            if !hold::wait_for(gate)? {
                return Ok(());
            }
            let pidfd = rustix::process::pidfd_open(supervisor?, PidfdFlags::empty());
            let Ok(pidfd) = pidfd else { return Ok(()) };
            let keep = [pidfd.as_fd(), ours.as_fd()];
            process::close_all_except(&keep).context(|| "close descriptors".into())?;
            net::keeper::keep(pidfd, ours, record.as_path())
        }
    }
}

fn read_pid(pipe: &mut PipeReader) -> Result<Pid> {
    let mut bytes = [0; 4];
    pipe.read_exact(&mut bytes).context(|| "learn the supervisor's pid".into())?;
    Pid::from_raw(i32::from_ne_bytes(bytes))
        .ok_or_else(|| failure(FailureKind::System, "the supervisor has no pid"))
}

/// Enters the user namespace, makes the outer namespaces and forks the supervisor into them.
fn gate(
    single: SingleThreaded,
    supervise: &Supervise,
    channel: &Channel,
    mut fds: Descriptors,
    keeper: Option<OwnedFd>,
    report: Option<PipeWriter>,
) -> Result<()> {
    let waiting = Waiting {
        userns: fds.take(supervise.join.userns).map_err(protocol)?,
        hold: fds.take(supervise.join.hold).map_err(protocol)?,
        engine: fds.take(supervise.engine).map_err(protocol)?,
        channel: rustix::io::fcntl_dupfd_cloexec(channel, 3)
            .context(|| "copy the channel".into())?,
        keeper,
        mount_point: supervise.mount_point.clone(),
        network: supervise.network,
    };
    join::enter_namespace(single, &waiting.userns)?;
    namespace::unshare(single, Kinds::MOUNT.and(Kinds::CGROUP).and(Kinds::PID))
        .context(|| "make the supervisor's namespaces".into())?;
    match process::fork(single).context(|| "fork the supervisor".into())? {
        Fork::Parent(pid) => {
            if let Some(mut report) = report {
                let bytes = pid.as_raw_nonzero().get().to_ne_bytes();
                report.write_all(&bytes).context(|| "tell the supervisor's pid".into())?;
            }
            Ok(())
        }
        Fork::Child => {
            drop(report);
            let failed: Failure = match executable::become_supervisor(&supervise.id, &waiting) {
                Ok(never) => match never {},
                Err(failed) => failed,
            };
            leave(Err(failed), channel)
        }
    }
}
