//! fork, exec and exit for a process that has one thread.
//!
//! The engine never comes here: `fork` without `exec` in a threaded host copies locked locks.
//! Only `minidock-runtime` does, and has to show first that it is single-threaded.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use rustix::process::Pid;

/// Proof that the process had one thread when it was asked; `fork` demands it.
#[derive(Debug, Clone, Copy)]
pub struct SingleThreaded(());

impl SingleThreaded {
    /// Counts the threads of this process in `/proc/self/task`.
    pub fn prove() -> io::Result<Self> {
        match std::fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(())),
            threads => Err(io::Error::other(format!(
                "{threads} threads where one is needed to fork safely"
            ))),
        }
    }
}

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old process, with the pid of the new one as seen from here.
    Parent(Pid),
}

/// fork(2).
pub fn fork(_proof: SingleThreaded) -> io::Result<Fork> {
    // SAFETY: the proof says that no other thread exists, so the child inherits no lock that
    // nobody would release, and may go on as a normal program.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Pid::from_raw(pid)
            .map(Fork::Parent)
            .ok_or_else(|| io::Error::other("fork answered with an impossible pid")),
    }
}

/// Runs `body` in a forked child, which ends with the status that `body` returns.
///
/// The child leaves by `_exit`: no destructor and no atexit handler of the parent runs twice.
pub fn spawn(proof: SingleThreaded, body: impl FnOnce() -> u8) -> io::Result<Pid> {
    match fork(proof)? {
        Fork::Parent(pid) => Ok(pid),
        Fork::Child => exit_now(body()),
    }
}

/// `_exit(2)`: ends the process at once, with nothing run or flushed.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit has no requirement on its caller and does not return.
    unsafe { libc::_exit(i32::from(status)) }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// execve(2). Returns only with the reason why it failed.
pub fn execve(path: &CStr, argv: &[CString], envp: &[CString]) -> io::Result<Infallible> {
    let (argv, envp) = (pointers(argv), pointers(envp));
    // SAFETY: path and all strings are NUL-terminated and both arrays end with a null pointer;
    // all of it outlives the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// execveat(2) with `AT_EMPTY_PATH`: executes the open file itself, whatever its path is now.
pub fn execve_fd(fd: impl AsFd, argv: &[CString], envp: &[CString]) -> io::Result<Infallible> {
    let (argv, envp) = (pointers(argv), pointers(envp));
    // SAFETY: as in `execve`; the descriptor is borrowed and so open during the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd.as_fd().as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    Err(io::Error::last_os_error())
}

/// close_range(2) from `first` to the last possible descriptor.
///
/// The caller must own none of them any more: it is meant for the first lines of a program that
/// inherited descriptors it does not know.
pub fn close_from(first: u32) -> io::Result<()> {
    close_range(first, u32::MAX)
}

/// close_range(2) from `first` to `last`, both included; for the same callers as [`close_from`].
pub fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: closes descriptors by number only; the contract above says that no owner of one
    // of them is alive in this program.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Closes every descriptor from 3 on except the given ones.
///
/// For a forked process that goes its own way and never returns to code that owns the others.
pub fn close_all_except(keep: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<()> {
    let mut numbers: Vec<u32> =
        keep.iter().filter_map(|fd| u32::try_from(fd.as_raw_fd()).ok()).collect();
    numbers.sort_unstable();
    let mut first = 3;
    for number in numbers.into_iter().filter(|number| *number >= 3) {
        if number > first {
            close_range(first, number - 1)?;
        }
        first = number + 1;
    }
    close_from(first)
}

/// Owns a descriptor that came over exec, of which only the number is known.
///
/// Each number can be adopted once in the life of a process, and only one that is open; the
/// caller must know it from the program that executed this one, before it opened anything itself.
pub fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    static ADOPTED: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());
    let mut adopted = ADOPTED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: asks for the flags of a descriptor by number; a closed one is an error.
    if number <= 2 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    if !adopted.insert(number) {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    // SAFETY: open, and adopted for the first time; the contract above says that nothing else
    // of this program owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Empties the environment of this process (`clearenv(3)`).
///
/// For the first lines of a program: what the environment of the caller held must never reach
/// a container or steer a library.
pub fn clear_environment(_proof: SingleThreaded) -> io::Result<()> {
    // SAFETY: no other thread exists that could read the environment at the same time.
    match unsafe { libc::clearenv() } {
        0 => Ok(()),
        _ => Err(io::Error::other("clearenv failed")),
    }
}
