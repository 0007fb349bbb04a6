//! RUN: a command in a container of its own, whose writable layer becomes a layer.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_dockerfile::{Run, RunPayload, RunSecurity};
use minidock_image::digest::Digest;
use minidock_proto::process::{Lockdown, Process};
use minidock_proto::record;
use minidock_proto::request::{self, Layer, Mount, MountSource, Network, NetworkSource};
use minidock_proto::{Bytes, Outgoing};
use minidock_sys::lock::{self, Mode};
use rustix::fs::OFlags;

use super::Build;
use super::failure::Place;
use super::follow::Following;
use super::history;
use super::key::KeyBuilder;
use super::layer::NewLayer;
use super::stage::StageState;
use crate::container::{
    Attach, Exit, NetworkMode, SeccompOption, default_capabilities, own_pidfd, pipes,
};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Waiting;
use crate::seccomp;
use crate::signal;
use crate::store::{ContainerId, LocalId};

/// Host name of every step.
const HOSTNAME: &str = "minidock-build";
/// Size of /dev/shm (docker's).
const SHM_SIZE: u64 = 64 << 20;
/// Where a heredoc that is a script of its own is found inside.
const SCRIPTS: &str = "/run/minidock";

/// What is executed.
struct Command {
    args: Vec<String>,
    /// It is a shell's.
    shell: bool,
    /// A script: its name and content.
    script: Option<(String, String)>,
}

/// One execution, complete.
struct Execution<'e> {
    command: &'e Command,
    network: NetworkMode,
    place: Place<'e>,
    env: Vec<Bytes>,
}

impl Build<'_> {
    /// The instruction, its variables put in.
    pub(super) fn run_instruction(
        &mut self,
        stage: &mut StageState,
        run: &Run,
        place: Place<'_>,
    ) -> Result<()> {
        self.runs_left = self.runs_left.saturating_sub(1);
        refuse(run, place)?;
        let network = self.network_mode(run.network, place)?;
        let command = command(stage, run.payload());
        let single = self.engine.mapping().is_single();
        let key = key(stage, &command, &network, single);
        let line = history::run(&stage.args_in_use(), &command.args);
        let env = stage.environment_with_proxies(&self.input.args);
        self.layer_step(stage, key, line, |build, stage| {
            let execution = Execution { command: &command, network, place, env };
            build.execute(stage, &execution)
        })
    }

    fn execute(&mut self, stage: &StageState, execution: &Execution<'_>) -> Result<LocalId> {
        self.join_namespace()?;
        if execution.network == NetworkMode::Private {
            self.hold_network()?;
        }
        // It enters its namespaces while the layer is made.
        let supervised = self.supervised(&execution.network)?;
        let lowers = self.engine.trees(self.joined()?, &stage.layers)?;
        let layer = self.new_layer(&stage.layers)?;
        let scripts = script_mount(execution.command, &layer.directory)?;
        let ended = self.start(stage, execution, supervised, (&layer, &lowers), scripts.as_ref());
        match ended {
            Ok((Exit { code: 0, error: None, .. }, Some(made))) => layer.finish(&made),
            Ok((exit, _)) => Err(self.failed(stage, execution.place, &exit)),
            Err(error) if error.kind() == ErrorKind::CommandNotFound && execution.command.shell => {
                let hint = "the image has no such shell; name one with SHELL, or write the \
                            command as a JSON array";
                Err(execution.place.error(error.with_hint(hint), None))
            }
            Err(error) => Err(execution.place.error(error, None)),
        }
    }

    fn start(
        &mut self,
        stage: &StageState,
        execution: &Execution<'_>,
        (id, waiting): (ContainerId, Waiting),
        (layer, lowers): (&NewLayer<'_>, &[std::path::PathBuf]),
        script: Option<&Script>,
    ) -> Result<(Exit, Option<Layer>)> {
        let lock = taken_lock(&layer.directory)?;
        let owner = own_pidfd()?;
        let (streams, ends) = pipes(Attach::OUTPUT)?;
        let mut fds = Outgoing::default();
        let (network, resolv) = match (&execution.network, &self.network) {
            (NetworkMode::Private, Some(held)) => held.describe(&mut fds),
            (NetworkMode::Host, _) => (Network::Host, Vec::new()),
            _ => (Network::None, Vec::new()),
        };
        let run = request::Run {
            id: id.as_str().to_owned(),
            mapping: self.engine.mapping().clone(),
            nested: false,
            directory: layer.directory.as_path().into(),
            lock: fds.push(lock.as_fd()),
            rootfs: layer.rootfs(lowers),
            process: process(stage, execution)?,
            init: false,
            hostname: HOSTNAME.to_owned(),
            mounts: script.map(|script| script.describe(&mut fds)).into_iter().collect(),
            unmasked: false,
            shm_size: SHM_SIZE,
            hosts: Vec::new(),
            resolv,
            network,
            ports: Vec::new(),
            stdio: ends.push(&mut fds),
            stdin_open: false,
            stdin_once: false,
            owner: Some(fds.push(owner.as_fd())),
            log: false,
            stop_signal: signal::TERM,
            remove: None,
            events: None,
            commit: Some(layer.commit(&mut fds)),
        };
        let conversation = waiting.run(&run, &fds)?;
        drop((ends, lock));
        if self.runs_left > 0 {
            self.ready = Some(self.make_ready(&execution.network)?);
        }
        let following = Following {
            conversation,
            streams,
            number: self.number,
            events: self.events,
            cancel: &self.options.cancel,
            ended: false,
        };
        following.follow()
    }

    /// The supervisor of this step: the one that was made ready during the step before, if that
    /// had the same network.
    fn supervised(&mut self, network: &NetworkMode) -> Result<(ContainerId, Waiting)> {
        let ready = match self.ready.take() {
            Some(ready) if ready.network == source(network) => ready,
            _ => self.make_ready(network)?,
        };
        Ok((ready.id, ready.waiting))
    }

    fn make_ready(&self, network: &NetworkMode) -> Result<Ready> {
        let starting = self.engine.runtime()?.start()?;
        let (id, network) = (ContainerId::random()?, source(network));
        let waiting = starting.supervise(
            &id,
            self.joined()?,
            &self.engine.store().mount_point(),
            network,
            None,
        )?;
        Ok(Ready { id, network, waiting })
    }

    /// A command that did not end well, and how to look at what it saw.
    fn failed(&mut self, stage: &StageState, place: Place<'_>, exit: &Exit) -> Error {
        let message = match (&exit.error, exit.code) {
            (Some(error), _) => format!("the command could not run: {error}"),
            (None, code @ 129..=192) => {
                format!("the command was ended by {} (status {code})", signal::name(code - 128))
            }
            (None, code) => format!("the command exited with status {code}"),
        };
        let kind = match exit.code {
            127 if exit.error.is_some() => ErrorKind::CommandNotFound,
            126 if exit.error.is_some() => ErrorKind::CommandNotExecutable,
            _ => ErrorKind::StepFailed,
        };
        let error = Error::new(kind, message);
        let error = match self.state_before(stage) {
            Ok(Some(id)) => {
                let (id, line) = (id.short(), place.line());
                let what = match &stage.config.config.entrypoint {
                    Some(entrypoint) if !entrypoint.is_empty() => format!("--entrypoint sh {id}"),
                    _ => format!("{id} sh"),
                };
                error.with_hint(format!(
                    "`minidock run -it --rm {what}` opens a shell in the state before {line}"
                ))
            }
            // Nothing was there before it.
            Ok(None) => error,
            Err(why) => error.with_hint(format!(
                "the state before {} could not be kept: {}",
                place.line(),
                why.one_line()
            )),
        };
        place.error(error, None)
    }
}

/// A supervisor that waits for the next step.
pub(super) struct Ready {
    id: ContainerId,
    network: NetworkSource,
    waiting: Waiting,
}

/// Where the network of a step comes from: a private one is the build's.
fn source(network: &NetworkMode) -> NetworkSource {
    match network {
        NetworkMode::Host => NetworkSource::Host,
        NetworkMode::None => NetworkSource::Shared,
        NetworkMode::Private => NetworkSource::Join,
    }
}

/// What the result of a command depends on.
fn key(stage: &StageState, command: &Command, network: &NetworkMode, single: bool) -> Digest {
    let mut key = KeyBuilder::new("run", &stage.layers);
    key.list("environment", stage.environment())
        .field("user", &stage.config.config.user)
        .field("workdir", stage.workdir())
        .list("command", &command.args)
        .list("script", command.script.iter().flat_map(|(name, text)| [name, text]))
        .field("network", format!("{network:?}"))
        // With a single id commands see other owners, and changing one fails.
        .field("ids", if single { "single" } else { "many" });
    key.finish()
}

/// What RUN cannot do here.
fn refuse(run: &Run, place: Place<'_>) -> Result<()> {
    if let Some(mount) = run.mounts.first() {
        let what = format!("RUN --mount=type={}", mount.kind());
        let hint =
            "COPY files in before the command, and remove in the same RUN what is not to stay";
        return Err(place.unsupported(&what, hint));
    }
    if run.security == Some(RunSecurity::Insecure) {
        return Err(place.unsupported("RUN --security=insecure", "leave the flag out"));
    }
    if !run.devices.is_empty() {
        return Err(place.unsupported("RUN --device", "leave the flag out"));
    }
    Ok(())
}

fn command(stage: &StageState, payload: RunPayload) -> Command {
    let (args, shell, script) = match payload {
        RunPayload::Exec(args) => (args, false, None),
        RunPayload::Shell(text) => (stage.shell_command(text), true, None),
        RunPayload::Script { name, content } => {
            (vec![format!("{SCRIPTS}/{name}")], false, Some((name, content)))
        }
    };
    Command { args, shell, script }
}

/// A script on its way into the container.
struct Script {
    path: std::path::PathBuf,
    identity: OwnedFd,
    target: String,
}

impl Script {
    fn describe<'a>(&'a self, fds: &mut Outgoing<'a>) -> Mount {
        Mount {
            target: Bytes::from(self.target.as_str()),
            source: MountSource::Bind {
                path: self.path.as_path().into(),
                identity: fds.push(self.identity.as_fd()),
                recursive: false,
            },
            read_only: true,
        }
    }
}

fn script_mount(command: &Command, directory: &Path) -> Result<Option<Script>> {
    let Some((name, content)) = &command.script else { return Ok(None) };
    let path = directory.join("script");
    let failed = |error| Error::at("write", &path, error);
    let mut file = File::create_new(&path).map_err(failed)?;
    file.write_all(content.as_bytes()).map_err(failed)?;
    let mode = rustix::fs::Mode::from_raw_mode(0o755);
    rustix::fs::fchmod(&file, mode).map_err(|error| Error::at("write", &path, error))?;
    // A file that is open for writing cannot be executed.
    drop(file);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let identity = rustix::fs::open(&path, flags, rustix::fs::Mode::empty())
        .map_err(|error| Error::at("open", &path, error))?;
    Ok(Some(Script { path, identity, target: format!("{SCRIPTS}/{name}") }))
}

/// The lock that says that the step's container lives.
fn taken_lock(directory: &Path) -> Result<File> {
    let path = directory.join(record::LOCK);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| Error::at("make", &path, error))?;
    match lock::try_lock(&file, Mode::Exclusive) {
        Ok(true) => Ok(file),
        Ok(false) => {
            let message = format!("the new lock {} is taken", path.display());
            Err(Error::new(ErrorKind::Io, message))
        }
        Err(error) => Err(Error::at("lock", &path, error)),
    }
}

fn process(stage: &StageState, execution: &Execution<'_>) -> Result<Process> {
    let capabilities = default_capabilities();
    Ok(Process {
        args: execution.command.args.iter().map(|arg| Bytes::from(arg.as_str())).collect(),
        env: execution.env.clone(),
        cwd: Bytes::from(stage.workdir()),
        user: stage.config.config.user.clone(),
        groups: Vec::new(),
        terminal: None,
        lockdown: Lockdown {
            capabilities,
            no_new_privileges: false,
            seccomp: seccomp::program(&SeccompOption::Default, capabilities)?,
        },
        limits: Vec::new(),
    })
}

#[cfg(test)]
#[path = "run/tests.rs"]
mod tests;
