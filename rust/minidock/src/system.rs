//! What this host is like and what it lacks: `info`, `doctor` and `version`.
//!
//! It reads files of /proc and /sys, asks the runtime to try things, and changes nothing.

mod cgroup;
mod check;
pub(crate) mod doctor;
mod host;
mod network_programs;

use std::path::PathBuf;

use minidock_proto::mapping::Extent;
use minidock_proto::request::{Answer, Probe, Probed, Verb};
use minidock_proto::{Outgoing, SPAWN_VERSION};
use serde::Serialize;

pub use crate::docker_json::docker_version;
pub use cgroup::{Cgroup, CgroupMode};
pub use check::CheckOptions;
pub use doctor::Check;
pub use host::Kernel;
pub use network_programs::NetworkHelper;

use crate::container::Status;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Access;

/// The version of this library.
///
/// ```
/// assert!(minidock::system::version().split('.').count() >= 3);
/// ```
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Facts about this engine and its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Info {
    /// The version of the library.
    pub version: &'static str,
    /// The store.
    pub store: StoreInfo,
    /// The ids that containers have.
    pub mapping: MappingInfo,
    /// The runtime program.
    pub runtime: RuntimeInfo,
    /// The kernel and its settings.
    pub kernel: Kernel,
    /// What was tried.
    pub probes: Probes,
    /// Programs for private networks, the one in use first.
    pub network_helpers: Vec<NetworkHelper>,
    /// Control groups.
    pub cgroup: Cgroup,
    /// Containers.
    pub containers: usize,
    /// Those of them that run.
    pub containers_running: usize,
    /// Images.
    pub images: usize,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreInfo {
    /// Its directory.
    pub root: PathBuf,
    /// What tells it from others.
    pub id: String,
    /// The file system it lies on.
    pub file_system: String,
    /// Bytes that its user may still write there.
    pub free: u64,
    /// Why it can only be read.
    pub read_only: Option<String>,
}

/// The ids that containers have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingInfo {
    /// Its name in the store.
    pub name: String,
    /// One id alone.
    pub single: bool,
    /// Why it is one id alone, where nobody asked for it.
    pub single_because: Option<String>,
    /// Groups of the caller that stay in force inside ([`Engine::kept_groups`]).
    pub kept_groups: Vec<u32>,
    /// User ids.
    pub uids: Vec<Extent>,
    /// Group ids.
    pub gids: Vec<Extent>,
}

/// The runtime program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuntimeInfo {
    /// Where it is.
    pub path: Option<PathBuf>,
    /// Why it is nowhere.
    pub missing: Option<String>,
    /// The number of requests that it has to understand.
    pub protocol: u32,
}

/// What was tried in the user namespace; each says why it does not work, nothing if it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Probes {
    /// Making the user namespace itself; the rest was not tried if this failed.
    pub user_namespace: Option<String>,
    /// overlayfs on the store's file system.
    pub overlay: Option<String>,
    /// A fresh /proc.
    pub procfs: Option<String>,
    /// A network namespace.
    pub network: Option<String>,
    /// /dev/net/tun, which network helpers need.
    pub tun: Option<String>,
    /// A seccomp filter.
    pub seccomp: Option<String>,
}

impl Engine {
    /// Facts about this engine and its host. What does not work is said in the facts, not as an
    /// error.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// let info = Engine::open(&EngineOptions::default())?.info()?;
    /// println!("{} on {}", info.store.root.display(), info.store.file_system);
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn info(&self) -> Result<Info> {
        let containers = self.containers()?;
        let running =
            containers.iter().filter(|container| container.state.status == Status::Running);
        Ok(Info {
            version: version(),
            store: self.store_info()?,
            mapping: self.mapping_info(),
            runtime: self.runtime_info(),
            kernel: host::kernel(),
            probes: self.probes(),
            network_helpers: network_programs::find(),
            cgroup: cgroup::find(),
            containers_running: running.count(),
            containers: containers.len(),
            images: self.store().images()?.len(),
        })
    }

    fn store_info(&self) -> Result<StoreInfo> {
        let root = self.store().root();
        let (file_system, free) =
            host::file_system(root).map_err(|error| Error::at("examine", root, error))?;
        let read_only = match self.store().access() {
            Access::ReadWrite => None,
            Access::NewerWriter { write } => {
                Some(format!("a newer version writes it (format {write})"))
            }
            Access::ReadOnlyMount => Some("its file system is mounted read-only".to_owned()),
        };
        let id = self.store().uuid().to_owned();
        Ok(StoreInfo { root: root.to_path_buf(), id, file_system, free, read_only })
    }

    fn mapping_info(&self) -> MappingInfo {
        let mapping = self.mapping();
        MappingInfo {
            name: mapping.name(),
            single: mapping.is_single(),
            single_because: self.single_id_reason().map(str::to_owned),
            kept_groups: self.kept_groups(),
            uids: mapping.uids.clone(),
            gids: mapping.gids.clone(),
        }
    }

    fn runtime_info(&self) -> RuntimeInfo {
        let (path, missing) = match self.runtime() {
            Ok(runtime) => (Some(runtime.path().to_path_buf()), None),
            Err(error) => (None, Some(error.one_line())),
        };
        RuntimeInfo { path, missing, protocol: SPAWN_VERSION }
    }

    fn probes(&self) -> Probes {
        match self.probe() {
            Ok(probed) => Probes {
                user_namespace: None,
                overlay: probed.overlay,
                procfs: probed.procfs,
                network: probed.network,
                tun: probed.tun,
                seccomp: probed.seccomp,
            },
            Err(error) => Probes { user_namespace: Some(error.one_line()), ..Probes::default() },
        }
    }

    /// Asks the runtime to try everything, in a directory that goes away again.
    fn probe(&self) -> Result<Probed> {
        let joined = self.join()?;
        let lease = self.store().begin()?;
        let directory = lease.dir().join("probe");
        std::fs::create_dir(&directory).map_err(|error| Error::at("make", &directory, error))?;
        let verb = |join| Verb::Probe(Probe { join, directory: directory.as_path().into() });
        match self.run_verb(&joined, Outgoing::default(), verb)? {
            Answer::Probed(probed) => Ok(probed),
            _ => Err(Error::new(
                ErrorKind::Runtime,
                "minidock-runtime answered to a probe with something else",
            )),
        }
    }
}
