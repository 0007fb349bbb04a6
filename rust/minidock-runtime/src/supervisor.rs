//! The supervisor of one container: pid 1 of the outer pid namespace.
//!
//! It prepares the root file system, starts init, carries its streams and log, serves the
//! control socket, runs further processes, and writes the exit record. When it dies, however it
//! dies, the kernel ends everything in its pid namespace and its mounts go with it.

mod archive;
mod client;
mod events;
mod exec;
mod finish;
mod log;
mod network;
mod pump;
mod records;
mod serve;
mod session;
mod start;
mod tracked;
pub(crate) mod waiting;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use minidock_proto::Channel;
use minidock_proto::process::Lockdown;
use minidock_proto::request::{Answer, Run};
use minidock_sys::process::SingleThreaded;
use rustix::process::Pid;

use crate::executable;
use crate::failure::Result;
use client::Client;
use session::Session;

/// The number of the client that started the container; no later one has it.
const STARTER: u64 = 0;

/// A running container.
struct Supervisor {
    single: SingleThreaded,
    run: Run,
    /// Held until nothing of the container runs or is mounted any more: it says that it lives.
    lock: Option<OwnedFd>,
    /// Handed out when the holder of the namespace died.
    userns: OwnedFd,
    /// Tells the holder that the namespace is in use.
    _hold: OwnedFd,
    /// The keeper of the network helper, told to end with us by its pidfd.
    _keeper: Option<Channel>,
    signals: OwnedFd,
    listener: OwnedFd,
    owner: Option<OwnedFd>,
    /// The container's mount namespace: the kernel takes it down when the last who has it lets it
    /// go, and that takes time which nobody should wait for.
    mounts: Option<OwnedFd>,
    /// The forwarder of the published ports.
    forwarder: Option<Pid>,
    init: Pid,
    init_pidfd: OwnedFd,
    started_at: i64,
    /// What exec'd processes are allowed: the same as init.
    lockdown: Lockdown,
    log: Option<log::Log>,
    clients: Vec<Client>,
    next_client: u64,
    /// How many processes were executed.
    execs: u64,
    sessions: Vec<Session>,
    /// Processes that copy files in or out.
    copying: Vec<archive::Copying>,
    /// When a stop turns into a kill.
    kill_at: Option<Instant>,
    /// Exit status of init once it ended.
    ended: Option<i32>,
    /// The files that a RUN step's layer goes to.
    commit: Option<crate::rootfs::verbs::CommitFiles>,
    /// Mount points made in the writable layer.
    mount_points: Vec<PathBuf>,
    scratch: crate::rootfs::scratch::Scratch,
}

/// Runs the container that the description at standard input tells of.
pub(crate) fn main(single: SingleThreaded) -> ExitCode {
    let inherited = match executable::inherited() {
        Ok(inherited) => inherited,
        // Without the channel there is nobody to tell.
        Err(_) => return ExitCode::from(70),
    };
    if crate::spawned::standard_streams_to_null().is_err() {
        return ExitCode::from(70);
    }
    let copy = rustix::io::fcntl_dupfd_cloexec(&inherited.channel, 3).map(Channel::from);
    match supervise(single, inherited) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Ok(channel) = copy {
                // An engine that is gone needs no answer.
                drop(channel.send(&Answer::Failed(failure), &[]));
            }
            ExitCode::FAILURE
        }
    }
}

fn supervise(single: SingleThreaded, inherited: executable::Waiting) -> Result<()> {
    let Some(mut supervisor) = Supervisor::start(single, inherited)? else { return Ok(()) };
    let code = supervisor.serve()?;
    supervisor.finish(code)
}
