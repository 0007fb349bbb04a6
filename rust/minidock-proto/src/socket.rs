//! Unix sockets in the store, whose paths may be longer than a socket address.
//!
//! The last component is bound or connected beneath the opened directory, through
//! `/proc/self/fd`; a socket address holds 108 bytes, a path 4,096.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

fn address(path: &Path) -> io::Result<(OwnedFd, SocketAddrUnix)> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let directory = rustix::fs::open(directory, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let short = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    Ok((directory, SocketAddrUnix::new(&short)?))
}

/// A non-blocking, close-on-exec socket that listens at the path; the path must be free. Its mode
/// is 0600 whatever the umask.
pub fn listen(path: &Path) -> io::Result<OwnedFd> {
    let (directory, address) = address(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &address)?;
    let name = path.file_name().unwrap_or_default();
    rustix::fs::chmodat(&directory, name, Mode::from_raw_mode(0o600), AtFlags::empty())?;
    rustix::net::listen(&socket, 128)?;
    Ok(socket)
}

/// A blocking, close-on-exec connection to the socket at the path.
pub fn connect(path: &Path) -> io::Result<OwnedFd> {
    let (_directory, address) = address(path)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_work() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        let path = deep.join("socket");
        assert!(connect(&path).is_err());
        let _listener = listen(&path).unwrap();
        connect(&path).unwrap();
        assert!(listen(&path).is_err(), "an existing path is not replaced");
    }
}
