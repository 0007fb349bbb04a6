//! The session keyring (keyrings(7)).
//!
//! A container must not see the keys of the session that started it. One keyring per container
//! would end in EDQUOT for the user's own keys, so all of a user's containers share one.

use std::io;

/// Leaves the session keyring of the caller for the one with this name, made if need be.
///
/// A kernel without keyrings (ENOSYS) has none to leave and is no error.
pub fn join_session(name: &std::ffi::CStr) -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: the name is NUL-terminated and outlives the call.
    let answer =
        unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) };
    if answer >= 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        error => Err(error),
    }
}
