//! The flags that `run` and `create` share, and what they ask of the engine.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use minidock::container::{ContainerOptions, NetworkMode, SeccompOption, parse};
use minidock::registry::{PullOptions, PullPolicy};
use minidock::{Bytes, Engine};

use crate::commands::pull;
use crate::failure::{Failure, Result};
use crate::output;
use crate::signals::{Canceller, Signals};

/// What to do about an image that is not here.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Pull {
    Missing,
    Always,
    Never,
}

impl From<Pull> for PullPolicy {
    fn from(pull: Pull) -> Self {
        match pull {
            Pull::Missing => Self::Missing,
            Pull::Always => Self::Always,
            Pull::Never => Self::Never,
        }
    }
}

/// Flags of a container to be made.
#[derive(Debug, Args)]
pub(crate) struct ContainerFlags {
    /// Name of the container
    #[arg(long)]
    name: Option<String>,
    /// Remove it when it ends
    #[arg(long)]
    pub(crate) rm: bool,
    /// Keep standard input open
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Set a variable; NAME alone takes the caller's value
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
    /// Read variables from a file
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<OsString>,
    /// User, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Mount a path of the host or a volume: [SOURCE:]TARGET[:ro]
    #[arg(short, long, value_name = "VOLUME")]
    volume: Vec<OsString>,
    /// Mount, with every setting named: type=bind,source=/a,target=/b,readonly
    #[arg(long, value_name = "KEY=VALUE,...")]
    mount: Vec<OsString>,
    /// Mount an empty tmpfs: TARGET[:size=64m,mode=1777]
    #[arg(long, value_name = "TARGET")]
    tmpfs: Vec<OsString>,
    /// Mount the root file system read-only
    #[arg(long)]
    read_only: bool,
    /// Publish a port: [[ADDRESS:]HOST_PORT:]PORT[/tcp|udp]
    #[arg(short, long, value_name = "PORTS")]
    publish: Vec<String>,
    /// Publish all exposed ports at random ports
    #[arg(short = 'P', long)]
    publish_all: bool,
    /// Expose a port, for -P and listings
    #[arg(long, value_name = "PORT")]
    expose: Vec<String>,
    /// Replace the image's entrypoint; empty for none
    #[arg(long, value_name = "PROGRAM")]
    entrypoint: Option<OsString>,
    /// Host name inside
    #[arg(short = 'h', long)]
    hostname: Option<String>,
    /// none, host or private [default: private]
    #[arg(long, alias = "net", value_name = "NETWORK")]
    network: Option<String>,
    /// Add a capability
    #[arg(long, value_name = "NAME")]
    cap_add: Vec<String>,
    /// Drop a capability
    #[arg(long, value_name = "NAME")]
    cap_drop: Vec<String>,
    /// Further groups, by name or number
    #[arg(long, value_name = "GROUP")]
    group_add: Vec<String>,
    /// seccomp=FILE|unconfined|default, no-new-privileges[=true|false]
    #[arg(long, value_name = "OPTION")]
    security_opt: Vec<String>,
    /// All capabilities, no seccomp filter, nothing masked
    #[arg(long)]
    privileged: bool,
    /// Limit each process: NAME=SOFT[:HARD], as nofile=1024:4096
    #[arg(long, value_name = "LIMIT")]
    ulimit: Vec<String>,
    /// Run a small init that reaps processes and hands signals on
    #[arg(long)]
    init: bool,
    /// Set a label
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Read labels from a file
    #[arg(long, value_name = "FILE")]
    label_file: Vec<PathBuf>,
    /// Signal of `stop`
    #[arg(long, value_name = "SIGNAL")]
    stop_signal: Option<String>,
    /// Seconds that `stop` waits before it kills
    #[arg(long, value_name = "SECONDS")]
    stop_timeout: Option<u32>,
    /// Size of /dev/shm
    #[arg(long, value_name = "BYTES")]
    shm_size: Option<String>,
    /// Add a line to /etc/hosts
    #[arg(long, value_name = "NAME:ADDRESS")]
    add_host: Vec<String>,
    /// Write the container's id to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) cidfile: Option<PathBuf>,
    /// When the image is pulled: missing, always or never [default: missing]
    #[arg(
        long,
        value_enum,
        default_value = "missing",
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "missing|always|never"
    )]
    pull: Pull,
    /// Show no progress of a pull
    #[arg(short, long)]
    quiet: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// The image, then the program to run in it and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["IMAGE", "COMMAND"])]
    image: Vec<OsString>,
}

impl ContainerFlags {
    /// What is asked of the engine.
    pub(crate) fn options(&self) -> Result<ContainerOptions> {
        let (image, command) = self.image.split_first().ok_or_else(no_image)?;
        let image = image.to_str().filter(|image| !image.is_empty()).ok_or_else(no_image)?;
        let (seccomp, no_new_privileges) = self.security()?;
        let each = |values: &[String], parse: fn(&str) -> minidock::Result<Vec<String>>| {
            values.iter().map(|value| parse(value)).collect::<minidock::Result<Vec<_>>>()
        };
        Ok(ContainerOptions {
            command: command.iter().cloned().map(Bytes::from).collect(),
            // Docker's way to drop the image's: --entrypoint ""
            entrypoint: self.entrypoint.clone().map(|program| match program.is_empty() {
                true => Vec::new(),
                false => vec![Bytes::from(program)],
            }),
            name: self.name.as_deref().map(str::parse).transpose()?,
            hostname: self.hostname.clone(),
            env: environment(&self.env, &self.env_file)?,
            workdir: self.workdir.clone().map(Bytes::from),
            user: self.user.clone(),
            groups: self.group_add.clone(),
            tty: self.tty,
            stdin_open: self.interactive,
            mounts: self.mounts()?,
            read_only: self.read_only,
            network: self.network.as_deref().map(parse::network).transpose()?.unwrap_or_default(),
            ports: self
                .publish
                .iter()
                .map(|text| parse::ports(text))
                .collect::<minidock::Result<Vec<_>>>()?
                .concat(),
            publish_all: self.publish_all,
            expose: each(&self.expose, parse::exposed)?.concat(),
            cap_add: words(&self.cap_add),
            cap_drop: words(&self.cap_drop),
            privileged: self.privileged,
            seccomp,
            no_new_privileges,
            limits: self
                .ulimit
                .iter()
                .map(|text| parse::limit(text))
                .collect::<minidock::Result<Vec<_>>>()?,
            init: self.init,
            labels: labels(&self.label, &self.label_file)?,
            stop_signal: self.stop_signal.clone(),
            stop_timeout: self.stop_timeout,
            auto_remove: self.rm,
            shm_size: self.shm_size.as_deref().map(parse::size).transpose()?,
            extra_hosts: self.add_host.clone(),
            ..ContainerOptions::new(image)
        })
    }

    fn mounts(&self) -> Result<Vec<minidock::container::MountOptions>> {
        let volumes = self.volume.iter().map(parse::volume);
        let mounts = self.mount.iter().map(parse::mount);
        let tmpfs = self.tmpfs.iter().map(parse::tmpfs);
        Ok(volumes.chain(mounts).chain(tmpfs).collect::<minidock::Result<Vec<_>>>()?)
    }

    fn security(&self) -> Result<(SeccompOption, bool)> {
        let (mut seccomp, mut no_new_privileges) = (SeccompOption::Default, false);
        for text in &self.security_opt {
            match parse::security_option(text)? {
                parse::SecurityOption::SeccompDefault => seccomp = SeccompOption::Default,
                parse::SecurityOption::SeccompUnconfined => seccomp = SeccompOption::Unconfined,
                parse::SecurityOption::SeccompFile(path) => {
                    seccomp = SeccompOption::Profile(read_text(Path::new(&path))?);
                }
                parse::SecurityOption::NoNewPrivileges(on) => no_new_privileges = on,
            }
        }
        Ok((seccomp, no_new_privileges))
    }

    /// Makes the container, and writes its id where it is wanted. The image is pulled first, if
    /// it has to be; signals end that.
    pub(crate) fn create(
        &self,
        engine: &Engine,
        options: &ContainerOptions,
        signals: &Signals,
    ) -> Result<minidock::container::CreatedContainer> {
        if let Some(path) = &self.cidfile
            && path.exists()
        {
            return Err(Failure::refused(
                format!("the container id file {} is there already", path.display()),
                "make sure that the other container is not running, and remove the file",
            ));
        }
        self.obtain(engine, options, signals)?;
        let created = engine.prepare_container(options)?;
        if engine.container_settings(&created.record.id)?.has_healthcheck {
            output::warn("the image's health check is kept and not run: that is not built in yet");
        }
        if !options.ports.is_empty() && options.network != NetworkMode::Private {
            output::warn("published ports mean nothing without a private network");
        }
        if let Some(path) = &self.cidfile {
            std::fs::write(path, created.record.id.as_str())
                .map_err(|error| Failure::io(format!("cannot write {}", path.display()), error))?;
        }
        Ok(created)
    }

    fn obtain(&self, engine: &Engine, options: &ContainerOptions, signals: &Signals) -> Result<()> {
        let pull = PullOptions::default();
        signals.hand_to(Arc::new(Canceller(pull.cancel.clone())));
        let obtained = pull::shown(self.quiet, |tell| {
            engine.obtain_image(&options.image, self.pull.into(), &pull, tell)
        });
        signals.keep();
        obtained.map(drop)
    }
}

fn no_image() -> Failure {
    Failure::usage(
        "the name of the image is missing, or no text",
        "name an image that `minidock images` lists",
    )
}

/// Lists may be given as one value with commas, as docker takes capabilities.
fn words(values: &[String]) -> Vec<String> {
    values.iter().flat_map(|value| value.split(',')).map(str::to_owned).collect()
}

/// The variables of `-e` and `--env-file`; docker's order, files first.
pub(crate) fn environment(variables: &[OsString], files: &[PathBuf]) -> Result<Vec<Bytes>> {
    let caller =
        |name: &[u8]| std::env::var_os(std::ffi::OsStr::from_bytes(name)).map(OsString::into_vec);
    let mut env = Vec::new();
    for path in files {
        env.extend(parse::env_file(&path.display().to_string(), &read(path)?, caller)?);
    }
    for variable in variables {
        env.extend(parse::env_variable(variable.as_bytes(), caller)?);
    }
    Ok(env)
}

/// The labels of `--label` and `--label-file`, files first.
pub(crate) fn labels(
    labels: &[String],
    files: &[PathBuf],
) -> Result<std::collections::BTreeMap<String, String>> {
    let mut all = std::collections::BTreeMap::new();
    for path in files {
        all.extend(parse::label_file(&path.display().to_string(), &read(path)?)?);
    }
    for label in labels {
        all.extend([parse::label(label)?]);
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| Failure::io(format!("cannot read {}", path.display()), error))
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| {
        Failure::refused(
            format!("{} is not UTF-8", path.display()),
            "give a seccomp profile in docker's JSON format",
        )
    })
}
