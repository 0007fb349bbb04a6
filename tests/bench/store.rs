//! A store with the image `busybox`, and commands on it that are to be timed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use minidock_tests::{Busybox, stage};

use crate::clock;
use crate::error::{Error, file};

/// The store; what still runs in it ends with it.
pub(crate) struct Store {
    busybox: Busybox,
}

impl Store {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        Self { busybox: Busybox::new() }
    }

    /// A place beside the store, on the same disk.
    pub(crate) fn dir(&self) -> &Path {
        self.busybox.dir()
    }

    /// The archive of the busybox image.
    pub(crate) fn tar(&self) -> PathBuf {
        self.busybox.tar()
    }

    /// `minidock` on this store.
    pub(crate) fn minidock<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(stage::minidock());
        command.arg("--root").arg(self.busybox.root()).args(arguments);
        command
    }

    /// A container that does nothing for as long as the bench lasts.
    pub(crate) fn idle(&self, name: &str) -> Result<(), Error> {
        let words = ["run", "-d", "--network", "none", "--name", name, "busybox", "sleep", "3600"];
        clock::time(&mut self.minidock(words)).map(|_took| ())
    }

    /// Writes a file of a context, with its parents.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.dir().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file("make", parent))?;
        }
        fs::write(&path, text).map_err(file("write", &path))?;
        Ok(path)
    }
}
