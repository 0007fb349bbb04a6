//! Making a tap device whose packets pass a filter (tuntap.rst of the kernel's documentation).
//!
//! Only the ioctls; what the filter lets through is the caller's policy.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::seccomp::SockFilter;

/// Opens `/dev/net/tun`, non-blocking and close-on-exec: a tap without a device yet.
pub fn open() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open("/dev/net/tun", flags, Mode::empty())?)
}

/// Makes the tap a device of this network namespace, without a packet header (`IFF_NO_PI`).
///
/// The device lives as long as `tap` and its duplicates are open. `filter` sees each frame that
/// the namespace sends, from its Ethernet header on; a frame for which it returns 0 is dropped.
/// It sits behind the queueing discipline, so that no kind of socket goes around it, and only a
/// holder of `tap` can take it off.
pub fn attach(tap: impl AsFd, name: &str, filter: &[SockFilter]) -> io::Result<()> {
    let tap = tap.as_fd().as_raw_fd();
    let length = libc::c_ushort::try_from(filter.len())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    if name.is_empty() || name.len() >= libc::IFNAMSIZ {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    let program = libc::sock_fprog {
        len: length,
        filter: filter.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: ifreq is plain data; the name leaves room for its NUL and the flags are the member
    // that TUNSETIFF reads. The kernel copies `length` instructions of `filter`, whose layout
    // `seccomp` asserts, and keeps no pointer to them.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
        if libc::ioctl(tap, libc::TUNSETIFF as _, &raw mut request) != 0 {
            return Err(io::Error::last_os_error());
        }
        match libc::ioctl(tap, libc::TUNATTACHFILTER as _, &raw const program) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// The ioctl by which a program makes a tap its own; for filters of system calls.
pub const TUNSETIFF: u32 = libc::TUNSETIFF as u32;
