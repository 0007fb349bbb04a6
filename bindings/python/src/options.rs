//! Options as they come from Python: JSON that is read strictly, then parsed by the engine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use minidock::build::{BuildOptions, ContextSource, DockerfileSource};
use minidock::container::parse::{self, SecurityOption};
use minidock::container::{
    Attach, ContainerOptions, ExecOptions, MountOptions, PublishedPort, SeccompOption,
};
use minidock::registry::PullPolicy;
use minidock::{Bytes, Error, ErrorKind, Reference, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads options; what is unknown is refused by its name.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "an option has a value that it cannot have")
            .with_source(error)
    })
}

/// A name for an image.
pub(crate) fn reference(text: &str) -> Result<Reference> {
    text.parse::<Reference>().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, error.to_string())
            .with_hint("write [HOST[:PORT]/]NAME[:TAG], as web:1.0")
    })
}

/// A container to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    image: String,
    command: Vec<Bytes>,
    entrypoint: Option<Vec<Bytes>>,
    name: Option<String>,
    hostname: Option<String>,
    env: Vec<Bytes>,
    workdir: Option<Bytes>,
    user: Option<String>,
    groups: Vec<String>,
    tty: bool,
    stdin_open: bool,
    /// Texts of `-v`.
    volumes: Vec<String>,
    mounts: Vec<MountOptions>,
    tmpfs: Vec<String>,
    read_only: bool,
    network: Option<String>,
    ports: Vec<PublishedPort>,
    publish_all: bool,
    expose: Vec<String>,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    privileged: bool,
    security_opt: Vec<String>,
    ulimits: Vec<String>,
    init: bool,
    labels: BTreeMap<String, String>,
    stop_signal: Option<String>,
    stop_timeout: Option<u32>,
    auto_remove: bool,
    shm_size: Option<u64>,
    extra_hosts: Vec<String>,
}

impl Create {
    /// As the engine takes it.
    pub(crate) fn options(self) -> Result<ContainerOptions> {
        let mut mounts = self.mounts;
        for volume in &self.volumes {
            mounts.push(parse::volume(volume)?);
        }
        for tmpfs in &self.tmpfs {
            mounts.push(parse::tmpfs(tmpfs)?);
        }
        let mut expose = Vec::new();
        for ports in &self.expose {
            expose.extend(parse::exposed(ports)?);
        }
        let mut options = ContainerOptions {
            image: self.image,
            command: self.command,
            entrypoint: self.entrypoint,
            name: self.name.as_deref().map(str::parse).transpose()?,
            hostname: self.hostname,
            env: self.env,
            workdir: self.workdir,
            user: self.user,
            groups: self.groups,
            tty: self.tty,
            stdin_open: self.stdin_open,
            mounts,
            read_only: self.read_only,
            network: self.network.as_deref().map(parse::network).transpose()?.unwrap_or_default(),
            ports: self.ports,
            publish_all: self.publish_all,
            expose,
            cap_add: self.cap_add,
            cap_drop: self.cap_drop,
            privileged: self.privileged,
            limits: self.ulimits.iter().map(|text| parse::limit(text)).collect::<Result<_>>()?,
            init: self.init,
            labels: self.labels,
            stop_signal: self.stop_signal,
            stop_timeout: self.stop_timeout,
            auto_remove: self.auto_remove,
            shm_size: self.shm_size,
            extra_hosts: self.extra_hosts,
            ..ContainerOptions::default()
        };
        self.security_opt.iter().try_for_each(|text| secure(&mut options, text))?;
        Ok(options)
    }
}

/// Docker's clients send a seccomp profile as its text, its command line names a file.
fn secure(options: &mut ContainerOptions, text: &str) -> Result<()> {
    if let Some(profile) = text.strip_prefix("seccomp=").filter(|text| text.starts_with('{')) {
        options.seccomp = SeccompOption::Profile(profile.to_owned());
        return Ok(());
    }
    match parse::security_option(text)? {
        SecurityOption::SeccompDefault => options.seccomp = SeccompOption::Default,
        SecurityOption::SeccompUnconfined => options.seccomp = SeccompOption::Unconfined,
        SecurityOption::NoNewPrivileges(on) => options.no_new_privileges = on,
        SecurityOption::SeccompFile(path) => {
            let profile = std::fs::read_to_string(&path)
                .map_err(|error| Error::at("read", path.as_ref(), error))?;
            options.seccomp = SeccompOption::Profile(profile);
        }
    }
    Ok(())
}

/// A process to be executed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exec {
    args: Vec<Bytes>,
    env: Vec<Bytes>,
    workdir: Option<Bytes>,
    user: Option<String>,
    tty: bool,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    owned: bool,
}

impl Exec {
    /// As the engine takes it.
    pub(crate) fn options(self) -> ExecOptions {
        ExecOptions {
            args: self.args,
            env: self.env,
            workdir: self.workdir,
            user: self.user,
            tty: self.tty,
            window: None,
            attach: Attach { stdin: self.stdin, stdout: self.stdout, stderr: self.stderr },
            owned: self.owned,
        }
    }
}

/// An image to be built.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// A directory; nothing without.
    context: Option<String>,
    dockerfile: Option<PathBuf>,
    dockerfile_text: Option<Bytes>,
    tags: Vec<String>,
    build_args: BTreeMap<String, String>,
    target: Option<String>,
    no_cache: bool,
    /// Even what is here.
    pull: bool,
    labels: BTreeMap<String, String>,
    network: Option<String>,
}

impl Build {
    /// As the engine takes it.
    pub(crate) fn options(self) -> Result<BuildOptions> {
        let context = match &self.context {
            Some(context) => ContextSource::parse(context)?,
            None => ContextSource::Empty,
        };
        let text = self.dockerfile_text.map(|text| DockerfileSource::Text(text.0));
        Ok(BuildOptions {
            dockerfile: text.or(self.dockerfile.map(DockerfileSource::File)),
            tags: self.tags.iter().map(|text| reference(text)).collect::<Result<_>>()?,
            build_args: self.build_args,
            target: self.target,
            no_cache: self.no_cache,
            labels: self.labels,
            network: self.network.as_deref().map(parse::network).transpose()?.unwrap_or_default(),
            pull: if self.pull { PullPolicy::Always } else { PullPolicy::Missing },
            ..BuildOptions::new(context)
        })
    }
}
