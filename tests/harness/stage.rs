//! Where the tested artefacts are, and who runs the test. Everything comes from the environment
//! that `cargo xtask test` sets, so that a suite can be pointed at an installed minidock as well.

use std::env;
use std::path::PathBuf;

/// Fails the test when root runs it: rootless is what is tested.
///
/// # Panics
/// When the effective or the real user id is 0.
pub fn assert_not_root() {
    let (real, effective) = (rustix::process::getuid(), rustix::process::geteuid());
    assert!(
        !real.is_root() && !effective.is_root(),
        "the suites test rootless containers and never run as root: use `cargo xtask test`"
    );
}

/// A supplementary group of who runs the test: that it stays outside can only be seen with one.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn supplementary_group() -> u32 {
    let own = [rustix::process::getgid(), rustix::process::getegid()];
    let groups = rustix::process::getgroups().unwrap_or_default();
    let Some(group) = groups.into_iter().find(|group| !own.contains(group)) else {
        panic!("the suites need a user with a supplementary group: `cargo xtask setup` tells how")
    };
    group.as_raw()
}

/// The `minidock` executable under test (`MINIDOCK_TEST_BIN`).
///
/// # Panics
/// When the variable is not set or names no file.
#[must_use]
pub fn minidock() -> PathBuf {
    from_environment("MINIDOCK_TEST_BIN")
}

/// The `minidock-runtime` that belongs to it, laid out as an installation.
#[must_use]
pub fn runtime() -> PathBuf {
    let bin = minidock();
    let prefix = bin.parent().and_then(|dir| dir.parent()).map(PathBuf::from).unwrap_or_default();
    prefix.join("libexec/minidock/minidock-runtime")
}

/// The prefix with libminidock, its headers and a runtime, and no command line
/// (`MINIDOCK_TEST_LIBRARY`, else `library` beside the executable's `bin`).
///
/// # Panics
/// When there is no library, or a command line beside it.
#[must_use]
pub fn library() -> PathBuf {
    let prefix = match env::var_os("MINIDOCK_TEST_LIBRARY") {
        Some(prefix) => PathBuf::from(prefix),
        None => minidock().ancestors().nth(2).map(|dir| dir.join("library")).unwrap_or_default(),
    };
    let library = prefix.join("lib/libminidock.so");
    assert!(library.is_file(), "{} is no file: see `cargo xtask test`", library.display());
    assert!(!prefix.join("bin").exists(), "the library is tested without a command line");
    prefix
}

/// A tar of a Debian root filesystem (`MINIDOCK_TEST_DEBIAN`).
///
/// # Panics
/// When the variable is not set or names no file.
#[must_use]
pub fn debian_tar() -> PathBuf {
    from_environment("MINIDOCK_TEST_DEBIAN")
}

/// A Python in whose environment the package `minidock` is installed (`MINIDOCK_TEST_PYTHON`).
///
/// # Panics
/// When the variable is not set or names no file.
#[must_use]
pub fn python() -> PathBuf {
    from_environment("MINIDOCK_TEST_PYTHON")
}

fn from_environment(name: &str) -> PathBuf {
    assert_not_root();
    let path = env::var_os(name).map(PathBuf::from);
    let Some(path) = path else {
        panic!("{name} is not set: run the suites by `cargo xtask test`")
    };
    assert!(path.is_file(), "{name}={} is no file", path.display());
    path
}
