//! A minidock with a store of its own, which is removed at the end of the test.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::RwLockReadGuard;
use std::thread;

use tempfile::TempDir;

use crate::command::{Call, Output};
use crate::{leaks, stage};

/// The built `minidock`, run with `--root` at a fresh store.
#[derive(Debug)]
pub struct Minidock {
    dir: TempDir,
    bin: PathBuf,
    _beside: Option<RwLockReadGuard<'static, ()>>,
}

impl Minidock {
    /// For a scenario that may run beside others.
    ///
    /// # Panics
    /// When root runs the test, or when it was not started by `cargo xtask test`.
    #[must_use]
    pub fn new() -> Self {
        Self::make(Some(leaks::beside_others()))
    }

    /// For a scenario inside of a [`crate::Leaks`] watch, which keeps all others away.
    ///
    /// # Panics
    /// As [`Minidock::new`].
    #[must_use]
    pub fn watched(_watch: &crate::Leaks) -> Self {
        Self::make(None)
    }

    fn make(beside: Option<RwLockReadGuard<'static, ()>>) -> Self {
        let bin = stage::minidock();
        match tempfile::Builder::new().prefix("minidock-test-").tempdir() {
            Ok(dir) => Self { dir, bin, _beside: beside },
            Err(error) => panic!("no temporary directory for the store: {error}"),
        }
    }

    /// The directory of this scenario: a place for contexts and the like.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The store.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// A call of `minidock` on this store, to be completed.
    pub fn call<I, S>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Call::new(&self.bin).args([OsStr::new("--root"), self.root().as_os_str()]).args(arguments)
    }

    /// Runs `minidock` on this store.
    ///
    /// # Panics
    /// When it does not end within [`crate::command::LIMIT`].
    pub fn run<I, S>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.call(arguments).run()
    }
}

impl Default for Minidock {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Minidock {
    fn drop(&mut self) {
        let root = self.root();
        if !root.exists() {
            return;
        }
        // Files of subordinate ids can only be removed by a root that those ids are mapped for.
        let removal = std::fs::remove_dir_all(&root).or_else(|_denied| {
            let mut unshare = Command::new("unshare");
            unshare
                .args(["--map-root-user", "--map-auto", "rm", "-rf", "--"])
                .arg(&root)
                .status()?;
            if root.exists() { Err(std::io::Error::other("rm left files")) } else { Ok(()) }
        });
        if let Err(error) = removal
            && !thread::panicking()
        {
            panic!("the store {} cannot be removed: {error}", root.display());
        }
    }
}
