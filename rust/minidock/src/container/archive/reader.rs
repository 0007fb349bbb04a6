//! A tar stream that comes out of a container.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use minidock_proto::control::Reply;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::feed::NOTICE;
use super::served::{Served, gone, strange};
use super::{Copied, PathStat, check};
use crate::build::CancelToken;
use crate::error::Result;
use crate::image::failure::smuggled;

/// A tar stream of a container's files. Its end is reached without an error only if all of it
/// came; an error in the middle is one of [`std::io::Error`] whose inner one is
/// [`crate::Error`]. Dropping it ends the copy.
#[derive(Debug)]
pub struct ArchiveReader {
    // Closed before the conversation ends: that is what ends a runtime that still writes.
    tar: File,
    served: Served,
    stat: PathStat,
    cancel: CancelToken,
    copied: Option<Copied>,
}

impl ArchiveReader {
    pub(super) fn new(tar: File, served: Served, stat: PathStat, cancel: CancelToken) -> Self {
        Self { tar, served, stat, cancel, copied: None }
    }

    /// What is at the path that is copied.
    #[must_use]
    pub fn stat(&self) -> &PathStat {
        &self.stat
    }

    /// What was copied, once the end was reached.
    #[must_use]
    pub fn copied(&self) -> Option<Copied> {
        self.copied
    }

    fn finish(&mut self) -> Result<()> {
        match self.served.reply(&self.cancel)? {
            Some(Reply::Copied(copied)) => {
                self.copied = Some(copied);
                Ok(())
            }
            Some(_) => Err(strange()),
            None => Err(gone()),
        }
    }
}

impl Read for ArchiveReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.copied.is_some() || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            check(&self.cancel).map_err(smuggled)?;
            match poll(&mut [PollFd::new(&self.tar, PollFlags::IN)], Some(&NOTICE)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno.into()),
            }
            match self.tar.read(buffer) {
                Ok(0) => return self.finish().map(|()| 0).map_err(smuggled),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl AsFd for ArchiveReader {
    /// The pipe, for event loops: readable when a read would not wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tar.as_fd()
    }
}
