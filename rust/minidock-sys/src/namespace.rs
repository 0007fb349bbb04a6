//! Entering and leaving namespaces, and the two ioctls on them that are needed.
//!
//! Only `minidock-runtime` comes here; a namespace changes the whole calling thread.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use crate::process::SingleThreaded;

/// Namespaces by their `CLONE_NEW*` bits (namespaces(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(libc::c_int);

impl Kinds {
    /// User namespace.
    pub const USER: Self = Self(libc::CLONE_NEWUSER);
    /// Mount namespace.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS);
    /// Pid namespace; counts for children made later.
    pub const PID: Self = Self(libc::CLONE_NEWPID);
    /// Network namespace.
    pub const NET: Self = Self(libc::CLONE_NEWNET);
    /// Cgroup namespace.
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP);
    /// System V IPC and POSIX message queues.
    pub const IPC: Self = Self(libc::CLONE_NEWIPC);
    /// Host name.
    pub const UTS: Self = Self(libc::CLONE_NEWUTS);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// unshare(2).
pub fn unshare(_proof: SingleThreaded, kinds: Kinds) -> io::Result<()> {
    // SAFETY: namespaces do not touch memory; with one thread there is nobody to surprise.
    match unsafe { libc::unshare(kinds.0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// setns(2) with a namespace descriptor of one kind, or with a pidfd and several kinds.
pub fn enter(_proof: SingleThreaded, fd: impl AsFd, kinds: Kinds) -> io::Result<()> {
    // SAFETY: as in `unshare`; the descriptor is borrowed for the call.
    match unsafe { libc::setns(fd.as_fd().as_raw_fd(), kinds.0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `NS_GET_USERNS`: the user namespace that owns the given one (ioctl_ns(2)).
pub fn owner_of(fd: impl AsFd) -> io::Result<OwnedFd> {
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    // SAFETY: this ioctl takes no argument and answers with a new descriptor.
    let owner = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_USERNS as _) };
    if owner < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh from the kernel.
    Ok(unsafe { OwnedFd::from_raw_fd(owner) })
}

/// Sets the loopback interface of this network namespace up (netdevice(7)).
pub fn loopback_up() -> io::Result<()> {
    // SAFETY: a plain socket call; the descriptor is owned right away.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh from the kernel.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: ifreq is plain data; the name is "lo" and NUL-terminated, the flags are the
    // member that SIOCSIFFLAGS reads.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        match libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
