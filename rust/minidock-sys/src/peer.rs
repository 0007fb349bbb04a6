//! Who is at the other end of a local socket (unix(7), SO_PEERCRED).
//!
//! rustix reads the pid there as a number that is never 0, but a peer outside of our pid namespace
//! has none: 0 is what the kernel says then.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The user id of the peer, as our user namespace sees it.
pub fn uid(socket: impl AsFd) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` is writable and as long as `length` says; both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    match result {
        0 if length as usize == size_of::<libc::ucred>() => Ok(peer.uid),
        0 => Err(io::Error::other("the kernel gave short credentials")),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_our_own_uid() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(uid(&one).unwrap(), rustix::process::geteuid().as_raw());
        assert!(uid(std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
