//! `cargo xtask library`: libminidock as a program's builder finds it below a prefix: the shared
//! and the static library, the headers, `minidock.pc`, and the runtime that the library looks for
//! beside itself.
//!
//! rustc exports nothing of what the C++ bridge makes from a cdylib, so it makes an archive, and
//! the C++ compiler links that with a version script.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::error::{Error, file};
use crate::stage::{self, make};
use crate::workspace::{Workspace, cargo};
use crate::{artifacts, screen};

/// Changes with `MINIDOCK_ABI_VERSION` of the C face.
pub(crate) const SONAME: &str = "libminidock.so.0";
/// What the archive needs of the system (`rustc --print native-static-libs`, and C++'s own).
const SYSTEM: &[&str] = &["-lgcc_s", "-lpthread", "-lm", "-ldl"];
/// Headers, below the workspace, and where they lie below `include`.
const HEADERS: &[(&str, &str)] = &[("bindings/c/include/minidock.h", "minidock.h")];

/// Builds the library and the runtime and puts them below `prefix`.
pub(crate) fn library(prefix: &Path, release: bool) -> Result<(), Error> {
    let workspace = Workspace::read()?;
    make(prefix, 0o755)?;
    let prefix = fs::canonicalize(prefix).map_err(file("find", prefix))?;
    let runtime = artifacts::build_runtime(&workspace)?;
    put(&runtime, &prefix.join("libexec/minidock/minidock-runtime"), 0o755)?;
    install(&workspace, &prefix, release)?;
    screen::say(&format!("installed {}", prefix.join("lib").join(SONAME).display()));
    Ok(())
}

/// Builds the library and puts it, its headers and `minidock.pc` below `prefix`.
pub(crate) fn install(workspace: &Workspace, prefix: &Path, release: bool) -> Result<(), Error> {
    let archive = build(workspace, release)?;
    let lib = prefix.join("lib");
    make(&lib.join("pkgconfig"), 0o755)?;
    link(workspace, &archive, &lib.join(SONAME))?;
    let name = lib.join("libminidock.so");
    stage::remove_file(&name)?;
    symlink(SONAME, &name).map_err(file("make", &name))?;
    put(&archive, &lib.join("libminidock.a"), 0o644)?;
    for (from, to) in HEADERS {
        put(&workspace.root.join(from), &prefix.join("include").join(to), 0o644)?;
    }
    let pc = lib.join("pkgconfig/minidock.pc");
    fs::write(&pc, pkg_config(workspace)?).map_err(file("write", &pc))
}

fn build(workspace: &Workspace, release: bool) -> Result<PathBuf, Error> {
    let call = cargo().args(["build", "--package", "minidock-c"]);
    let (call, profile) =
        if release { (call.arg("--release"), "release") } else { (call, "debug") };
    call.run()?;
    Ok(workspace.target.join(profile).join("libminidock_c.a"))
}

fn link(workspace: &Workspace, archive: &Path, to: &Path) -> Result<(), Error> {
    let map = workspace.root.join("bindings/c/libminidock.map");
    // One that runs keeps its old file.
    let fresh = to.with_extension(format!("new-{}", std::process::id()));
    Call::new("c++")
        .args(["-shared", "-o"])
        .arg(&fresh)
        .arg(format!("-Wl,-soname,{SONAME}"))
        .arg(format!("-Wl,--version-script={}", map.display()))
        .args(["-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--strip-debug"])
        .args(["-Wl,--no-undefined", "-Wl,--whole-archive"])
        .arg(archive)
        .arg("-Wl,--no-whole-archive")
        .args(SYSTEM)
        .run()?;
    fs::rename(&fresh, to).map_err(file("put in place", to))
}

fn pkg_config(workspace: &Workspace) -> Result<String, Error> {
    let path = workspace.root.join("bindings/c/minidock.pc.in");
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    let version = workspace.of_package("minidock-c", "version")?;
    let url = workspace.of_package("minidock-c", "repository")?;
    Ok(text.replace("@VERSION@", &version).replace("@URL@", &url))
}

/// Copies a file, its directory made, with this mode.
pub(crate) fn put(from: &Path, to: &Path, mode: u32) -> Result<(), Error> {
    make(to.parent().unwrap_or(Path::new("/")), 0o755)?;
    stage::remove_file(to)?;
    fs::copy(from, to).map_err(file("copy", from))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(file("open for all", to))
}
