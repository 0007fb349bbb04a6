//! Where the workspace is and what cargo knows of it. Reads only.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::call::Call;
use crate::error::Error;

const METADATA: &str = "cargo metadata --no-deps";

/// The workspace as cargo describes it.
pub(crate) struct Workspace {
    /// Directory of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// `packages` of `cargo metadata`.
    pub(crate) packages: Vec<Value>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self, Error> {
        let text = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).text()?;
        let json: Value = serde_json::from_str(&text)
            .map_err(|source| Error::Json { call: METADATA.to_owned(), source })?;
        Ok(Self {
            root: path(&json, "workspace_root")?,
            target: path(&json, "target_directory")?,
            packages: json["packages"].as_array().cloned().ok_or(missing("packages"))?,
        })
    }

    /// A field of a package's manifest that is a text.
    pub(crate) fn of_package(&self, name: &str, field: &'static str) -> Result<String, Error> {
        let package = self.packages.iter().find(|each| each["name"] == name);
        let text = package.and_then(|package| package[field].as_str());
        text.map(str::to_owned).ok_or(missing(field))
    }

    /// Names of the `[[test]]` targets of a package.
    pub(crate) fn test_targets(&self, package: &str) -> Vec<String> {
        self.targets(package, "test")
    }

    /// Names of the `[[bin]]` targets of a package.
    pub(crate) fn binaries(&self, package: &str) -> Vec<String> {
        self.targets(package, "bin")
    }

    fn targets(&self, package: &str, wanted: &str) -> Vec<String> {
        let is_wanted = |target: &Value| {
            let kinds = target["kind"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
        };
        let named = self.packages.iter().filter(|each| each["name"] == package);
        named
            .flat_map(|each| each["targets"].as_array().into_iter().flatten())
            .filter(|target| is_wanted(target))
            .filter_map(|target| target["name"].as_str().map(str::to_owned))
            .collect()
    }
}

fn path(json: &Value, field: &'static str) -> Result<PathBuf, Error> {
    Ok(Path::new(json[field].as_str().ok_or(missing(field))?).to_owned())
}

fn missing(field: &'static str) -> Error {
    Error::Missing { call: METADATA.to_owned(), field }
}

/// The cargo that runs this program, in the workspace.
pub(crate) fn cargo() -> Call {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let call = Call::new(program);
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(dir) => call.dir(Path::new(&dir)),
        None => call,
    }
}

/// The target triple of the host compiler.
pub(crate) fn host_triple() -> Result<String, Error> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let text = Call::new(program).arg("-vV").text()?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned)
        .ok_or(Error::Missing { call: "rustc -vV".to_owned(), field: "line `host:`" })
}
