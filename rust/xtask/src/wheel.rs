//! `cargo xtask wheel`: the Python package as one wheel for every CPython from 3.9 on, with the
//! runtime and the command in it, and its sources as an sdist. maturin builds it, zig makes it
//! link against an old glibc, auditwheel says how old; all three are packages of Python's registry
//! and live in an environment of their own below `target/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::artifacts;
use crate::call::Call;
use crate::error::{Error, file};
use crate::screen;
use crate::stage::{self, Stage};
use crate::workspace::{Workspace, cargo, host_triple};

/// Debian's own Python: the one that `python3-venv` belongs to.
const PYTHON: &str = "/usr/bin/python3";
/// What builds a wheel.
const BUILDER: &[&str] = &["maturin==1.16.0"];
/// What makes it run on hosts that are older than this one, and proves it.
const RELEASE: &[&str] =
    &["maturin==1.16.0", "ziglang==0.15.2", "cargo-zigbuild==0.24.0", "auditwheel==6.8.2"];
/// The glibc of the release: Debian 10, RHEL 8 and everything since.
const GLIBC: &str = "2.28";
/// The most that a release may weigh, in bytes.
const HEAVIEST: u64 = 10_000_000;

/// How a wheel is built.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// For the tests: quickly, for this host.
    Test,
    /// For users.
    Release,
}

/// Builds the release into `target/wheel/dist` and checks it.
pub(crate) fn wheel() -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let stage = artifacts::build(true)?;
    let tools = tools(&workspace, RELEASE)?;
    screen::heading("wheel");
    let command = portable_command(&workspace, &tools)?;
    let dist = build(&workspace, &tools, &command, &stage.runtime(), Manner::Release)?;
    let wheel = only(&dist, "whl")?;
    Call::new(tools.join("bin/auditwheel")).arg("show").arg(&wheel).run()?;
    // Apart from the wheel, which maturin would else build from it, without the programs.
    let package = workspace.root.join("python");
    Call::new(tools.join("bin/maturin"))
        .arg("sdist")
        .arg("--out")
        .arg(&dist)
        .dir(&package)
        .run()?;
    let size = fs::metadata(&wheel).map_err(file("look at", &wheel))?.len();
    screen::say(&format!("{} ({:.1} MB)", wheel.display(), size as f64 / 1e6));
    if size > HEAVIEST {
        return Err(Error::Executable { path: wheel, problem: "the wheel is above 10 MB" });
    }
    let sdist = only(&dist, "tar.gz")?;
    screen::say(&format!("{}", sdist.display()));
    Ok(())
}

/// A wheel of what is staged, for the tests.
pub(crate) fn for_tests(workspace: &Workspace, stage: &Stage) -> Result<PathBuf, Error> {
    let tools = tools(workspace, BUILDER)?;
    let dist = build(workspace, &tools, &stage.minidock(), &stage.runtime(), Manner::Test)?;
    only(&dist, "whl")
}

/// An environment of Python with these packages; it is made once for each set of them.
pub(crate) fn environment(dir: &Path, packages: &[&str]) -> Result<(), Error> {
    let mark = dir.join("packages");
    let wanted = packages.join("\n");
    if fs::read_to_string(&mark).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    stage::remove(dir)?;
    if let Some(parent) = dir.parent() {
        stage::make(parent, 0o755)?;
    }
    Call::new(PYTHON).args(["-m", "venv"]).arg(dir).run()?;
    pip(dir).args(packages).run()?;
    fs::write(&mark, wanted).map_err(file("write", &mark))
}

/// `pip install` of an environment, to be completed.
pub(crate) fn pip(dir: &Path) -> Call {
    Call::new(dir.join("bin/python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
}

fn tools(workspace: &Workspace, packages: &[&str]) -> Result<PathBuf, Error> {
    let name = if packages.len() == BUILDER.len() { "builder" } else { "release" };
    let dir = workspace.target.join("wheel").join(name);
    environment(&dir, packages)?;
    Ok(dir)
}

/// Puts the programs into the package and calls maturin; the directory with what it made.
fn build(
    workspace: &Workspace,
    tools: &Path,
    command: &Path,
    runtime: &Path,
    manner: Manner,
) -> Result<PathBuf, Error> {
    let package = workspace.root.join("python");
    let programs = package.join("minidock/_bin");
    stage::remove(&programs)?;
    stage::make(&programs, 0o755)?;
    for (from, name) in [(command, "minidock"), (runtime, "minidock-runtime")] {
        let to = programs.join(name);
        fs::copy(from, &to).map_err(file("copy", from))?;
    }
    let dist =
        workspace.target.join("wheel").join(if manner == Manner::Test { "test" } else { "dist" });
    stage::remove(&dist)?;
    let call = maturin(tools).arg("--out").arg(&dist).dir(&package);
    let call = match manner {
        // Packing a debug build tightly takes longer than building it.
        Manner::Test => call
            .args(["--profile", "dev", "--auditwheel", "skip"])
            .args(["--compression-method", "stored"]),
        Manner::Release => {
            let policy = format!("manylinux_{}", GLIBC.replace('.', "_"));
            call.args(["--release", "--zig", "--strip", "--compatibility", &policy])
                .args(["--compression-level", "9"])
        }
    };
    call.run()?;
    // A later sdist or `maturin develop` is not to find them.
    stage::remove(&programs)?;
    Ok(dist)
}

fn maturin(tools: &Path) -> Call {
    let path = std::env::var("PATH").unwrap_or_default();
    Call::new(tools.join("bin/maturin"))
        .args(["build", "--locked", "--quiet", "--interpreter", PYTHON])
        // zig is found as a module of the first Python on the path.
        .env("PATH", &format!("{}:{path}", tools.join("bin").display()))
}

/// The command line, linked against the old glibc too.
fn portable_command(workspace: &Workspace, tools: &Path) -> Result<PathBuf, Error> {
    let triple = host_triple()?;
    let path = std::env::var("PATH").unwrap_or_default();
    cargo()
        .args(["zigbuild", "--package", "minidock-cli", "--release", "--locked"])
        .args(["--target", &format!("{triple}.{GLIBC}")])
        .env("PATH", &format!("{}:{path}", tools.join("bin").display()))
        .run()?;
    let built = workspace.target.join(&triple).join("release/minidock");
    Ok(built)
}

fn only(dir: &Path, ending: &str) -> Result<PathBuf, Error> {
    let names = stage::entries(dir)?;
    match names.iter().find(|name| name.ends_with(ending)) {
        Some(name) => Ok(dir.join(name)),
        None => {
            Err(Error::Executable { path: dir.to_owned(), problem: "maturin left nothing there" })
        }
    }
}
