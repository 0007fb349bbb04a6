//! `run`: from the spawned process to the supervisor of a container.
//!
//! ```text
//! engine ── spawns ── this process (ends at once, so that the host has nothing to reap)
//!                       └─ keeper, host side, only with a network helper: watches the supervisor
//!                            └─ gate: enters the user namespace, makes mount, cgroup and pid
//!                               namespaces, forks the supervisor into them and ends
//!                                 └─ supervisor: pid 1 of the outer pid namespace
//! ```
//! A kill -9 of the supervisor lets the kernel end everything of the container.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::request::{Answer, Failure, FailureKind, Network, Run};
use minidock_proto::{Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork, SingleThreaded};
use rustix::process::{Pid, PidfdFlags};

use crate::failure::{Context, Result, failure, protocol};
use crate::spawned::Spawned;
use crate::{connect, executable, hold, join, net};

/// Starts the chain and ends; the supervisor answers on the channel.
pub(crate) fn serve(run: Run, spawned: Spawned) -> Result<Option<Answer>> {
    let Spawned { single, channel, fds } = spawned;
    match process::fork(single).context(|| "fork".into())? {
        Fork::Parent(_) => Ok(None),
        Fork::Child => {
            let outcome = rustix::process::setsid()
                .context(|| "start a session".into())
                .and_then(|_| host_side(single, run, &channel, fds));
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

fn host_side(single: SingleThreaded, run: Run, channel: &Channel, fds: Descriptors) -> Result<()> {
    if !matches!(run.network, Network::Private(_)) {
        return gate(single, run, channel, fds, None, None).map(drop);
    }
    let (ours, theirs) = Channel::pair().context(|| "make a socket pair".into())?;
    let (mut pid_reader, pid_writer) = std::io::pipe().context(|| "make a pipe".into())?;
    let record = run.directory.as_path().join(connect::RECORD);
    // A helper that an earlier run left behind when its keeper was killed.
    net::sweep(&record)?;
    match process::fork(single).context(|| "fork".into())? {
        Fork::Child => {
            drop((ours, pid_reader));
            let keeper = theirs.into_fd();
            let outcome = gate(single, run, channel, fds, Some(keeper), Some(pid_writer));
            leave(outcome.map(drop), channel)
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
            net::keeper::keep(pidfd, ours, &record)
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
    run: Run,
    channel: &Channel,
    mut fds: Descriptors,
    keeper: Option<OwnedFd>,
    report: Option<PipeWriter>,
) -> Result<()> {
    let userns = fds.take(run.join.userns).map_err(protocol)?;
    join::enter_namespace(single, &userns)?;
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
            let failed: Failure = match exec_supervisor(&run, userns, channel, fds, keeper) {
                Ok(never) => match never {},
                Err(failed) => failed,
            };
            leave(Err(failed), channel)
        }
    }
}

fn exec_supervisor(
    run: &Run,
    userns: OwnedFd,
    channel: &Channel,
    fds: Descriptors,
    keeper: Option<OwnedFd>,
) -> Result<std::convert::Infallible> {
    let fds = fds.into_all(run.join.userns, userns).map_err(protocol)?;
    let channel =
        rustix::io::fcntl_dupfd_cloexec(channel, 3).context(|| "copy the channel".into())?;
    executable::become_supervisor(run, fds, &channel, keeper.as_ref())
}
