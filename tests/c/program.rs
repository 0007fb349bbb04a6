//! Compiles the programs of this suite and runs them with a store of their own.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use minidock_tests::{Call, Leaks, Minidock, base, stage};

/// Flags of every program: the dialect that the header promises to, and no warning at all.
const FLAGS: &[&str] =
    &["-std=c99", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror", "-pthread"];

/// A store for a program, and the tar that it imports. Containers that a failed program left are
/// ended.
#[derive(Debug)]
pub(crate) struct Scene(Minidock);

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(Minidock::new())
    }

    pub(crate) fn watched(watch: &Leaks) -> Self {
        Self::of(Minidock::watched(watch))
    }

    fn of(minidock: Minidock) -> Self {
        base::busybox_tar(&minidock.dir().join("busybox.tar")).unwrap();
        fs::create_dir(minidock.dir().join("out")).unwrap();
        Self(minidock)
    }

    pub(crate) fn tar(&self) -> PathBuf {
        self.dir().join("busybox.tar")
    }

    /// A call of a compiled program with the store and the tar as its first arguments.
    pub(crate) fn call(&self, program: &Path) -> Call {
        self.clean(Call::new(program)).args([self.root(), self.tar()])
    }

    /// A call with the environment of a program that knows nothing of these tests.
    pub(crate) fn clean(&self, call: Call) -> Call {
        let call = call.without("MINIDOCK_TEST_BIN").without("MINIDOCK_TEST_LIBRARY");
        call.without("CARGO_MANIFEST_DIR").without("MINIDOCK_RUNTIME").without("MINIDOCK_ROOT")
    }

    /// A place to write to.
    pub(crate) fn out(&self) -> PathBuf {
        self.dir().join("out")
    }

    /// Compiles a program of `programs/`, with further flags.
    pub(crate) fn compile(&self, name: &str, flags: &[&str]) -> PathBuf {
        let to = self.dir().join(name);
        let source = programs().join(name).with_extension("c");
        let call = Call::new("cc").args(FLAGS).args(flags).arg(&source).args(["-o"]).arg(&to);
        call.args(pkg_config(&["--cflags", "--libs"])).arg(rpath()).run().succeeds();
        to
    }
}

impl Deref for Scene {
    type Target = Minidock;

    fn deref(&self) -> &Minidock {
        &self.0
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let Ok(listed) = self.0.call(["ps", "-aq", "--no-trunc"]).try_run() else { return };
        let left: Vec<&str> = listed.stdout.lines().collect();
        if !left.is_empty() {
            // The program that left them has failed, and said so.
            drop(self.0.call(["rm", "-f"]).args(left).try_run());
        }
    }
}

/// Where the sources are.
pub(crate) fn programs() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("c/programs")
}

/// What pkg-config says of the staged library.
pub(crate) fn pkg_config(questions: &[&str]) -> Vec<String> {
    let path = stage::library().join("lib/pkgconfig");
    let said = Call::new("pkg-config").env("PKG_CONFIG_PATH", path).args(questions);
    let said = said.args(["minidock"]).run();
    said.succeeds().stdout.split_whitespace().map(str::to_owned).collect()
}

/// Lets a program find the staged library.
pub(crate) fn rpath() -> String {
    format!("-Wl,-rpath,{}", stage::library().join("lib").display())
}
