//! Starting the container's first process with libcontainer.
//!
//! libcontainer changes its caller for good (dumpable, open descriptors) and leaves children
//! that nobody waits for when it fails. So every start happens in a forked launcher, a child of
//! the supervisor that ends when the program runs; the supervisor, pid 1 of its namespace,
//! inherits the container's init from it and stays as it was.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::oci_spec::runtime::Spec;
use libcontainer::syscall::syscall::SyscallType;
use libcontainer::workload::{
    Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError,
};
use minidock_proto::Channel;
use minidock_proto::mapping::lines;
use minidock_proto::request::{Failure, FailureKind, Network, Run};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork, SingleThreaded};
use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use crate::failure::{Context, Result, failure, protocol};
use crate::payload::Payload;
use crate::rootfs::scratch::Scratch;
use crate::supervisor::waiting::new_network;
use crate::{hold, join};

/// What the first process starts with.
pub(crate) struct Streams {
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// What was started.
pub(crate) struct Launched {
    /// Init, as seen by the supervisor.
    pub(crate) pid: Pid,
    /// The master of its terminal.
    pub(crate) terminal: Option<OwnedFd>,
    /// The container's network and user namespace.
    pub(crate) namespaces: Namespaces,
}

/// Namespaces of the launcher, opened by the supervisor.
pub(crate) struct Namespaces {
    pub(crate) network: OwnedFd,
    pub(crate) user: OwnedFd,
}

#[derive(Serialize, Deserialize)]
enum Step {
    /// The launcher made its user namespace and waits for the maps.
    Unmapped,
    /// The launcher made its network namespace.
    Networked,
    /// Go on.
    Go,
    /// libcontainer started init.
    Launched {
        pid: i32,
    },
    Failed(Failure),
}

/// Starts the container. `connect` is called when the network namespace is there and before
/// anything runs in it.
pub(crate) fn launch(
    single: SingleThreaded,
    run: &Run,
    scratch: &Scratch,
    netns: Option<&OwnedFd>,
    streams: Streams,
    connect: &mut dyn FnMut(&Namespaces) -> Result<()>,
) -> Result<Launched> {
    let (ours, theirs) = Channel::pair().context(|| "make a socket pair".into())?;
    let (report, payload_end) = Channel::pair().context(|| "make a socket pair".into())?;
    let launcher = match process::fork(single).context(|| "fork the launcher".into())? {
        Fork::Parent(pid) => pid,
        Fork::Child => {
            drop((ours, report));
            let payload = Payload {
                single,
                process: run.process.clone(),
                supervisor: Rc::new(payload_end),
                first: true,
                init: run.init,
            };
            let step = match child(single, run, scratch, netns, &streams, &theirs, payload) {
                Ok(pid) => Step::Launched { pid },
                Err(failure) => Step::Failed(failure),
            };
            process::exit_now(u8::from(theirs.send(&step, &[]).is_err()))
        }
    };
    drop((theirs, payload_end, streams));
    let started = oversee(run, launcher, &ours, connect);
    // A launcher that waits for a word learns by this that none will come.
    drop(ours);
    let ended = hold::wait_for(launcher);
    let (pid, namespaces) = match started {
        Ok(started) => started,
        // What the program itself told is better than libcontainer's words about it.
        Err(failure) => return Err(told(&report).unwrap_or(failure)),
    };
    ended?;
    let terminal = program_started(&report, run.process.terminal.is_some())?;
    Ok(Launched { pid, terminal, namespaces })
}

/// A failure that the payload sent, if it sent one and is gone.
fn told(report: &Channel) -> Option<Failure> {
    let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [rustix::event::PollFd::new(report, rustix::event::PollFlags::IN)];
    while matches!(rustix::event::poll(&mut fds, Some(&zero)), Ok(1..)) {
        let (body, _) = report.receive_raw().ok()??;
        if let Ok(failure) = serde_json::from_slice(&body) {
            return Some(failure);
        }
    }
    None
}

/// Reads the payload's side of the start: its terminal, a failure, or the end of the channel,
/// which says that the program runs.
pub(crate) fn program_started(report: &Channel, with_terminal: bool) -> Result<Option<OwnedFd>> {
    let mut terminal = None;
    while let Some((body, mut fds)) = report.receive_raw().map_err(protocol)? {
        match fds.pop() {
            Some(master) => terminal = Some(master),
            None => {
                return Err(serde_json::from_slice(&body).unwrap_or_else(|_| {
                    failure(FailureKind::System, "the program's start failed without a reason")
                }));
            }
        }
    }
    if with_terminal && terminal.is_none() {
        return Err(failure(FailureKind::System, "the container's start was killed"));
    }
    Ok(terminal)
}

fn oversee(
    run: &Run,
    launcher: Pid,
    channel: &Channel,
    connect: &mut dyn FnMut(&Namespaces) -> Result<()>,
) -> Result<(Pid, Namespaces)> {
    let mut namespaces = None;
    // It is our child and not waited for yet: the pid is its own.
    let alive = rustix::process::pidfd_open(launcher, rustix::process::PidfdFlags::empty())
        .context(|| "watch the launcher".into())?;
    loop {
        let step = next_step(channel, &alive)?;
        match step {
            Step::Unmapped => write_nested_maps(run, launcher)?,
            Step::Networked => {
                let opened = Namespaces::of(launcher)?;
                connect(&opened)?;
                namespaces = Some(opened);
            }
            Step::Launched { pid } => {
                let pid = Pid::from_raw(pid);
                return pid.zip(namespaces).ok_or_else(|| {
                    failure(FailureKind::System, "the container started without a pid")
                });
            }
            Step::Failed(failure) => return Err(failure),
            Step::Go => {}
        }
        channel.send(&Step::Go, &[]).map_err(protocol)?;
    }
}

/// What the launcher says. Its children hold its end of the channel too, so that its death does
/// not show there.
fn next_step(channel: &Channel, alive: &OwnedFd) -> Result<Step> {
    use rustix::event::{PollFd, PollFlags};
    let mut fds = [PollFd::new(channel, PollFlags::IN), PollFd::new(alive, PollFlags::IN)];
    loop {
        match rustix::event::poll(&mut fds, None) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context(|| "wait for the launcher".into()),
        }
    }
    let killed = || failure(FailureKind::System, "the container's start was killed");
    // What it said last counts before its end.
    if fds[0].revents().is_empty() {
        return Err(killed());
    }
    channel.receive::<Step>().map_err(protocol)?.map(|(step, _)| step).ok_or_else(killed)
}

impl Namespaces {
    fn of(pid: Pid) -> Result<Self> {
        Ok(Self { network: open_namespace(pid, "net")?, user: open_namespace(pid, "user")? })
    }
}

/// A namespace of a process, by its name in /proc (namespaces(7)).
pub(crate) fn open_namespace(pid: Pid, name: &str) -> Result<OwnedFd> {
    let path = format!("/proc/{}/ns/{name}", pid.as_raw_nonzero());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(&path, flags, Mode::empty()).context(|| format!("open {path}"))
}

fn write_nested_maps(run: &Run, pid: Pid) -> Result<()> {
    let mapping = run.mapping.nested();
    for (file, text) in [("uid_map", lines(&mapping.uids)), ("gid_map", lines(&mapping.gids))] {
        if file == "gid_map" && run.mapping.is_single() {
            // Where setgroups is denied above it stays denied; the kernel wants it said.
            let path = format!("/proc/{}/setgroups", pid.as_raw_nonzero());
            std::fs::write(&path, "deny").context(|| format!("write {path}"))?;
        }
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        std::fs::write(&path, text).context(|| format!("write {path}"))?;
    }
    Ok(())
}

/// The launcher: namespaces that libcontainer shall find, then libcontainer.
fn child(
    single: SingleThreaded,
    run: &Run,
    scratch: &Scratch,
    netns: Option<&OwnedFd>,
    streams: &Streams,
    supervisor: &Channel,
    payload: Payload,
) -> Result<i32> {
    if run.nested {
        namespace::unshare(single, Kinds::USER.and(Kinds::MOUNT))
            .context(|| "make the container's user namespace".into())?;
        step(supervisor, Step::Unmapped)?;
        join::become_root()?;
    }
    match (&run.network, netns) {
        (Network::Host, _) => {}
        (Network::Join { .. }, Some(netns)) => {
            namespace::enter(single, netns, Kinds::NET)
                .context(|| "enter the network namespace".into())?;
        }
        // The user namespace that owns it is what may configure it.
        _ if run.nested => new_network(single)?,
        // The supervisor made it.
        _ => {}
    }
    step(supervisor, Step::Networked)?;
    let place = || "place the standard streams".to_owned();
    rustix::stdio::dup2_stdin(&streams.stdin).context(place)?;
    rustix::stdio::dup2_stdout(&streams.stdout).context(place)?;
    rustix::stdio::dup2_stderr(&streams.stderr).context(place)?;
    with_libcontainer(run, &scratch.bundle, &scratch.state, payload)
}

fn step(supervisor: &Channel, step: Step) -> Result<()> {
    supervisor.send(&step, &[]).map_err(protocol)?;
    match supervisor.receive::<Step>().map_err(protocol)? {
        Some(_) => Ok(()),
        None => Err(failure(FailureKind::System, "the supervisor ended")),
    }
}

fn with_libcontainer(run: &Run, bundle: &Path, state: &Path, payload: Payload) -> Result<i32> {
    let wrong = |error: libcontainer::error::LibcontainerError| {
        failure(FailureKind::System, format!("cannot start the container: {}", chain(&error)))
    };
    let mut container = ContainerBuilder::new(run.id.clone(), SyscallType::default())
        .with_root_path(state)
        .map_err(wrong)?
        .with_executor(Program(payload))
        .validate_id()
        .map_err(wrong)?
        .as_init(bundle)
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(wrong)?;
    container.start().map_err(wrong)?;
    container
        .pid()
        .map(|pid| pid.as_raw())
        .ok_or_else(|| failure(FailureKind::System, "the container started without a pid"))
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// Our payload as libcontainer's executor.
#[derive(Clone)]
struct Program(Payload);

impl Executor for Program {
    fn exec(&self, _spec: &Spec) -> std::result::Result<(), ExecutorError> {
        Err(ExecutorError::Other(self.0.become_program().message))
    }

    fn validate(&self, _spec: &Spec) -> std::result::Result<(), ExecutorValidationError> {
        Ok(())
    }

    fn setup_envs(
        &self,
        _envs: std::collections::HashMap<String, String>,
    ) -> std::result::Result<(), ExecutorSetEnvsError> {
        // The environment goes to execve; this process' own is empty and stays so.
        Ok(())
    }
}
