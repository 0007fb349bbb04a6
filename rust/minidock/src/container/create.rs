//! `create`: the image's config and the options become a container's settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use minidock_image::config::{ImageConfig, ProcessConfig};
use minidock_image::digest::Digest;
use minidock_proto::Bytes;

use super::capabilities;
use super::config::ContainerConfig;
use super::options::{ContainerOptions, MountKind, MountOptions, NetworkMode, PublishedPort};
use super::supervision::Supervision;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::signal;
use crate::store::{ContainerId, ContainerRecord, Lease, Lock, NewContainer, VolumeName};

/// Size of /dev/shm (docker's).
const SHM_SIZE: u64 = 64 << 20;
/// Seconds that `stop` waits (docker's).
const STOP_TIMEOUT: u32 = 10;

/// A container that was just made and is about to be started: while this is held nobody else
/// starts or removes it.
#[derive(Debug)]
pub struct CreatedContainer {
    /// What the store knows of it.
    pub record: ContainerRecord,
    pub(super) lock: Lock,
    /// Clearing it away waits for the disk: nobody should wait for that before the start.
    pub(super) lease: Lease,
    pub(super) supervision: Option<Result<Supervision>>,
}

impl Engine {
    /// Makes a container; nothing runs yet.
    pub fn create_container(&self, options: &ContainerOptions) -> Result<ContainerRecord> {
        self.make_container(options, false).map(|created| created.record)
    }

    /// Makes a container to be started at once with [`Engine::start_created`]: a prune at the
    /// same moment leaves it alone.
    pub fn prepare_container(&self, options: &ContainerOptions) -> Result<CreatedContainer> {
        self.make_container(options, true)
    }

    fn make_container(
        &self,
        options: &ContainerOptions,
        started_at_once: bool,
    ) -> Result<CreatedContainer> {
        let id = ContainerId::random()?;
        let supervision = if started_at_once { self.supervise_early(&id, options) } else { None };
        let image_id = self.store().resolve_image(&options.image)?;
        let image = self.store().image(&image_id)?;
        let parsed = image_config(&image_id, &image.config)?;
        let lease = self.store().begin()?;
        let ingest = lease.begin_container(&NewContainer {
            id: Some(id),
            name: options.name.clone(),
            image: Some(image_id),
            layers: &image.layers,
        })?;
        let short = ingest.record().id.short().to_owned();
        let mut config = merge(options, &parsed, &short)?;
        config.started_at_once = started_at_once;
        make_volumes(&lease, &mut config)?;
        for directory in ["upper", "work"] {
            make_directory(&ingest.dir().join(directory), 0o755)?;
        }
        let path = ingest.dir().join(minidock_proto::record::LOCK);
        let lock = Lock::exclusive(&path)?;
        let record = ingest.commit(&encode(&config)?)?;
        self.container_event(&record, &config, "create", &[]);
        Ok(CreatedContainer { record, lock, lease, supervision })
    }

    /// The settings of a container.
    pub fn container_settings(&self, id: &crate::store::ContainerId) -> Result<ContainerConfig> {
        let bytes = self.store().container_config(id)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(
                ErrorKind::Corrupt,
                format!("container {} is damaged: its config.json does not parse", id.short()),
            )
            .with_source(error)
        })
    }
}

/// Parses the config of an image of the store.
pub(crate) fn image_config(id: &Digest, bytes: &[u8]) -> Result<ImageConfig> {
    ImageConfig::from_json(bytes).map_err(|error| {
        Error::new(ErrorKind::Corrupt, format!("the config of image {} is damaged", id.short()))
            .with_source(error)
    })
}

pub(crate) fn encode(config: &ContainerConfig) -> Result<Vec<u8>> {
    serde_json::to_vec(config)
        .map_err(|e| Error::new(ErrorKind::Io, "cannot write config.json").with_source(e))
}

fn make_directory(path: &Path, mode: u32) -> Result<()> {
    use rustix::fs::Mode;
    rustix::fs::mkdir(path, Mode::from_raw_mode(mode))
        .and_then(|()| rustix::fs::chmod(path, Mode::from_raw_mode(mode)))
        .map_err(|error| Error::at("make", path, error))
}

fn merge(options: &ContainerOptions, image: &ImageConfig, short: &str) -> Result<ContainerConfig> {
    let process = &image.config;
    let (args, entrypoint_len) = command(options, process)?;
    let exposed = exposed(options, process);
    Ok(ContainerConfig {
        image: options.image.clone(),
        args,
        entrypoint_len,
        env: environment(options, process)?,
        cwd: cwd(options, process)?,
        user: options.user.clone().unwrap_or_else(|| process.user.clone()),
        groups: options.groups.clone(),
        tty: options.tty,
        stdin_open: options.stdin_open,
        hostname: hostname(options, short)?,
        mounts: mounts(options, process)?,
        anonymous_volumes: Vec::new(),
        read_only: options.read_only,
        network: options.network.clone(),
        ports: ports(options, &exposed)?,
        exposed,
        capabilities: capabilities::resolve(
            options.privileged,
            &options.cap_add,
            &options.cap_drop,
        )?,
        privileged: options.privileged,
        seccomp: options.seccomp.clone(),
        no_new_privileges: options.no_new_privileges,
        limits: options.limits.clone(),
        init: options.init,
        labels: labels(options, process),
        stop_signal: stop_signal(options, process)?,
        stop_timeout: options.stop_timeout.unwrap_or_else(|| {
            process.stop_timeout.and_then(|s| u32::try_from(s).ok()).unwrap_or(STOP_TIMEOUT)
        }),
        auto_remove: options.auto_remove,
        shm_size: options.shm_size.unwrap_or(SHM_SIZE),
        hosts: extra_hosts(options)?,
        has_healthcheck: process
            .healthcheck
            .as_ref()
            .is_some_and(|check| check.test.first().is_some_and(|kind| kind != "NONE")),
        bound: Vec::new(),
        started_at_once: false,
        own_user_namespace: options.own_user_namespace,
    })
}

fn command(options: &ContainerOptions, process: &ProcessConfig) -> Result<(Vec<Bytes>, usize)> {
    if options.idle {
        return Ok((Vec::new(), 0));
    }
    let bytes = |words: &[String]| words.iter().map(|w| Bytes::from(w.as_str())).collect();
    let mut args: Vec<Bytes> = match &options.entrypoint {
        Some(entrypoint) => entrypoint.clone(),
        None => bytes(process.entrypoint.as_deref().unwrap_or_default()),
    };
    let entrypoint_len = args.len();
    if !options.command.is_empty() {
        args.extend(options.command.iter().cloned());
    } else if options.entrypoint.is_none() {
        args.extend(bytes(process.cmd.as_deref().unwrap_or_default()));
    }
    if args.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("no command is given, and image {} has none", quoted(&options.image)),
        )
        .with_hint("name a program after the image, or set CMD or ENTRYPOINT when building it"));
    }
    Ok((args, entrypoint_len))
}

/// The image's variables with the caller's on top, in order, each name once.
fn environment(options: &ContainerOptions, process: &ProcessConfig) -> Result<Vec<Bytes>> {
    let mut env: Vec<Bytes> = Vec::new();
    for entry in process.env.iter().map(|e| Bytes::from(e.as_str())) {
        // An entry without `=` of an image is dropped: it must not name anything of the host.
        if entry.0.iter().position(|b| *b == b'=').is_some_and(|at| at > 0) {
            set_variable(&mut env, entry);
        }
    }
    for entry in &options.env {
        if entry.0.iter().position(|b| *b == b'=').is_none_or(|at| at == 0) {
            let shown = String::from_utf8_lossy(&entry.0).into_owned();
            let message = format!("{} is not NAME=value", quoted(&shown));
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        set_variable(&mut env, entry.clone());
    }
    Ok(env)
}

fn set_variable(env: &mut Vec<Bytes>, entry: Bytes) {
    let name_len = entry.0.iter().position(|b| *b == b'=').map_or(entry.0.len(), |at| at + 1);
    let same = env.iter_mut().find(|other| other.0.starts_with(&entry.0[..name_len]));
    match same {
        Some(other) => *other = entry,
        None => env.push(entry),
    }
}

fn cwd(options: &ContainerOptions, process: &ProcessConfig) -> Result<Bytes> {
    let cwd = match &options.workdir {
        Some(cwd) => cwd.clone(),
        None if process.working_dir.is_empty() => Bytes::from("/"),
        None => Bytes::from(process.working_dir.as_str()),
    };
    if cwd.0.starts_with(b"/") {
        return Ok(cwd);
    }
    // An image's relative WorkingDir counts from the root, as docker takes it.
    if options.workdir.is_none() {
        return Ok(Bytes([b"/", cwd.0.as_slice()].concat()));
    }
    let shown = String::from_utf8_lossy(&cwd.0).into_owned();
    let message = format!("the working directory {} is not an absolute path", quoted(&shown));
    Err(Error::new(ErrorKind::InvalidInput, message))
}

fn hostname(options: &ContainerOptions, short: &str) -> Result<String> {
    let Some(name) = &options.hostname else {
        return Ok(match options.network {
            // With the host's network docker shows the host's name.
            NetworkMode::Host => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            _ => short.to_owned(),
        });
    };
    let valid = !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    if valid {
        return Ok(name.clone());
    }
    let message =
        format!("{} is not a host name (letters, digits, - and ., at most 63)", quoted(name));
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// The caller's mounts, then an anonymous volume for each VOLUME of the image without one.
fn mounts(options: &ContainerOptions, process: &ProcessConfig) -> Result<Vec<MountOptions>> {
    let mut mounts = options.mounts.clone();
    let mut targets = BTreeSet::new();
    for mount in &mounts {
        if !mount.target.0.starts_with(b"/") {
            let shown = String::from_utf8_lossy(&mount.target.0).into_owned();
            let message = format!("the mount target {} is not an absolute path", quoted(&shown));
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let target = clean(&mount.target);
        if !targets.insert(target.clone()) {
            let message =
                format!("two mounts have the target {}", String::from_utf8_lossy(&target.0));
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
    }
    for volume in process.volumes.0.iter() {
        let target = Bytes(format!("/{}", volume.trim_start_matches('/')).into_bytes());
        if targets.insert(clean(&target)) {
            let kind = MountKind::Volume { name: None, no_copy: false };
            mounts.push(MountOptions { target, kind, read_only: false });
        }
    }
    // Shallow targets first, so that no mount hides another.
    mounts.sort_by_key(|mount| clean(&mount.target).0.iter().filter(|b| **b == b'/').count());
    Ok(mounts)
}

fn clean(path: &Bytes) -> Bytes {
    let parts = path.0.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    let mut clean = Vec::new();
    for part in parts {
        clean.push(b'/');
        clean.extend_from_slice(part);
    }
    Bytes(clean)
}

fn make_volumes(lease: &Lease, config: &mut ContainerConfig) -> Result<()> {
    for mount in &mut config.mounts {
        let MountKind::Volume { name, .. } = &mut mount.kind else { continue };
        let (volume, anonymous): (VolumeName, bool) = match name {
            Some(name) => (name.parse()?, false),
            None => (ContainerId::random()?.as_str().parse()?, true),
        };
        lease.make_volume(&volume, &BTreeMap::new(), anonymous)?;
        if anonymous {
            config.anonymous_volumes.push(volume.as_str().to_owned());
        }
        *name = Some(volume.as_str().to_owned());
    }
    Ok(())
}

fn exposed(options: &ContainerOptions, process: &ProcessConfig) -> BTreeSet<String> {
    process
        .exposed_ports
        .0
        .iter()
        .chain(&options.expose)
        .map(|port| if port.contains('/') { port.clone() } else { format!("{port}/tcp") })
        .collect()
}

fn ports(options: &ContainerOptions, exposed: &BTreeSet<String>) -> Result<Vec<PublishedPort>> {
    let mut ports = options.ports.clone();
    if !options.publish_all {
        return Ok(ports);
    }
    for text in exposed {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = match protocol {
            "tcp" => super::Protocol::Tcp,
            "udp" => super::Protocol::Udp,
            other => {
                let message = format!(
                    "the exposed port {text} is of protocol {other}, tcp and udp can be published"
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        };
        let container = number.parse().map_err(|_| {
            Error::new(ErrorKind::InvalidInput, format!("{} is not a port", quoted(text)))
        })?;
        let published =
            ports.iter().any(|port| port.container == container && port.protocol == protocol);
        if !published {
            ports.push(PublishedPort { address: None, host: 0, container, protocol });
        }
    }
    Ok(ports)
}

fn labels(options: &ContainerOptions, process: &ProcessConfig) -> BTreeMap<String, String> {
    let mut labels = process.labels.clone();
    labels.extend(options.labels.clone());
    labels
}

fn stop_signal(options: &ContainerOptions, process: &ProcessConfig) -> Result<i32> {
    match options.stop_signal.as_deref().or(Some(process.stop_signal.as_str())) {
        None | Some("") => Ok(signal::TERM),
        Some(text) => signal::parse(text),
    }
}

fn extra_hosts(options: &ContainerOptions) -> Result<Vec<String>> {
    options
        .extra_hosts
        .iter()
        .map(|entry| {
            let parsed = entry.split_once([':', '=']).and_then(|(name, address)| {
                let bare = address.trim_start_matches('[').trim_end_matches(']');
                let address = bare.parse::<std::net::IpAddr>().ok()?;
                (!name.is_empty()).then(|| format!("{address}\t{name}"))
            });
            parsed.ok_or_else(|| {
                let message = format!("{} is not NAME:ADDRESS", quoted(entry));
                Error::new(ErrorKind::InvalidInput, message)
            })
        })
        .collect()
}
