//! The session keyring (keyrings(7)).
//!
//! A container must not see the keys of the session that started it. One keyring per container
//! would end in EDQUOT for the user's own keys, so all of a user's containers share one.

use std::io;

/// Lets the user's other processes find the keyring by its name: by default only those that have
/// it already may, and every join would make another one.
fn share(keyring: libc::c_long) -> io::Result<()> {
    const KEYCTL_SETPERM: libc::c_long = 5;
    // All for its possessor; view, read, search and link for its user (keyctl_setperm(3)).
    const PERMISSIONS: libc::c_long = 0x3f1b_0000;
    // SAFETY: the call takes numbers only.
    match unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_SETPERM, keyring, PERMISSIONS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Leaves the session keyring of the caller for the one with this name, made if need be.
///
/// A kernel without keyrings (ENOSYS) has none to leave and is no error.
pub fn join_session(name: &std::ffi::CStr) -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: the name is NUL-terminated and outlives the call.
    let answer =
        unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) };
    if answer >= 0 {
        return share(answer);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        error => Err(error),
    }
}
