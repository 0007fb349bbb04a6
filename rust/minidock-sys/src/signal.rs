//! Signal state of a single-threaded process: dispositions, mask, signalfd.
//!
//! The engine never comes here: signal handling belongs to the host program.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::process::SingleThreaded;

/// The highest signal number of Linux, real-time ones included.
pub const LAST: i32 = 64;

/// Sets every signal that can be set to its default action.
pub fn reset_dispositions(_proof: SingleThreaded) {
    // struct sigaction of the kernel, larger than any architecture's: all zero is SIG_DFL.
    let default = [0_u64; 8];
    for number in 1..=LAST {
        // The bare call, since libc refuses the two signals that it uses itself, and a caller
        // may have left them ignored. SIGKILL and SIGSTOP are refused, which is as well.
        // SAFETY: the action is SIG_DFL with an empty mask and outlives the call; no old action
        // is asked for; the mask's size is the kernel's 64 bits.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                size_of::<u64>(),
            )
        };
    }
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigset_t is plain data, made valid by sigemptyset before use; sigaddset refuses
    // numbers out of range.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Blocks exactly the given signals for this thread.
pub fn set_mask(_proof: SingleThreaded, blocked: &[i32]) -> io::Result<()> {
    let set = set_of(blocked);
    // SAFETY: `set` is a valid set and no old mask is asked for.
    match unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A close-on-exec, non-blocking signalfd(2) for the given signals, which are blocked first.
pub fn signal_fd(proof: SingleThreaded, signals: &[i32]) -> io::Result<OwnedFd> {
    set_mask(proof, signals)?;
    let set = set_of(signals);
    // SAFETY: `set` is valid; -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// kill(2) by number, for signals that have no name in rustix; `0` asks whether it could.
pub fn kill(pid: rustix::process::Pid, signal: i32) -> io::Result<()> {
    // SAFETY: kill only takes numbers.
    match unsafe { libc::kill(pid.as_raw_nonzero().get(), signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// SIGKILL to every process of this pid namespace but its first and the caller (kill(2) with -1).
///
/// For a forked process that entered a container's pid namespace to clear it.
pub fn kill_others(_proof: SingleThreaded) -> io::Result<()> {
    // SAFETY: kill only takes numbers.
    match unsafe { libc::kill(-1, libc::SIGKILL) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            // There was none.
            error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error => Err(error),
        },
    }
}

/// SIGCHLD.
pub const CHILD: i32 = libc::SIGCHLD;
/// SIGKILL.
pub const KILL: i32 = libc::SIGKILL;
/// SIGTERM.
pub const TERM: i32 = libc::SIGTERM;

/// The next signal of a [`signal_fd`], if one waits.
pub fn next(fd: impl std::os::fd::AsFd) -> Option<i32> {
    let mut info = [0_u8; size_of::<libc::signalfd_siginfo>()];
    match rustix::io::read(fd, &mut info) {
        Ok(length) if length == info.len() => {
            let [a, b, c, d, ..] = info;
            i32::try_from(u32::from_ne_bytes([a, b, c, d])).ok()
        }
        _ => None,
    }
}
