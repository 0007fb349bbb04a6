//! Answering system calls that a seccomp filter leaves to a listener (seccomp_unotify(2)).
//!
//! Only the ioctls; which calls come and what they get is decided elsewhere.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    id: u64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// Takes the next call; blocks until there is one.
pub fn receive(listener: impl AsFd) -> io::Result<Call> {
    // SAFETY: plain data of the kernel's layout, zeroed as the kernel demands.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel fills the struct, which outlives the call.
    match unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV as _, &raw mut call) } {
        0 => Ok(Call { id: call.id, arguments: call.data.args }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Puts `file` in place of the caller's descriptor `at`, close-on-exec there.
pub fn replace_fd(listener: impl AsFd, call: &Call, file: impl AsFd, at: u32) -> io::Result<()> {
    let source = u32::try_from(file.as_fd().as_raw_fd())
        .map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    let request = libc::seccomp_notif_addfd {
        id: call.id,
        flags: libc::SECCOMP_ADDFD_FLAG_SETFD as u32,
        srcfd: source,
        newfd: at,
        newfd_flags: libc::O_CLOEXEC as u32,
    };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads the struct; it acts on the descriptors of the other process.
    match unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &raw const request) }
    {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets the call return 0, or fail with an errno.
pub fn answer(listener: impl AsFd, call: &Call, result: Result<(), i32>) -> io::Result<()> {
    let mut response = libc::seccomp_notif_resp {
        id: call.id,
        val: 0,
        error: result.err().map_or(0, |errno| -errno),
        flags: 0,
    };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads the struct, which outlives the call.
    match unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND as _, &raw mut response) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
