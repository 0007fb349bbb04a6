//! Puts a filter on the calling thread: the only system call of this module.
//!
//! Must not touch no_new_privs or capabilities; the caller orders those around it.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use thiserror::Error;

use super::{Program, SockFilter};

/// How a filter is loaded (`SECCOMP_FILTER_FLAG_*`, seccomp(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LoadFlags {
    /// Log every answer but ALLOW.
    pub log: bool,
    /// Do not turn on the mitigation of speculative store bypass.
    pub spec_allow: bool,
    /// Put the filter on every thread of the process.
    pub tsync: bool,
    /// Return a listener for calls answered with [`super::Action::Notify`].
    pub listener: bool,
    /// A caller whose request the listener has received waits through non-fatal signals (Linux
    /// 5.19); goes with `listener` only.
    pub wait_killable: bool,
}

impl LoadFlags {
    fn bits(self) -> libc::c_ulong {
        let tsync_esrch = self.tsync && self.listener;
        [
            (self.log, libc::SECCOMP_FILTER_FLAG_LOG),
            (self.spec_allow, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW),
            (self.tsync, libc::SECCOMP_FILTER_FLAG_TSYNC),
            // The return value cannot be a thread id when it is a descriptor.
            (tsync_esrch, libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
            (self.listener, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER),
            (self.wait_killable, libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
        ]
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .fold(0, |bits, (_, bit)| bits | bit)
    }
}

/// Why a filter was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// EACCES: neither capability nor no_new_privs.
    #[error(
        "cannot load the seccomp filter: load it while CAP_SYS_ADMIN is held in the user \
         namespace, or set no_new_privs before"
    )]
    NotPrivileged,
    /// The kernel refused for another reason, such as ENOMEM or a flag it does not have.
    #[error("cannot load the seccomp filter")]
    Refused {
        /// Its answer.
        #[source]
        source: io::Error,
    },
    /// Another thread has a filter of its own.
    #[error("cannot load the seccomp filter: thread {tid} has another filter already")]
    ThreadNotSynced {
        /// That thread.
        tid: libc::c_long,
    },
    /// Calls would be left to a listener that nobody asked for.
    #[error("the seccomp filter leaves calls to a listener: load it with one")]
    ListenerMissing,
}

/// Puts the filter on the calling thread, for good; it is inherited through fork and execve.
///
/// Returns the listener if the flags ask for one; it is close-on-exec. It makes one system call
/// and allocates nothing, so that it may be called between fork and execve.
///
/// # Errors
/// The kernel's refusal, above all for want of both CAP_SYS_ADMIN and no_new_privs.
pub fn load(program: &Program, flags: LoadFlags) -> Result<Option<OwnedFd>, LoadError> {
    if program.needs_listener() && !flags.listener {
        return Err(LoadError::ListenerMissing);
    }
    let instructions = program.instructions();
    let filter = libc::sock_fprog {
        // `Program` holds at most 4096.
        len: instructions.len() as libc::c_ushort,
        filter: instructions.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: the kernel reads `filter.len` instructions at `filter.filter`, which `instructions`
    // keeps alive; it does not write to them. `SockFilter` has the layout of `sock_filter`
    // (asserted below).
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            flags.bits(),
            &raw const filter,
        )
    };
    if result < 0 {
        let source = io::Error::last_os_error();
        return Err(match source.raw_os_error() {
            Some(libc::EACCES) => LoadError::NotPrivileged,
            _ => LoadError::Refused { source },
        });
    }
    if flags.listener {
        let descriptor = result as libc::c_int;
        // SAFETY: with NEW_LISTENER the result is a new descriptor that nobody else owns.
        return Ok(Some(unsafe { OwnedFd::from_raw_fd(descriptor) }));
    }
    match result {
        0 => Ok(None),
        tid => Err(LoadError::ThreadNotSynced { tid }),
    }
}

const _: () = {
    use std::mem::{align_of, offset_of, size_of};
    assert!(size_of::<SockFilter>() == size_of::<libc::sock_filter>());
    assert!(align_of::<SockFilter>() == align_of::<libc::sock_filter>());
    assert!(offset_of!(SockFilter, jt) == offset_of!(libc::sock_filter, jt));
    assert!(offset_of!(SockFilter, jf) == offset_of!(libc::sock_filter, jf));
    assert!(offset_of!(SockFilter, k) == offset_of!(libc::sock_filter, k));
};
