//! Who is at the other end of a Unix socket (`SO_PEERCRED`, unix(7)).
//!
//! rustix has this too, with a pid that cannot be 0; a peer outside of our pid namespace has 0.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::process::{Pid, Uid};

/// The process that connected, or that listened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its pid as seen from here; `None` when it is in no pid namespace below ours.
    pub pid: Option<Pid>,
    /// Its effective user at that moment, in our user namespace.
    pub uid: Uid,
}

/// Asks the kernel for the peer of a connected socket.
///
/// ```
/// use std::os::unix::net::UnixStream;
/// let (a, _b) = UnixStream::pair()?;
/// let peer = minidock_sys::peer::of(&a)?;
/// assert_eq!(peer.uid, rustix::process::geteuid());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn of(socket: impl AsFd) -> io::Result<Peer> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the buffer is a ucred and its true size is given; the descriptor is borrowed.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer { pid: Pid::from_raw(credentials.pid), uid: Uid::from_raw(credentials.uid) })
}
