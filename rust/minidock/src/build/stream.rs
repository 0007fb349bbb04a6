//! The writing end of a stream to the runtime.
//!
//! A socket and not a pipe: writing to one that nobody reads any more would raise SIGPIPE, which
//! ends a host process that did not ignore it.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

use crate::error::{Error, Result};

/// The writing end; the other side reads to its end when this is dropped.
#[derive(Debug)]
pub(super) struct StreamWriter(OwnedFd);

/// A stream: its reading end for the runtime, its writing end for this process.
pub(super) fn stream() -> Result<(OwnedFd, StreamWriter)> {
    let (reader, writer) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|error| Error::io("cannot make a socket pair", error))?;
    Ok((reader, StreamWriter(writer)))
}

impl Write for StreamWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether writing failed because the reader had gone: its error says why.
pub(super) fn is_broken(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|e| e.downcast_ref::<io::Error>());
    let errno = cause.and_then(Errno::from_io_error);
    matches!(errno, Some(Errno::PIPE | Errno::CONNRESET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_is_an_error_and_no_signal() {
        let (reader, mut writer) = stream().unwrap();
        drop(reader);
        let error = Error::io("cannot write", writer.write(b"x").unwrap_err());
        assert!(is_broken(&error));
        assert!(!is_broken(&Error::io("cannot write", Errno::NOSPC)));
    }
}
