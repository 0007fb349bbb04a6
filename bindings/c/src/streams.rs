//! The caller's ends of standard streams: plain descriptors that can be polled.

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use minidock::container::ClientStreams;

/// Descriptors of a program that runs. They close with the handle.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    stdin: Mutex<Option<File>>,
    stdout: Option<File>,
    stderr: Option<File>,
}

impl Streams {
    pub(crate) fn new(streams: ClientStreams) -> Self {
        let ClientStreams { stdin, stdout, stderr } = streams;
        Self { stdin: Mutex::new(stdin), stdout, stderr }
    }

    fn input(&self) -> MutexGuard<'_, Option<File>> {
        self.stdin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stdin(&self) -> c_int {
        number(self.input().as_ref())
    }

    pub(crate) fn stdout(&self) -> c_int {
        number(self.stdout.as_ref())
    }

    pub(crate) fn stderr(&self) -> c_int {
        number(self.stderr.as_ref())
    }

    /// The end of the program's input; closed already is fine.
    pub(crate) fn close_stdin(&self) {
        drop(self.input().take());
    }
}

/// -1 when there is none.
fn number(file: Option<&File>) -> c_int {
    file.map_or(-1, AsRawFd::as_raw_fd)
}
