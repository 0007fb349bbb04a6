//! Sandboxes: a container for code that nobody trusts, strict until told otherwise.
//!
//! One call for the common case is [`Engine::sandbox_run`]; a [`Sandbox`] runs program after
//! program in one container, keeps files between them and is gone with its value, with this
//! process, or with a kill -9 of it.
//!
//! What a sandbox has, whatever the image says: no network, a read-only root file system, no
//! capabilities, no way to gain any, the default seccomp filter, a user namespace of its own, and
//! two places to write, [`SCRATCH`] and [`TMP`], in memory and bounded. There is no control group in
//! it: the limits are those that the kernel has without one ([`SandboxLimits`]).

use std::sync::{Mutex, PoisonError};

use minidock_proto::Bytes;
use rustix::process::{Pid, getpid};

use crate::container::{
    ContainerOptions, MountKind, MountOptions, NetworkMode, Output, RunOptions, Running,
    StartOptions,
};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::signal;
use crate::store::{ContainerId, ContainerName};

mod limits;

pub use limits::{NotEnforced, SandboxLimits};

/// The working directory, and HOME unless the caller sets another.
pub const SCRATCH: &str = "/scratch";
/// The other place that can be written.
pub const TMP: &str = "/tmp";
/// Files and directories in each of the two.
const INODES: u64 = 65_536;

/// A sandbox to be made. What is `None` comes from the image.
///
/// ```
/// use minidock::sandbox::{SandboxLimits, SandboxOptions};
/// let options = SandboxOptions {
///     limits: SandboxLimits { processes: Some(16), ..SandboxLimits::default() },
///     ..SandboxOptions::new("python:3")
/// };
/// assert_eq!(options.limits.scratch, 256 << 20);
/// ```
#[derive(Debug, Clone, Default)]
pub struct SandboxOptions {
    /// A reference or the id of an image.
    pub image: String,
    /// A name; a random one without.
    pub name: Option<ContainerName>,
    /// What the programs may use up.
    pub limits: SandboxLimits,
    /// Start also where a limit cannot be kept; [`Sandbox::not_enforced`] then says which.
    pub best_effort: bool,
    /// The network; none unless asked for.
    pub network: Option<NetworkMode>,
    /// `NAME=value`, on top of the image's.
    pub env: Vec<Bytes>,
    /// Working directory; [`SCRATCH`] without.
    pub workdir: Option<Bytes>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// Directories of the host and volumes, as far as the code may see them.
    pub mounts: Vec<MountOptions>,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

impl SandboxOptions {
    /// A sandbox of this image with the strict defaults.
    #[must_use]
    pub fn new(image: impl Into<String>) -> Self {
        Self { image: image.into(), ..Self::default() }
    }
}

/// A container that runs untrusted programs one after the other, or several at once.
///
/// It ends when it is dropped or closed, and when this process ends, however that happens.
///
/// ```no_run
/// use minidock::{Engine, EngineOptions};
/// use minidock::container::RunOptions;
/// use minidock::sandbox::SandboxOptions;
/// let engine = Engine::open(&EngineOptions::default())?;
/// let sandbox = engine.sandbox(&SandboxOptions::new("busybox"))?;
/// sandbox.run(["sh", "-c", "echo 1 > /scratch/one"], RunOptions::default())?;
/// let output = sandbox.run(["cat", "one"], RunOptions::default())?;
/// assert_eq!(output.stdout, b"1\n");
/// sandbox.close()?;
/// # Ok::<(), minidock::Error>(())
/// ```
#[derive(Debug)]
pub struct Sandbox {
    engine: Engine,
    id: ContainerId,
    limits: SandboxLimits,
    not_enforced: Vec<NotEnforced>,
    running: Mutex<Option<Running>>,
    owner: Pid,
}

impl Engine {
    /// Starts a sandbox.
    pub fn sandbox(&self, options: &SandboxOptions) -> Result<Sandbox> {
        let not_enforced = options.limits.check(options.best_effort)?;
        let created = self.prepare_container(&container(options))?;
        let start = StartOptions { owned: true, ..StartOptions::default() };
        let running = self.start_created(created, start)?;
        Ok(Sandbox {
            engine: self.clone(),
            id: running.id.clone(),
            limits: options.limits.clone(),
            not_enforced,
            running: Mutex::new(Some(running)),
            owner: getpid(),
        })
    }

    /// Runs one program in a sandbox of its own.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// use minidock::container::RunOptions;
    /// use minidock::sandbox::SandboxOptions;
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let options = RunOptions { stdin: b"hello".to_vec(), ..RunOptions::default() };
    /// let output = engine.sandbox_run(&SandboxOptions::new("busybox"), ["wc", "-c"], options)?;
    /// assert_eq!((output.exit_code, output.stdout.as_slice()), (0, &b"5\n"[..]));
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn sandbox_run(
        &self,
        options: &SandboxOptions,
        args: impl IntoIterator<Item = impl Into<Bytes>>,
        run: RunOptions<'_>,
    ) -> Result<Output> {
        let sandbox = self.sandbox(options)?;
        let output = sandbox.run(args, run);
        let closed = sandbox.close();
        output.and_then(|output| closed.map(|()| output))
    }
}

impl Sandbox {
    /// Its container, which the calls for containers take too.
    #[must_use]
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// Limits that were asked for and are not kept (`best_effort`).
    #[must_use]
    pub fn not_enforced(&self) -> &[NotEnforced] {
        &self.not_enforced
    }

    /// Runs a program to its end. What it leaves in the background goes on, within the limits.
    ///
    /// The shorter of the sandbox's and the run's time counts, and the smaller of the two bounds
    /// of output. When the time is up the program ends with all that it started, wherever that
    /// went; the sandbox, its files and other runs go on.
    pub fn run(
        &self,
        args: impl IntoIterator<Item = impl Into<Bytes>>,
        mut options: RunOptions<'_>,
    ) -> Result<Output> {
        self.check_process()?;
        let times = [options.timeout, self.limits.timeout];
        options.timeout = times.into_iter().flatten().min();
        options.output_limit = options.output_limit.min(self.limits.output);
        let args = args.into_iter().map(Into::into).collect();
        self.engine.capture(&self.id, args, options, true)
    }

    /// Ends it with everything in it, and removes it. A second call does nothing.
    pub fn close(&self) -> Result<()> {
        self.check_process()?;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return Ok(()) };
        // It may have ended by itself, which the wait finds out.
        running.kill(signal::KILL).ok();
        match running.wait() {
            Ok(_) => {}
            // Its supervisor was killed: the wait has removed what that left.
            Err(error) if error.kind() == ErrorKind::Runtime => {}
            Err(error) => return Err(error),
        }
        self.engine.wait_until_gone(&self.id)
    }

    /// A forked child has the value, but the sandbox is its parent's.
    fn check_process(&self) -> Result<()> {
        if self.owner == getpid() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forked, "the sandbox belongs to the process that made it")
            .with_hint("make a sandbox in the child"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // There is nobody to tell; what this leaves ends with the process.
        self.close().ok();
    }
}

fn container(options: &SandboxOptions) -> ContainerOptions {
    let scratch = |target: &str| MountOptions {
        target: target.into(),
        kind: MountKind::Tmpfs {
            size: Some(options.limits.scratch),
            inodes: Some(INODES),
            mode: Some(0o1777),
            exec: true,
        },
        read_only: false,
    };
    let mut env = vec![Bytes::from(format!("HOME={SCRATCH}"))];
    env.extend(options.env.iter().cloned());
    let mut mounts = options.mounts.clone();
    for place in [SCRATCH, TMP] {
        // A mount of the caller's at the same place is what the caller wants there.
        if !mounts.iter().any(|mount| mount.target == Bytes::from(place)) {
            mounts.push(scratch(place));
        }
    }
    ContainerOptions {
        idle: true,
        name: options.name.clone(),
        env,
        workdir: Some(options.workdir.clone().unwrap_or_else(|| SCRATCH.into())),
        user: options.user.clone(),
        mounts,
        read_only: true,
        network: options.network.clone().unwrap_or(NetworkMode::None),
        cap_drop: vec!["ALL".to_owned()],
        no_new_privileges: true,
        own_user_namespace: true,
        limits: options.limits.for_processes(),
        labels: options.labels.clone(),
        auto_remove: true,
        shm_size: Some(options.limits.scratch),
        ..ContainerOptions::new(&options.image)
    }
}
