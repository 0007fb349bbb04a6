//! `cargo xtask build`: the CLI, and the runtime in a cargo call of its own, because cargo takes
//! neither `panic` nor static linking per package. Both end in the stage.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::stage::Stage;
use crate::workspace::{Workspace, cargo, host_triple};
use crate::{elf, library, screen};

/// Builds and stages the command line and the runtime.
pub(crate) fn build(release: bool) -> Result<Stage, Error> {
    let workspace = Workspace::read()?;
    let stage = Stage::open()?;
    screen::heading("build");
    stage.install(&build_cli(&workspace, release)?, &stage.minidock())?;
    stage.install(&build_runtime(&workspace)?, &stage.runtime())?;
    screen::say(&format!("staged {}", stage.minidock().display()));
    screen::say(&format!("staged {}", stage.runtime().display()));
    Ok(stage)
}

/// Builds the library and stages it with the runtime that is staged already, in a prefix of its
/// own where no command line is.
pub(crate) fn build_library(stage: &Stage) -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let prefix = stage.path("library");
    let runtime = prefix.join("libexec/minidock/minidock-runtime");
    stage.install(&stage.runtime(), &runtime)?;
    library::install(&workspace, &prefix, false)?;
    screen::say(&format!("staged {}", prefix.join("lib").join(library::SONAME).display()));
    Ok(())
}

fn build_cli(workspace: &Workspace, release: bool) -> Result<PathBuf, Error> {
    let call = cargo().args(["build", "--package", "minidock-cli"]);
    let (call, profile) =
        if release { (call.arg("--release"), "release") } else { (call, "debug") };
    call.run()?;
    Ok(workspace.target.join(profile).join("minidock"))
}

/// The flags differ from every other build's, so it has a target directory of its own: sharing
/// one would rebuild the world at each turn. `--target` keeps them off build scripts and macros.
pub(crate) fn build_runtime(workspace: &Workspace) -> Result<PathBuf, Error> {
    let triple = host_triple()?;
    let target = workspace.target.join("runtime");
    cargo()
        .args(["build", "--package", "minidock-runtime", "--profile", "runtime"])
        .args(["--target", &triple, "--config", &static_flags(&triple, &workspace.root)])
        .arg("--target-dir")
        .arg(&target)
        // Flags in the environment would replace the ones given here.
        .without("RUSTFLAGS")
        .without("CARGO_ENCODED_RUSTFLAGS")
        .run()?;
    let built = target.join(triple).join("runtime/minidock-runtime");
    elf::require_static(&built)?;
    Ok(built)
}

/// Static linking at a fixed address, and no path of the building machine in the binary's
/// messages. A program that can lie anywhere relocates itself at every start: a millisecond and
/// 200 KiB that no two supervisors share.
fn static_flags(triple: &str, root: &Path) -> String {
    let mut flags =
        vec!["-Ctarget-feature=+crt-static".to_owned(), "-Crelocation-model=static".to_owned()];
    flags.push(format!("--remap-path-prefix={}=minidock", root.display()));
    if let Some(home) = std::env::var_os("CARGO_HOME").or_else(|| {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo").into_os_string())
    }) {
        flags.push(format!("--remap-path-prefix={}=cargo", Path::new(&home).display()));
    }
    let list = serde_json::Value::from(flags);
    // A JSON array of strings is a TOML array of strings.
    format!("target.{triple}.rustflags={list}")
}
