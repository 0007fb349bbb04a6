//! `start`: from a container's settings to a supervisor that runs it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use minidock_proto::control::{Call, Reply};
use minidock_proto::process::{Lockdown, Process, WindowSize};
use minidock_proto::request::{
    Answer, AutoRemove, Mount, MountSource, Network, Port, Rootfs, Run, Upper,
};
use minidock_proto::{Bytes, Outgoing, record};
use rustix::process::PidfdFlags;

use super::config::ContainerConfig;
use super::control::when_still_there;
use super::create::{CreatedContainer, encode};
use super::list::Status;
use super::options::{MountKind, MountOptions, NetworkMode};
use super::streams::{self, Attach, ClientStreams};
use super::supervision::{Supervision, needs_nested};
use super::waiting::Waiting;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Conversation, broken};
use crate::store::{ContainerId, ContainerRecord, Lease, Lock, VolumeName};
use crate::{network, seccomp};

/// How a container is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartOptions {
    /// Streams that the caller carries from the first byte on.
    pub attach: Attach,
    /// End the container when this process ends, however it ends.
    pub owned: bool,
    /// Size of its terminal.
    pub window: Option<WindowSize>,
}

/// A container that was started, and the connection to it.
#[derive(Debug)]
pub struct Running {
    /// The container.
    pub id: ContainerId,
    /// The caller's ends.
    pub streams: ClientStreams,
    pub(super) conversation: Conversation,
    pub(super) engine: Engine,
    /// It is to be removed, by us when its supervisor was killed before it could.
    auto_remove: bool,
    pub(super) waiting: Waiting,
}

impl Engine {
    /// Starts a container that does not run. One that is to be removed at its end is removed
    /// when it cannot start, too.
    pub fn start_container(&self, id: &ContainerId, options: StartOptions) -> Result<Running> {
        let record = self.store().container(id)?;
        let config = self.container_settings(id)?;
        self.fold_in_one(&record)?;
        let lock = self.take_container(&record)?;
        let held = Held { lock, lease: None, supervision: None };
        self.start_or_clear_away(&record, config, held, options)
    }

    /// Starts a container that was just made.
    pub fn start_created(
        &self,
        created: CreatedContainer,
        options: StartOptions,
    ) -> Result<Running> {
        let config = self.container_settings(&created.record.id)?;
        let CreatedContainer { record, lock, lease, supervision } = created;
        let held = Held { lock, lease: Some(lease), supervision };
        self.start_or_clear_away(&record, config, held, options)
    }

    fn start_or_clear_away(
        &self,
        record: &ContainerRecord,
        config: ContainerConfig,
        held: Held,
        options: StartOptions,
    ) -> Result<Running> {
        let id = &record.id;
        let auto_remove = config.auto_remove;
        let started = self.start_locked(record, config, held, options);
        if let Err(error) = &started {
            if auto_remove {
                self.wait_until_gone(id)?;
                self.remove_ended(id)?;
            } else {
                self.record_failed_start(record, error)?;
            }
        }
        started
    }

    /// Removes a container that ended, with the volumes that are its alone; gone already is fine.
    pub(crate) fn remove_ended(&self, id: &ContainerId) -> Result<()> {
        let options = super::RemoveOptions { force: false, volumes: true };
        match self.remove_container(id, options) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn start_locked(
        &self,
        record: &ContainerRecord,
        config: ContainerConfig,
        Held { lock, lease, supervision }: Held,
        options: StartOptions,
    ) -> Result<Running> {
        let id = &record.id;
        let auto_remove = config.auto_remove;
        let nested = needs_nested(&config);
        let Supervision { joined, waiting } =
            supervision.unwrap_or_else(|| self.supervise(id, &config.network, nested))?;
        let lowers = self.trees(&joined, &record.layers)?;
        let bound = network::bind(ports_to_bind(&config))?;
        let (streams, ends) = streams::pipes(options.attach)?;
        let owner = if options.owned { Some(own_pidfd()?) } else { None };
        let mounts = self.open_mounts(&config.mounts)?;
        let mut fds = Outgoing::default();
        let directory = self.store().container_dir(id);
        let ports = bound
            .iter()
            .map(|bound| Port {
                listener: fds.push(bound.socket.as_fd()),
                protocol: bound.port.protocol,
                port: bound.port.container,
            })
            .collect();
        let run = Run {
            id: id.as_str().to_owned(),
            mapping: self.mapping().clone(),
            nested,
            lock: fds.push(lock.as_fd()),
            rootfs: rootfs(&config, &lowers, &directory),
            directory: directory.as_path().into(),
            process: process(&config, options.window)?,
            init: config.init,
            hostname: config.hostname.clone(),
            mounts: mounts.iter().map(|mount| mount.describe(&mut fds)).collect(),
            unmasked: config.privileged,
            shm_size: config.shm_size,
            hosts: config.hosts.clone(),
            resolv: Vec::new(),
            network: network_of(&config.network)?,
            ports,
            stdio: ends.push(&mut fds),
            stdin_open: config.stdin_open,
            stdin_once: options.attach.stdin,
            owner: owner.as_ref().map(|owner| fds.push(owner.as_fd())),
            log: true,
            stop_signal: config.stop_signal,
            remove: self.auto_remove(record, &config)?,
            commit: None,
            events: Some(self.event_sink(record, &config)),
        };
        self.remember_ports(record, config, &bound)?;
        lock.hand_over();
        let mut conversation = waiting.run(&run, &fds)?;
        drop((ends, lock, bound, joined, lease));
        let started = conversation.answer();
        conversation.finish();
        started?;
        let (engine, waiting) = (self.clone(), Waiting::default());
        Ok(Running { id: id.clone(), streams, conversation, engine, auto_remove, waiting })
    }

    /// Takes the container's lock, which the supervisor then keeps.
    fn take_container(&self, record: &ContainerRecord) -> Result<Lock> {
        let path = self.store().container_lock_path(&record.id);
        let lock = loop {
            if let Some(lock) = Lock::try_exclusive(&path)? {
                break lock;
            }
            if self.container_state(&record.id)?.status == Status::Running {
                let message = format!("container {} runs already", record.name);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            self.wait_for_clearing(&record.id)?;
            self.wait_for_copies(&record.id)?;
        };
        // It may have been removed between the question and the lock.
        self.store().container(&record.id)?;
        Ok(lock)
    }

    fn auto_remove(
        &self,
        record: &ContainerRecord,
        config: &ContainerConfig,
    ) -> Result<Option<AutoRemove>> {
        if !config.auto_remove {
            return Ok(None);
        }
        let root = self.store().root();
        Ok(Some(AutoRemove {
            trash: root.join("trash").join(record.id.as_str()).into(),
            name: Some(root.join("names").join(record.name.as_str()).into()),
            volumes: config
                .anonymous_volumes
                .iter()
                .map(|name| root.join("volumes").join(name).into())
                .collect(),
        }))
    }

    fn remember_ports(
        &self,
        record: &ContainerRecord,
        mut config: ContainerConfig,
        bound: &[network::Bound],
    ) -> Result<()> {
        let ports: Vec<u16> = bound.iter().map(|bound| bound.host).collect();
        if config.bound == ports {
            return Ok(());
        }
        config.bound = ports;
        self.store().set_container_config(&record.id, &encode(&config)?)
    }

    /// Leaves in the container what kept it from starting, as docker shows it.
    fn record_failed_start(&self, record: &ContainerRecord, error: &Error) -> Result<()> {
        let now = super::list::now();
        let code = match error.kind() {
            ErrorKind::CommandNotFound => 127,
            ErrorKind::CommandNotExecutable => 126,
            _ => 128,
        };
        let error = Some(error.one_line());
        let exit = super::Exit { code, started_at: 0, finished_at: now, error, timed_out: false };
        let path = self.store().container_dir(&record.id).join(record::EXIT);
        let text = serde_json::to_vec(&exit)
            .map_err(|e| Error::new(ErrorKind::Io, "cannot write exit.json").with_source(e))?;
        match std::fs::write(&path, text) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::at("write", &path, error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn open_mounts(&self, mounts: &[MountOptions]) -> Result<Vec<OpenMount>> {
        mounts.iter().map(|mount| self.open_mount(mount)).collect()
    }

    fn open_mount(&self, mount: &MountOptions) -> Result<OpenMount> {
        let source = match &mount.kind {
            MountKind::Bind { source, create } => open_bind(source, *create)?,
            MountKind::Volume { name, no_copy } => {
                let name: VolumeName = name.as_deref().unwrap_or_default().parse()?;
                self.store().volume(&name)?;
                OpenSource::Volume { path: self.store().volume_data(&name), fill: !no_copy }
            }
            MountKind::Tmpfs { size, inodes, mode, exec } => OpenSource::Tmpfs {
                size: *size,
                inodes: *inodes,
                mode: mode.unwrap_or(0o1777),
                exec: *exec,
            },
        };
        Ok(OpenMount { target: mount.target.clone(), source, read_only: mount.read_only })
    }
}

/// What is held of a container that is being started.
struct Held {
    lock: Lock,
    /// Of its making, if it was made just now.
    lease: Option<Lease>,
    /// Its supervisor, if one was started already.
    supervision: Option<Result<Supervision>>,
}

/// The runtime's description of a network.
pub(crate) fn network_of(mode: &NetworkMode) -> Result<Network> {
    match mode {
        NetworkMode::None => Ok(Network::None),
        NetworkMode::Host => Ok(Network::Host),
        NetworkMode::Private => network::helper().map(Network::Private),
    }
}

pub(super) struct OpenMount {
    target: Bytes,
    source: OpenSource,
    read_only: bool,
}

enum OpenSource {
    Bind { path: PathBuf, identity: OwnedFd },
    Volume { path: PathBuf, fill: bool },
    Tmpfs { size: Option<u64>, inodes: Option<u64>, mode: u32, exec: bool },
}

impl OpenMount {
    pub(super) fn describe<'a>(&'a self, fds: &mut Outgoing<'a>) -> Mount {
        let source = match &self.source {
            OpenSource::Bind { path, identity } => MountSource::Bind {
                path: path.as_path().into(),
                identity: fds.push(identity.as_fd()),
                recursive: true,
            },
            OpenSource::Volume { path, fill } => {
                MountSource::Volume { path: path.as_path().into(), fill: *fill }
            }
            OpenSource::Tmpfs { size, inodes, mode, exec } => {
                MountSource::Tmpfs { size: *size, inodes: *inodes, mode: *mode, exec: *exec }
            }
        };
        Mount { target: self.target.clone(), source, read_only: self.read_only }
    }
}

fn open_bind(source: &Path, create: bool) -> Result<OpenSource> {
    use rustix::fs::{Mode, OFlags};
    if !source.is_absolute() {
        let message = format!("the mount source {} is not an absolute path", source.display());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    if create && !source.exists() {
        std::fs::create_dir_all(source).map_err(|error| Error::at("make", source, error))?;
    }
    let path = std::fs::canonicalize(source)
        .map_err(|error| Error::at("mount", source, error).with_hint("make it first"))?;
    let identity = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| Error::at("open", &path, error))?;
    Ok(OpenSource::Bind { path, identity })
}

fn ports_to_bind(config: &ContainerConfig) -> &[super::PublishedPort] {
    // As docker: with the host's network, or none, published ports mean nothing.
    match config.network {
        NetworkMode::Private => &config.ports,
        NetworkMode::Host | NetworkMode::None => &[],
    }
}

pub(super) fn rootfs(config: &ContainerConfig, lowers: &[PathBuf], directory: &Path) -> Rootfs {
    Rootfs {
        lowers: lowers.iter().map(|path| path.as_path().into()).collect(),
        upper: Some(Upper {
            directory: directory.join(record::UPPER).into(),
            work: directory.join(record::WORK).into(),
            volatile: config.auto_remove,
        }),
        read_only: config.read_only,
    }
}

fn process(config: &ContainerConfig, window: Option<WindowSize>) -> Result<Process> {
    let size = window.unwrap_or(WindowSize { rows: 24, columns: 80 });
    Ok(Process {
        args: config.args.clone(),
        env: config.env.clone(),
        cwd: config.cwd.clone(),
        user: config.user.clone(),
        groups: config.groups.clone(),
        terminal: config.tty.then_some(size),
        lockdown: lockdown(config)?,
        limits: config.limits.clone(),
    })
}

/// What init and every executed process of the container may do.
fn lockdown(config: &ContainerConfig) -> Result<Lockdown> {
    let option = match config.privileged {
        true => &super::SeccompOption::Unconfined,
        false => &config.seccomp,
    };
    Ok(Lockdown {
        capabilities: config.capabilities,
        no_new_privileges: config.no_new_privileges,
        seccomp: seccomp::program(option, config.capabilities)?,
    })
}

/// A pidfd of this process, for what must end with it.
pub(crate) fn own_pidfd() -> Result<OwnedFd> {
    rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
        .map_err(|error| Error::io("cannot open a pidfd of this process", error))
}

impl Running {
    /// Waits for the end; any number of threads may, any number of times.
    pub fn wait(&self) -> Result<super::Exit> {
        let exit = self.waiting.wait(None, || {
            loop {
                if let Some(exit) = self.next_message()? {
                    return Ok(Some(exit));
                }
            }
        })?;
        exit.ok_or_else(|| Error::new(ErrorKind::Runtime, "the container ended without a status"))
    }

    /// Reads one message, and the end if it tells that. Replies to calls of ours and answers to
    /// the start come over the same connection.
    pub(super) fn next_message(&self) -> Result<Option<super::Exit>> {
        let message = self.conversation.channel.receive_raw().map_err(broken)?;
        let Some((body, _)) = message else {
            if self.auto_remove {
                self.engine.wait_until_gone(&self.id)?;
                self.engine.remove_ended(&self.id)?;
            }
            return Err(Error::new(
                ErrorKind::Runtime,
                "the supervisor of the container was killed, and the container with it",
            ));
        };
        if let Ok(Answer::Exited(exit)) = serde_json::from_slice::<Answer>(&body) {
            return Ok(Some(exit));
        }
        match serde_json::from_slice::<Reply>(&body) {
            Ok(Reply::Exited(exit)) => Ok(Some(exit)),
            _ => Ok(None),
        }
    }

    /// Changes the size of its terminal.
    pub fn resize(&self, size: WindowSize) -> Result<()> {
        self.call(&Call::Resize { size })
    }

    /// Sends a signal to its first process.
    pub fn kill(&self, signal: i32) -> Result<()> {
        self.call(&Call::Kill { signal })
    }

    /// Gives the streams up; the container goes on, owned by nobody.
    pub fn detach(&self) -> Result<()> {
        when_still_there(self.conversation.channel.send(&Call::Detach, &[]))
    }

    /// The connection to its supervisor.
    pub(super) fn channel(&self) -> &minidock_proto::Channel {
        &self.conversation.channel
    }

    fn call(&self, call: &Call) -> Result<()> {
        self.conversation.channel.send(call, &[]).map_err(broken)
    }
}
