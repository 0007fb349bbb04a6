//! From a fresh pid 1 to a running container.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_proto::control::Reply;
use minidock_proto::request::{Answer, Network, Run, Started};
use minidock_proto::{Channel, Descriptors, record};
use minidock_sys::process::SingleThreaded;
use minidock_sys::signal;
use rustix::fs::{Mode, OFlags};
use rustix::process::PidfdFlags;

use super::client::Client;
use super::log::Log;
use super::session::Session;
use super::{STARTER, Supervisor, network, records, waiting};
use crate::executable::Waiting;
use crate::failure::{Context, Result, protocol};
use crate::launch::{self, Streams};
use crate::rootfs::verbs::CommitFiles;
use crate::rootfs::{overlay, prepare};
use crate::spec;

impl Supervisor {
    /// Does all of it; on an error the end of this process undoes all of it. `None` when the
    /// engine ended before it told of a container.
    pub(super) fn start(single: SingleThreaded, inherited: Waiting) -> Result<Option<Self>> {
        let signals = signal::signal_fd(single, &[signal::CHILD])
            .context(|| "watch for ended processes".into())?;
        let scratch = waiting::prepare(single, &inherited)?;
        let channel = rustix::io::fcntl_dupfd_cloexec(&inherited.channel, 3)
            .context(|| "copy the channel".into())?;
        let channel = Channel::from(channel);
        let Some((run, mut fds)) = waiting::container(&inherited, &channel)? else {
            return Ok(None);
        };
        let Waiting { userns, hold, keeper, .. } = inherited;
        let lock = fds.take(run.lock).map_err(protocol)?;
        let owner = fds.take_optional(run.owner).map_err(protocol)?;
        let directory = run.directory.as_path().to_path_buf();
        let writes_exit = run.remove.is_none() && run.commit.is_none();
        records::prepare(&directory, writes_exit)?;
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
            network::connect(&run, keeper.as_ref(), namespaces, &scratch.etc)
        };
        let mut address = None;
        let mut connect_and_keep = |namespaces: &launch::Namespaces| {
            address = connect(namespaces)?;
            Ok(())
        };
        let started_at = records::now();
        let launched =
            launch::launch(single, &run, &scratch, netns.as_ref(), streams, &mut connect_and_keep)?;
        // Without it the kernel takes it down when init ends, which is as good and later.
        let mounts = launch::open_namespace(launched.pid, "mnt").ok();
        init.started(launched.pid, launched.terminal)?;
        let forwarder = match ports.is_empty() {
            true => None,
            false => Some(network::forward(single, ports, address, &launched.namespaces)?),
        };
        let init_pidfd = rustix::process::pidfd_open(launched.pid, PidfdFlags::empty())
            .context(|| "watch the container's init".into())?;
        records::write_state(&directory, started_at, run.mapping.name())?;
        let log = if run.log { Some(Log::open(&directory)?) } else { None };
        let lockdown = run.process.lockdown.clone();
        let mut supervisor = Self {
            single,
            run,
            lock: Some(lock),
            userns,
            _hold: hold,
            _keeper: keeper,
            signals,
            listener,
            owner,
            mounts,
            forwarder,
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
        supervisor.greet(channel);
        Ok(Some(supervisor))
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
