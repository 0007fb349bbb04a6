//! The writing end of a stream to whoever puts files into a container.
//!
//! A socket and not a pipe: writing to one that nobody reads any more would raise SIGPIPE, which
//! ends a host process that did not ignore it.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

use super::check;
use crate::build::CancelToken;
use crate::error::{Error, Result};
use crate::image::failure::smuggled;

/// How soon a cancelled copy notices, in nanoseconds.
pub(super) const NOTICE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The writing end; the other side reads to its end when this is dropped.
#[derive(Debug)]
pub(in crate::container) struct Feed {
    socket: OwnedFd,
    cancel: CancelToken,
    broken: bool,
}

impl Feed {
    /// The reading end, and this.
    pub(super) fn new(cancel: CancelToken) -> Result<(OwnedFd, Self)> {
        let (reader, socket) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .map_err(|error| Error::io("cannot make a socket pair", error))?;
        Ok((reader, Self { socket, cancel, broken: false }))
    }

    /// The reader went away: its answer says why.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            check(&self.cancel).map_err(smuggled)?;
            match send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => return Ok(sent),
                Err(Errno::AGAIN) => {
                    match poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], Some(&NOTICE)) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(errno) => return Err(errno.into()),
                    }
                }
                Err(Errno::INTR) => {}
                Err(errno) => {
                    self.broken |= matches!(errno, Errno::PIPE | Errno::CONNRESET);
                    return Err(errno.into());
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_is_an_error_and_no_signal() {
        let (reader, mut feed) = Feed::new(CancelToken::default()).unwrap();
        drop(reader);
        assert!(feed.write(b"x").is_err() && feed.is_broken());
    }

    #[test]
    fn a_cancelled_one_does_not_wait_for_its_reader() {
        let cancel = CancelToken::default();
        let (_reader, mut feed) = Feed::new(cancel.clone()).unwrap();
        let stop = std::thread::spawn(move || cancel.cancel());
        let error = feed.write_all(&vec![0; 64 << 20]).unwrap_err();
        stop.join().unwrap();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Error>()) && !feed.is_broken());
    }
}
