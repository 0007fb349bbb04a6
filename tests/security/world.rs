//! A scenario: a store of its own, a canary that is also the caller's home, images made of tars.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use minidock_tests::{Call, Leaks, Minidock, Output, stage};

use crate::canary::Canary;
use crate::tarball::Tarball;

/// A store, a canary, and what is run on them.
pub(crate) struct World {
    pub(crate) canary: Canary,
    minidock: Minidock,
}

/// A running container, removed at the end.
pub(crate) struct Running<'a> {
    world: &'a World,
    pub(crate) name: &'a str,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Minidock::new())
    }

    /// Alone among all scenarios.
    pub(crate) fn watched(leaks: &Leaks) -> Self {
        Self::on(Minidock::watched(leaks))
    }

    /// With the image `base`: busybox and the probe.
    pub(crate) fn with_base() -> Self {
        let world = Self::new();
        world.import(&Tarball::busybox(), "base").succeeds();
        world
    }

    fn on(minidock: Minidock) -> Self {
        let canary = Canary::new(minidock.dir().join("canary"));
        Self { canary, minidock }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.minidock.dir()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.minidock.root()
    }

    pub(crate) fn call<I, S>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.minidock.call(arguments).env("HOME", self.canary.path())
    }

    /// The whole command line of a call, to be run by another program.
    pub(crate) fn words<I, S>(&self, arguments: I) -> Vec<OsString>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut words = vec![stage::minidock().into_os_string(), "--root".into()];
        words.push(self.root().into_os_string());
        words.extend(arguments.into_iter().map(|word| word.as_ref().to_owned()));
        words
    }

    pub(crate) fn run<I, S>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.call(arguments).run()
    }

    /// `minidock import` of this tar.
    pub(crate) fn import(&self, tarball: &Tarball, name: &str) -> Output {
        self.call(["import", "-", name]).input(tarball.finish()).run()
    }

    /// `minidock build` of this directory.
    pub(crate) fn build(&self, context: &Path, name: &str) -> Output {
        self.run([OsStr::new("build"), OsStr::new("-t"), OsStr::new(name), context.as_os_str()])
    }

    /// A fresh build context with this Dockerfile.
    pub(crate) fn context(&self, name: &str, dockerfile: &str) -> PathBuf {
        let dir = self.dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("Dockerfile"), dockerfile).unwrap();
        dir
    }

    /// A container that waits to be entered.
    pub(crate) fn start<'a>(&'a self, name: &'a str, flags: &[&str], image: &str) -> Running<'a> {
        let mut words = vec!["run", "--detach", "--name", name];
        words.extend(flags);
        words.extend([image, "sleep", "1000"]);
        self.run(words).succeeds();
        Running { world: self, name }
    }

    /// The canary is as it was, and the store holds together.
    #[track_caller]
    pub(crate) fn unharmed(&self, after: &str) {
        self.canary.untouched(after);
        let check = self.run(["system", "check"]);
        assert_eq!(check.code, Some(0), "after {after}: {}", check.told());
    }
}

impl Running<'_> {
    /// `minidock exec`.
    pub(crate) fn exec(&self, words: &[&str]) -> Output {
        self.world.run(["exec", self.name].iter().chain(words))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let removed = self.world.run(["rm", "--force", self.name]);
        if !std::thread::panicking() {
            removed.succeeds();
        }
    }
}

/// A refusal as a user wants it: a status, the cause in one line and at most a hint, no panic.
#[track_caller]
pub(crate) fn refused_clearly(output: &Output) {
    let lines = output.stderr.lines().count();
    assert!(
        output.code.is_some_and(|code| code != 0 && code != 101)
            && (1..=2).contains(&lines)
            && output.stderr.starts_with("minidock: ")
            && !output.stderr.contains("panicked"),
        "no clear refusal: {}",
        output.told()
    );
}
