//! From a fresh pid 1 to a running container.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::control::Reply;
use minidock_proto::request::{Answer, FailureKind, Network, Run, Started};
use minidock_proto::{Channel, Descriptors, record};
use minidock_sys::process::SingleThreaded;
use minidock_sys::signal;
use rustix::fs::{Mode, OFlags};
use rustix::mount::MountFlags;
use rustix::process::PidfdFlags;

use super::client::Client;
use super::log::Log;
use super::session::Session;
use super::{STARTER, Supervisor, network, records};
use crate::executable::Inherited;
use crate::failure::{Context, Result, failure_with_hint, protocol};
use crate::launch::{self, Streams};
use crate::rootfs::verbs::CommitFiles;
use crate::rootfs::{overlay, prepare, scratch};
use crate::spec;

impl Supervisor {
    /// Does all of it; on an error the end of this process undoes all of it.
    pub(super) fn start(single: SingleThreaded, inherited: Inherited) -> Result<Self> {
        let Inherited { run, fds, channel, keeper } = inherited;
        let mut fds = Descriptors::from(fds);
        let lock = fds.take(run.lock).map_err(protocol)?;
        let userns = fds.take(run.join.userns).map_err(protocol)?;
        let hold = fds.take(run.join.hold).map_err(protocol)?;
        let owner = fds.take_optional(run.owner).map_err(protocol)?;
        let signals = signal::signal_fd(single, &[signal::CHILD])
            .context(|| "watch for ended processes".into())?;
        let directory = run.directory.as_path().to_path_buf();
        records::prepare(&directory)?;
        let scratch = scratch::mount(&directory.join("mnt"))?;
        own_views(&run)?;
        overlay::mount(&run.rootfs, &scratch, &scratch.rootfs, "")?;
        let mount_points = prepare::prepare(single, &run, &scratch, &mut fds)?;
        spec::write(&run, &scratch)?;
        let listener = listen(&directory)?;
        let netns = match &run.network {
            Network::Join { netns } => Some(fds.take(*netns).map_err(protocol)?),
            _ => None,
        };
        let ports = network::ports(&run, &mut fds)?;
        let commit = match &run.commit {
            Some(commit) => Some(CommitFiles::take(commit, &mut fds)?),
            None => None,
        };
        let keeper = keeper.map(Channel::from);
        let (mut init, streams) = Session::first(&run, &mut fds)?;
        let connect = |namespaces: &launch::Namespaces| {
            network::connect(&run, keeper.as_ref(), namespaces, &directory)
        };
        let mut address = None;
        let mut connect_and_keep = |namespaces: &launch::Namespaces| {
            address = connect(namespaces)?;
            Ok(())
        };
        let started_at = records::now();
        let launched =
            launch::launch(single, &run, &scratch, netns.as_ref(), streams, &mut connect_and_keep)?;
        init.started(launched.pid, launched.terminal)?;
        if !ports.is_empty() {
            network::forward(single, ports, address, &launched.namespaces)?;
        }
        let init_pidfd = rustix::process::pidfd_open(launched.pid, PidfdFlags::empty())
            .context(|| "watch the container's init".into())?;
        records::write_state(&directory, started_at, run.mapping.name())?;
        let log = if run.log { Some(Log::open(&directory)?) } else { None };
        let lockdown = run.process.lockdown.clone();
        let mut supervisor = Self {
            single,
            run,
            lock,
            userns,
            _hold: hold,
            _keeper: keeper,
            signals,
            listener,
            owner,
            init: launched.pid,
            init_pidfd,
            started_at,
            lockdown,
            log,
            clients: Vec::new(),
            next_client: STARTER + 1,
            execs: 0,
            sessions: vec![init],
            copying: Vec::new(),
            kill_at: None,
            ended: None,
            commit,
            mount_points,
            scratch,
        };
        supervisor.event("start", &[]);
        supervisor.greet(Channel::from(channel));
        Ok(supervisor)
    }

    /// Tells the engine that it runs, and goes on talking to it as to any client.
    fn greet(&mut self, channel: Channel) {
        let started = Answer::Started(Started { started_at: self.started_at });
        // An engine that is gone already did not want an answer (or owns us: its pidfd tells).
        if channel.send(&started, &[]).is_ok() {
            let mut client = Client::new(STARTER, channel);
            client.attached = true;
            client.waiting = true;
            self.clients.push(client);
        }
    }
}

/// A /proc of the own pid namespace, and a cgroup file system that libcontainer can work with.
fn own_views(run: &Run) -> Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", "/proc", "proc", flags, None).map_err(|error| {
        failure_with_hint(
            FailureKind::HostUnsupported,
            format!("this host refuses a fresh /proc for a container: {error}"),
            "inside another container /proc must not be masked (docker: `--security-opt systempaths=unconfined`)",
        )
    })?;
    let cgroup = Path::new("/sys/fs/cgroup");
    if !cgroup.exists() {
        return Ok(());
    }
    match rustix::mount::mount("cgroup2", cgroup, "cgroup2", flags, None) {
        Ok(()) => Ok(()),
        // With the host's network the container gets the host's /sys as it is.
        Err(_) if matches!(run.network, Network::Host) => Ok(()),
        Err(error) => Err(failure_with_hint(
            FailureKind::HostUnsupported,
            format!("this host refuses a cgroup2 mount for a container: {error}"),
            "`minidock doctor` shows the cgroup set-up of this host",
        )),
    }
}

fn listen(directory: &Path) -> Result<OwnedFd> {
    let path = directory.join(record::SOCKET);
    match rustix::fs::unlink(&path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error).context(|| format!("remove {}", path.display())),
    }
    minidock_proto::socket::listen(&path).context(|| format!("listen on {}", path.display()))
}

impl Session {
    /// The session of init and the ends that init itself gets.
    fn first(run: &Run, fds: &mut Descriptors) -> Result<(Self, Streams)> {
        let mut take = |fd| fds.take_optional(fd).map_err(protocol);
        let stdin = take(run.stdio.stdin)?;
        let stdout = take(run.stdio.stdout)?;
        let stderr = take(run.stdio.stderr)?;
        let mut session = Self::new(true);
        if run.process.terminal.is_some() {
            session.expect_terminal(stdin, stdout)?;
            let null = || null().map(OwnedFd::from);
            return Ok((session, Streams { stdin: null()?, stdout: null()?, stderr: null()? }));
        }
        let input = if run.stdin_open || stdin.is_some() {
            session.input_pipe(stdin, run.stdin_once)?
        } else {
            OwnedFd::from(null()?)
        };
        let output = session.output_pipe(minidock_proto::log::Stream::Stdout, stdout)?;
        let error = session.output_pipe(minidock_proto::log::Stream::Stderr, stderr)?;
        Ok((session, Streams { stdin: input, stdout: output, stderr: error }))
    }
}

/// /dev/null, both ways.
pub(super) fn null() -> Result<File> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .context(|| "open /dev/null".into())
        .map(File::from)
}

/// Sends a reply; a client that is gone needs none.
pub(super) fn reply(channel: &Channel, reply: &Reply, fds: &[std::os::fd::BorrowedFd<'_>]) -> bool {
    channel.send(reply, fds).is_ok()
}

/// Borrowed view of the namespace for a reply.
pub(super) fn borrowed(fd: &OwnedFd) -> std::os::fd::BorrowedFd<'_> {
    fd.as_fd()
}
