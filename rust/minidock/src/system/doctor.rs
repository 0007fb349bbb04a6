//! `doctor`: what this host lacks, and the command that mends it.

use std::path::Path;

use serde::Serialize;

use super::{Cgroup, CgroupMode, Info, Kernel, host};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::network;

/// The oldest kernel that has all that is needed: overlayfs with `userxattr`, the new mount API.
const KERNEL_FLOOR: (u32, u32) = (5, 13);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// It is as it should be.
    pub ok: bool,
    /// Without it no container runs; otherwise something is missing that some need.
    pub required: bool,
    /// What was found.
    pub found: String,
    /// What to do about it: commands where there are any.
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, ok: true, required: true, found: found.into(), fix: None }
    }

    fn bad(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, ok: false, required: true, found: found.into(), fix: Some(fix.into()) }
    }

    fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    fn from_probe(name: &'static str, refused: &Option<String>, fix: &str) -> Self {
        match refused {
            None => Self::good(name, "works"),
            Some(why) => Self::bad(name, why, fix),
        }
    }
}

impl Engine {
    /// Looks at everything that containers need of this host.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// for check in Engine::open(&EngineOptions::default())?.doctor()? {
    ///     println!("{} {}: {}", if check.ok { "ok" } else { "!!" }, check.name, check.found);
    /// }
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn doctor(&self) -> Result<Vec<Check>> {
        let info = self.info()?;
        let mut checks = vec![kernel(&info), store(&info), runtime(&info)];
        checks.extend(user_namespaces(&info));
        checks.push(subordinate_ids(&info));
        // What was not tried is not known to work.
        if info.runtime.path.is_some() && info.probes.user_namespace.is_none() {
            checks.extend(probes(&info));
        }
        checks.push(network_helper(&info));
        checks.push(cgroup(&info.cgroup));
        Ok(checks)
    }
}

fn kernel(info: &Info) -> Check {
    kernel_check(&info.kernel.release)
}

fn kernel_check(release: &str) -> Check {
    match host::release_numbers(release) {
        Some(numbers) if numbers >= KERNEL_FLOOR => Check::good("kernel", release),
        _ => Check::bad("kernel", release, "boot a kernel of 5.13 or later"),
    }
}

fn store(info: &Info) -> Check {
    let store = &info.store;
    let found =
        format!("{} on {}, {} MiB free", store.root.display(), store.file_system, store.free >> 20);
    match &store.read_only {
        None => Check::good("store", found),
        Some(why) => Check::bad(
            "store",
            format!("{found}; it can only be read: {why}"),
            "use the newer version, or another store with `--root DIR`",
        ),
    }
}

fn runtime(info: &Info) -> Check {
    match (&info.runtime.path, &info.runtime.missing) {
        (Some(path), _) => Check::good("runtime", path.display().to_string()),
        (None, missing) => Check::bad(
            "runtime",
            missing.clone().unwrap_or_default(),
            "install minidock-runtime beside minidock, or set MINIDOCK_RUNTIME to its absolute path",
        ),
    }
}

/// Settings that forbid user namespaces, then whether one can be made.
fn user_namespaces(info: &Info) -> Vec<Check> {
    const NAME: &str = "user namespaces";
    let Some(refused) = &info.probes.user_namespace else {
        return vec![Check::good(NAME, "works")];
    };
    let mut checks = forbidding(&info.kernel, info.runtime.path.as_deref());
    // Without the runtime nothing was tried: its own check says so.
    if checks.is_empty() && info.runtime.path.is_some() {
        let fix = "look at `unshare --user true` and at what surrounds this process: \
                   a container or a service with a filter of its own may refuse it";
        checks.push(Check::bad(NAME, refused, fix));
    }
    checks
}

/// Puts the host's setting that forbids it, and what mends that, in the place of a bare refusal:
/// the first error of `run` says what `doctor` says.
pub(crate) fn explain(refused: Error, runtime: Option<&Path>) -> Error {
    if refused.kind() != ErrorKind::HostUnsupported {
        return refused;
    }
    match forbidding(&host::kernel(), runtime).into_iter().next() {
        Some(Check { found, fix: Some(fix), .. }) => {
            Error::new(ErrorKind::HostUnsupported, format!("no container can run here: {found}"))
                .with_hint(fix)
                .with_source(refused)
        }
        _ => refused,
    }
}

/// A kernel that is too old is named before anything is tried on it.
pub(crate) fn require_kernel() -> Result<()> {
    let check = kernel_check(&host::kernel().release);
    match (check.ok, check.fix) {
        (false, Some(fix)) => {
            let message = format!("the kernel {} is too old for minidock", check.found);
            Err(Error::new(ErrorKind::HostUnsupported, message).with_hint(fix))
        }
        _ => Ok(()),
    }
}

/// Settings of the host that forbid user namespaces.
fn forbidding(kernel: &Kernel, runtime: Option<&Path>) -> Vec<Check> {
    const NAME: &str = "user namespaces";
    let mut checks = Vec::new();
    if kernel.max_user_namespaces == Some(0) {
        checks.push(Check::bad(
            NAME,
            "user.max_user_namespaces is 0",
            persistent("user.max_user_namespaces=15000"),
        ));
    }
    if kernel.unprivileged_userns_clone == Some(0) {
        checks.push(Check::bad(
            NAME,
            "kernel.unprivileged_userns_clone is 0",
            persistent("kernel.unprivileged_userns_clone=1"),
        ));
    }
    if kernel.apparmor_restrict_userns.is_some_and(|value| value != 0) {
        let path = runtime.map(|path| path.display().to_string());
        checks.push(Check::bad(
            NAME,
            "AppArmor refuses user namespaces to programs without a profile \
             (kernel.apparmor_restrict_unprivileged_userns is 1)",
            apparmor(path.as_deref()),
        ));
    }
    checks
}

fn persistent(setting: &str) -> String {
    format!("echo {setting} | sudo tee /etc/sysctl.d/50-minidock.conf && sudo sysctl --system")
}

/// A profile that allows the runtime what the setting takes from everyone.
fn apparmor(runtime: Option<&str>) -> String {
    let Some(path) = runtime else {
        return persistent("kernel.apparmor_restrict_unprivileged_userns=0");
    };
    format!(
        "printf 'abi <abi/4.0>,\\nprofile minidock-runtime \"{path}\" flags=(unconfined) {{\\n  \
         userns,\\n}}\\n' | sudo tee /etc/apparmor.d/minidock-runtime && \
         sudo apparmor_parser -r /etc/apparmor.d/minidock-runtime"
    )
}

fn subordinate_ids(info: &Info) -> Check {
    const NAME: &str = "subordinate ids";
    let count = |extents: &[minidock_proto::mapping::Extent]| {
        extents.iter().map(|extent| u64::from(extent.count)).sum::<u64>()
    };
    let mapping = &info.mapping;
    match &mapping.single_because {
        None if mapping.single => Check::good(NAME, "a single id, as asked for"),
        None => Check::good(
            NAME,
            format!("{} user ids, {} group ids", count(&mapping.uids), count(&mapping.gids)),
        ),
        Some(why) => Check::bad(NAME, why, subordinate_fix(why)).optional(),
    }
}

fn subordinate_fix(why: &str) -> String {
    if why.contains("has no line") {
        let first = host::free_subordinate_id();
        let range = format!("{first}-{}", first + host::SUBORDINATE_IDS - 1);
        return format!("sudo usermod --add-subuids {range} --add-subgids {range} \"$(id -un)\"");
    }
    if why.contains("no_new_privs") {
        return "start minidock outside of the service or sandbox that set no_new_privs".to_owned();
    }
    install("uidmap", "shadow-utils")
}

/// Debian's and Fedora's commands for a package.
fn install(debian: &str, fedora: &str) -> String {
    format!(
        "sudo apt-get install {debian}   (Debian, Ubuntu); sudo dnf install {fedora}   (Fedora)"
    )
}

fn probes(info: &Info) -> Vec<Check> {
    let probes = &info.probes;
    let probe = Check::from_probe;
    vec![
        probe(
            "overlayfs",
            &probes.overlay,
            "put the store onto ext4, xfs, btrfs or tmpfs with `--root DIR`; inside another \
             container give it a volume for the store",
        ),
        probe(
            "fresh /proc",
            &probes.procfs,
            "inside another container start that one with an unmasked /proc \
             (docker: --security-opt systempaths=unconfined)",
        ),
        probe(
            "network namespaces",
            &probes.network,
            "sudo sysctl -w user.max_net_namespaces=15000",
        ),
        probe("seccomp filters", &probes.seccomp, "boot a kernel with CONFIG_SECCOMP_FILTER=y"),
        probe(
            "/dev/net/tun",
            &probes.tun,
            "sudo modprobe tun && sudo chmod 0666 /dev/net/tun; or use `--network none` or \
             `--network host`",
        )
        .optional(),
    ]
}

fn network_helper(info: &Info) -> Check {
    const NAME: &str = "network helper";
    if let Err(error) = network::helper() {
        let fix = install("passt", "passt");
        return Check::bad(NAME, error.one_line(), fix).optional();
    }
    let shown: Vec<_> = info
        .network_helpers
        .iter()
        .map(|helper| {
            let version = helper.version.as_deref().unwrap_or("its version is unknown");
            format!("{} ({version})", helper.path.display())
        })
        .collect();
    Check::good(NAME, shown.join(", ")).optional()
}

fn cgroup(cgroup: &Cgroup) -> Check {
    const NAME: &str = "control groups";
    let mode = match cgroup.mode {
        CgroupMode::V2 if !cgroup.delegated.is_empty() => {
            return Check::good(NAME, format!("v2, delegated: {}", cgroup.delegated.join(" ")))
                .optional();
        }
        CgroupMode::V2 => "v2, nothing is delegated to this user: no resource limits",
        CgroupMode::Hybrid => "v1 beside v2 (hybrid): no resource limits",
        CgroupMode::V1 => "v1: no resource limits",
        CgroupMode::None => "none are mounted: no resource limits",
    };
    let fix = match cgroup.mode {
        CgroupMode::V2 => {
            "sudo mkdir -p /etc/systemd/system/user@.service.d && printf \
             '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | \
             sudo tee /etc/systemd/system/user@.service.d/delegate.conf && \
             sudo systemctl daemon-reload, then log in again"
        }
        _ => "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
    };
    Check::bad(NAME, mode, fix).optional()
}

#[cfg(test)]
#[path = "doctor_tests.rs"]
mod tests;
