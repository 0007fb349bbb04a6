//! Limits of a sandbox: which the kernel keeps without a control group, and which it cannot.

use std::time::Duration;

use minidock_proto::process::{Limit, Resource};
use minidock_sys::seccomp::KernelVersion;
use rustix::process::getrlimit;

use crate::error::{Error, ErrorKind, Result};

/// Since this version RLIMIT_NPROC counts the processes of each user namespace apart
/// (user_namespaces(7); `UCOUNT_RLIMIT_NPROC` of the kernel).
const COUNTS_PROCESSES: (u32, u32) = (5, 14);

/// What the programs of a sandbox may use up; `None` is no limit.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxLimits {
    /// How long a run may take; a minute.
    pub timeout: Option<Duration>,
    /// Bytes of each output of a run that are kept; 16 MiB.
    pub output: u64,
    /// Bytes of `/scratch`, of `/tmp` and of `/dev/shm`, each; 256 MiB.
    pub scratch: u64,
    /// Processes and threads at a time, counted for this sandbox and each of its users alone; 256.
    pub processes: Option<u64>,
    /// Bytes of one file; 1 GiB.
    pub file_size: Option<u64>,
    /// Open files of each process; 1024.
    pub open_files: Option<u64>,
    /// Bytes of address space of each process; no limit, since many runtimes reserve far more
    /// than they use.
    pub address_space: Option<u64>,
    /// Seconds of processor time of each process; no limit.
    pub cpu_seconds: Option<u64>,
    /// Bytes of memory of the whole sandbox. Needs a control group.
    pub memory: Option<u64>,
    /// Processors of the whole sandbox, `1.5` for one and a half. Needs a control group.
    pub cpus: Option<f64>,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(60)),
            output: 16 << 20,
            scratch: 256 << 20,
            processes: Some(256),
            file_size: Some(1 << 30),
            open_files: Some(1024),
            address_space: None,
            cpu_seconds: None,
            memory: None,
            cpus: None,
        }
    }
}

/// A limit that was asked for and is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotEnforced {
    /// The name of the field of [`SandboxLimits`].
    pub limit: &'static str,
    /// Why not.
    pub reason: &'static str,
}

impl SandboxLimits {
    /// What of this cannot be kept here; refused unless `best_effort`.
    pub(super) fn check(&self, best_effort: bool) -> Result<Vec<NotEnforced>> {
        self.check_values()?;
        let mut not_enforced = Vec::new();
        let group = "it needs a control group of the sandbox's own, which minidock does not make";
        if self.memory.is_some() {
            not_enforced.push(NotEnforced { limit: "memory", reason: group });
        }
        if self.cpus.is_some() {
            not_enforced.push(NotEnforced { limit: "cpus", reason: group });
        }
        if self.processes.is_some() && !counts_processes() {
            let reason = "kernels before 5.14 count all processes of the user together";
            not_enforced.push(NotEnforced { limit: "processes", reason });
        }
        match not_enforced.first() {
            Some(first) if !best_effort => Err(Error::new(
                ErrorKind::HostUnsupported,
                format!("the limit {:?} cannot be kept: {}", first.limit, first.reason),
            )
            .with_hint(hint(first.limit))),
            _ => Ok(not_enforced),
        }
    }

    fn check_values(&self) -> Result<()> {
        let zero = [
            ("scratch", Some(self.scratch)),
            ("processes", self.processes),
            ("open_files", self.open_files),
            ("address_space", self.address_space),
            ("cpu_seconds", self.cpu_seconds),
            ("memory", self.memory),
        ];
        let wrong = zero.iter().find(|(_, value)| *value == Some(0)).map(|(name, _)| *name);
        let cpus = self.cpus.filter(|cpus| !(cpus.is_finite() && *cpus > 0.0)).map(|_| "cpus");
        let timeout = self.timeout.filter(Duration::is_zero).map(|_| "timeout");
        match wrong.or(cpus).or(timeout) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the limit {name:?} has to be above zero"),
            )
            .with_hint("leave it out for no limit")),
        }
    }

    /// The limits of setrlimit(2) that each process gets.
    pub(super) fn for_processes(&self) -> Vec<Limit> {
        let mut limits = Vec::new();
        let mut set = |resource, value: Option<u64>, default: Option<u64>| {
            let Some(mut value) = value else { return };
            if Some(value) == default {
                // A default gives way to what this user may have at most.
                value = value.min(most(resource).unwrap_or(u64::MAX));
            }
            limits.push(Limit { resource, soft: Some(value), hard: Some(value) });
        };
        let default = Self::default();
        // The sandbox's own first process counts too.
        let with_first = |processes: Option<u64>| processes.map(|n| n.saturating_add(1));
        if counts_processes() {
            set(Resource::Nproc, with_first(self.processes), with_first(default.processes));
        }
        set(Resource::Fsize, self.file_size, default.file_size);
        set(Resource::Nofile, self.open_files, default.open_files);
        set(Resource::As, self.address_space, default.address_space);
        set(Resource::Cpu, self.cpu_seconds, default.cpu_seconds);
        set(Resource::Core, Some(0), Some(0));
        limits
    }
}

fn hint(limit: &str) -> &'static str {
    match limit {
        "memory" => {
            "`address_space` bounds the memory of each process; with `best_effort` the sandbox \
             starts without this limit and says so"
        }
        _ => "with `best_effort` the sandbox starts without this limit and says so",
    }
}

fn counts_processes() -> bool {
    KernelVersion::running().is_some_and(|kernel| (kernel.major, kernel.minor) >= COUNTS_PROCESSES)
}

/// The hard limit of this process, which no child can go above.
fn most(resource: Resource) -> Option<u64> {
    use rustix::process::Resource as Kernel;
    let resource = match resource {
        Resource::Nproc => Kernel::Nproc,
        Resource::Fsize => Kernel::Fsize,
        Resource::Nofile => Kernel::Nofile,
        _ => return None,
    };
    getrlimit(resource).maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_group_is_refused_or_told() {
        let limits = SandboxLimits { memory: Some(1), cpus: Some(0.5), ..SandboxLimits::default() };
        let error = limits.check(false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnsupported);
        assert!(error.to_string().contains("memory") && error.hint().is_some());
        let names: Vec<_> = limits.check(true).unwrap().iter().map(|one| one.limit).collect();
        assert_eq!(names, ["memory", "cpus"]);
        assert!(SandboxLimits::default().check(false).unwrap().is_empty());
    }

    #[test]
    fn nothing_is_no_limit() {
        let base = SandboxLimits::default;
        for limits in [
            SandboxLimits { processes: Some(0), ..base() },
            SandboxLimits { scratch: 0, ..base() },
            SandboxLimits { cpus: Some(f64::NAN), ..base() },
            SandboxLimits { cpus: Some(-1.0), ..base() },
            SandboxLimits { timeout: Some(Duration::ZERO), ..base() },
        ] {
            let error = limits.check(true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{limits:?}");
        }
    }

    #[test]
    fn limits_of_processes() {
        let limits = SandboxLimits {
            processes: Some(5),
            address_space: Some(1 << 20),
            file_size: None,
            ..SandboxLimits::default()
        };
        let set = limits.for_processes();
        let of = |resource| set.iter().find(|limit| limit.resource == resource);
        assert_eq!(of(Resource::Nproc).and_then(|limit| limit.hard), Some(6));
        assert_eq!(of(Resource::As).and_then(|limit| limit.soft), Some(1 << 20));
        assert_eq!(of(Resource::Core).and_then(|limit| limit.soft), Some(0));
        assert_eq!(of(Resource::Fsize), None);
    }
}
