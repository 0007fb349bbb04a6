//! `cargo xtask header`: makes `minidock.h` out of the C face's source, by cbindgen. The header is
//! committed, so that whoever reads it needs no toolchain; the checks compare it with the source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, file};
use crate::screen;
use crate::workspace::Workspace;

/// The committed header, below the workspace.
pub(crate) const HEADER: &str = "bindings/c/include/minidock.h";

/// Writes the header.
pub(crate) fn write() -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let path = workspace.root.join(HEADER);
    fs::write(&path, make(&workspace.root)?).map_err(file("write", &path))?;
    screen::say(&format!("wrote {HEADER}"));
    Ok(())
}

/// Fails when the committed header is not what the source makes.
pub(crate) fn check() -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let path = workspace.root.join(HEADER);
    let committed = fs::read(&path).map_err(file("read", &path))?;
    if committed == make(&workspace.root)? {
        screen::say("header: as the source makes it");
        return Ok(());
    }
    Err(Error::Header {
        path: PathBuf::from(HEADER),
        problem: "it is not what the source makes: run `cargo xtask header`".to_owned(),
    })
}

fn make(root: &Path) -> Result<Vec<u8>, Error> {
    let package = root.join("bindings/c");
    let problem = |problem: String| Error::Header { path: package.clone(), problem };
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).map_err(problem)?;
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_crate(&package)
        .generate()
        .map_err(|error| Error::Header { path: package.clone(), problem: error.to_string() })?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(text)
}
