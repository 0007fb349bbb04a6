//! Entering the shared user namespace, as root in it.

use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::Descriptors;
use minidock_proto::request::Join;
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::SingleThreaded;
use rustix::process::{Gid, Uid};

use crate::failure::{Context, Result, protocol};

/// What keeps the joined namespace alive; dropped only at the end of the process.
pub(crate) struct Joined {
    /// The connection that tells the holder that the namespace is in use.
    _hold: OwnedFd,
}

/// Enters the namespace of `join` and becomes root there.
///
/// `fds` is consumed where the verb needs no other descriptor; use [`enter_with`] otherwise.
pub(crate) fn enter(single: SingleThreaded, mut fds: Descriptors, join: Join) -> Result<Joined> {
    enter_with(single, &mut fds, join)
}

/// [`enter`], leaving the other descriptors to the caller.
pub(crate) fn enter_with(
    single: SingleThreaded,
    fds: &mut Descriptors,
    join: Join,
) -> Result<Joined> {
    let userns = fds.take(join.userns).map_err(protocol)?;
    let hold = fds.take(join.hold).map_err(protocol)?;
    enter_namespace(single, userns.as_fd())?;
    Ok(Joined { _hold: hold })
}

/// Enters a user namespace and becomes its root, without the caller's groups where possible.
pub(crate) fn enter_namespace(single: SingleThreaded, userns: impl AsFd) -> Result<()> {
    namespace::enter(single, userns, Kinds::USER).context(|| "enter the user namespace".into())?;
    become_root()
}

/// Drops groups and takes the ids 0. With a single-id mapping the kernel forbids to drop groups
/// (`setgroups` is denied there, user_namespaces(7)); `info` and `run` say so to the user.
pub(crate) fn become_root() -> Result<()> {
    match rustix::thread::set_thread_groups(&[]) {
        Ok(()) | Err(rustix::io::Errno::PERM) => {}
        Err(error) => return Err(error).context(|| "drop the caller's groups".into()),
    }
    let (uid, gid) = (Uid::ROOT, Gid::ROOT);
    rustix::thread::set_thread_res_gid(gid, gid, gid).context(|| "become group 0".into())?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).context(|| "become user 0".into())
}
