//! A minidock whose store holds the image `busybox`: what most scenarios begin with. At the end
//! it ends what still runs, so that a failed scenario leaves nothing to the next one.

use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::{Leaks, Minidock, Output, base};

/// A store with the image `busybox`, and ways to use it.
#[derive(Debug)]
pub struct Busybox(Minidock);

impl Busybox {
    /// For a scenario that may run beside others.
    ///
    /// # Panics
    /// When the image cannot be made.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Minidock::new())
    }

    /// For a scenario inside of a [`Leaks`] watch.
    ///
    /// # Panics
    /// When the image cannot be made.
    #[must_use]
    pub fn watched(watch: &Leaks) -> Self {
        Self::of(Minidock::watched(watch))
    }

    fn of(minidock: Minidock) -> Self {
        let tar = minidock.dir().join("busybox.tar");
        if let Err(error) = base::busybox_tar(&tar) {
            panic!("no busybox image: {error}");
        }
        let this = Self(minidock);
        this.run([OsStr::new("import"), tar.as_os_str(), OsStr::new("busybox")]).succeeds();
        this
    }

    /// The archive that the image was made of.
    #[must_use]
    pub fn tar(&self) -> PathBuf {
        self.dir().join("busybox.tar")
    }

    /// A shell command in a container without network, which is removed at its end.
    pub fn sh(&self, script: &str) -> Output {
        self.sh_with(&[], script)
    }

    /// As [`Busybox::sh`], with further flags of `run`.
    pub fn sh_with(&self, flags: &[&str], script: &str) -> Output {
        let call = self.call(["run", "--rm", "--network", "none"]).args(flags);
        call.args(["busybox", "sh", "-c", script]).run()
    }

    /// Starts a container in the background, without network, under this name.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(&self, name: &str, flags: &[&str], script: &str) {
        let call = self.call(["run", "-d", "--network", "none", "--name", name]).args(flags);
        call.args(["busybox", "sh", "-c", script]).run().succeeds();
    }

    /// Writes a file below the scenario's directory, with its parents.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir().join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        match made.and_then(|()| fs::write(&path, content)) {
            Ok(()) => path,
            Err(error) => panic!("{} cannot be written: {error}", path.display()),
        }
    }

    /// Builds the directory `context` as the image `built`, with this Dockerfile and flags.
    pub fn build_with(&self, dockerfile: &str, flags: &[&str]) -> Output {
        self.write("context/Dockerfile", dockerfile);
        let call = self.call(["build", "--progress", "plain", "-t", "built"]).args(flags);
        call.args([self.dir().join("context")]).run()
    }

    /// Builds the directory `context` as the image `built`, with this Dockerfile.
    pub fn build(&self, dockerfile: &str) -> Output {
        self.build_with(dockerfile, &[])
    }

    /// What `inspect` says of a container or image by a template.
    ///
    /// # Panics
    /// When it says nothing.
    #[track_caller]
    #[must_use]
    pub fn inspect(&self, name: &str, template: &str) -> String {
        self.run(["inspect", "--format", template, name]).succeeds().line().to_owned()
    }
}

impl Deref for Busybox {
    type Target = Minidock;

    fn deref(&self) -> &Minidock {
        &self.0
    }
}

impl Default for Busybox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Busybox {
    fn drop(&mut self) {
        let Ok(listed) = self.call(["ps", "-aq", "--no-trunc"]).try_run() else { return };
        let left: Vec<&str> = listed.stdout.lines().collect();
        if !left.is_empty() {
            // A scenario that failed has said so; one that removed everything has nothing here.
            drop(self.call(["rm", "-f"]).args(left).try_run());
        }
    }
}
