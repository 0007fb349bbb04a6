//! The one place where a process of a container loses what it must not have.

use minidock_proto::process::{Limit, Lockdown, Resource};
use minidock_proto::request::FailureKind;
use minidock_sys::seccomp::{self, LoadFlags, Program};
use rustix::io::Errno;
use rustix::process::{Gid, Rlimit, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::account::{Account, unmapped};
use crate::failure::{Context, Result, failure, failure_with_hint};

/// Capability numbers that a kernel may know; it refuses those it does not.
const CAPABILITIES: std::ops::Range<u32> = 0..64;

/// Sets resource limits (setrlimit(2)).
pub(crate) fn limits(limits: &[Limit]) -> Result<()> {
    for limit in limits {
        let new = Rlimit { current: limit.soft, maximum: limit.hard };
        rustix::process::setrlimit(resource(limit.resource), new).map_err(|error| {
            let text = |value: Option<u64>| value.map_or("unlimited".to_owned(), |v| v.to_string());
            failure_with_hint(
                FailureKind::HostUnsupported,
                format!(
                    "cannot set the limit {:?} to {}:{}: {error}",
                    limit.resource,
                    text(limit.soft),
                    text(limit.hard)
                ),
                "a user without root cannot go above the hard limit that `ulimit -H -a` shows",
            )
        })?;
    }
    Ok(())
}

fn resource(resource: Resource) -> rustix::process::Resource {
    use rustix::process::Resource as Kernel;
    match resource {
        Resource::As => Kernel::As,
        Resource::Core => Kernel::Core,
        Resource::Cpu => Kernel::Cpu,
        Resource::Data => Kernel::Data,
        Resource::Fsize => Kernel::Fsize,
        Resource::Locks => Kernel::Locks,
        Resource::Memlock => Kernel::Memlock,
        Resource::Msgqueue => Kernel::Msgqueue,
        Resource::Nice => Kernel::Nice,
        Resource::Nofile => Kernel::Nofile,
        Resource::Nproc => Kernel::Nproc,
        Resource::Rss => Kernel::Rss,
        Resource::Rtprio => Kernel::Rtprio,
        Resource::Rttime => Kernel::Rttime,
        Resource::Sigpending => Kernel::Sigpending,
        Resource::Stack => Kernel::Stack,
    }
}

/// Drops all capabilities but these from the bounding set and clears the ambient set.
pub(crate) fn bounding_set(keep: u64) -> Result<()> {
    for number in CAPABILITIES {
        let bit = 1_u64 << number;
        if keep & bit != 0 {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(
            bit,
        )) {
            Ok(()) => {}
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error).context(|| format!("drop capability {number}")),
        }
    }
    match rustix::thread::clear_ambient_capability_set() {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error).context(|| "clear the ambient capabilities".into()),
    }
}

/// Takes groups and ids, keeping the capabilities until the filter is loaded.
pub(crate) fn ids(account: &Account) -> Result<()> {
    let groups: Vec<Gid> = account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    match rustix::thread::set_thread_groups(&groups) {
        Ok(()) => {}
        // A single-id mapping forbids setgroups; root's own group needs none.
        Err(Errno::PERM) if account.groups == [0] => {}
        Err(Errno::PERM | Errno::INVAL) => {
            let group = account.groups.iter().copied().find(|gid| *gid != 0).unwrap_or(0);
            return Err(unmapped("group", group));
        }
        Err(error) => return Err(error).context(|| "set the groups".into()),
    }
    rustix::thread::set_keep_capabilities(true).context(|| "keep the capabilities".into())?;
    let gid = Gid::from_raw(account.gid);
    rustix::thread::set_thread_res_gid(gid, gid, gid)
        .map_err(|_| unmapped("group", account.gid))?;
    let uid = Uid::from_raw(account.uid);
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(|_| unmapped("user", account.uid))?;
    rustix::thread::set_keep_capabilities(false).context(|| "forget to keep capabilities".into())
}

/// no_new_privs, the filter, the capabilities: the last thing before execve.
///
/// A user other than root keeps none, as execve would have it: with no_new_privs, what is held
/// until then is what the capabilities of the program's file may still give.
pub(crate) fn finish(lockdown: &Lockdown, account: &Account) -> Result<()> {
    let permitted =
        rustix::thread::capabilities(None).context(|| "read the capabilities".into())?.permitted;
    set_capabilities(permitted, permitted)?;
    if lockdown.no_new_privileges {
        rustix::thread::set_no_new_privs(true).context(|| "set no_new_privs".into())?;
    }
    if let Some(program) = &lockdown.seccomp {
        let program = Program::from_bytes(&program.0).map_err(|error| {
            failure(FailureKind::System, format!("the seccomp filter is damaged: {error}"))
        })?;
        seccomp::load(&program, LoadFlags::default()).map_err(|error| {
            failure_with_hint(
                FailureKind::HostUnsupported,
                format!("the kernel refuses the seccomp filter: {error}"),
                "`--security-opt seccomp=unconfined` runs without one",
            )
        })?;
    }
    let keep = match account.uid {
        0 => CapabilitySet::from_bits_retain(lockdown.capabilities).intersection(permitted),
        _ => CapabilitySet::empty(),
    };
    set_capabilities(keep, keep)
}

fn set_capabilities(effective: CapabilitySet, permitted: CapabilitySet) -> Result<()> {
    let sets = CapabilitySets { effective, permitted, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).context(|| "set the capabilities".into())
}
