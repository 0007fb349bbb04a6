//! Compiles test executables and learns from cargo where they are. It runs none of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{SUITES, Scope};
use crate::error::Error;
use crate::screen;
use crate::workspace::cargo;

/// Whose tests an executable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Those of a crate.
    Unit,
    /// A suite of `tests/`.
    Suite,
}

/// A compiled test executable.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Executable {
    pub(super) kind: Kind,
    pub(super) package: String,
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) package_dir: PathBuf,
}

impl Executable {
    /// For headings and the summary: the suite, or the crate.
    pub(super) fn title(&self) -> String {
        match self.kind {
            Kind::Suite => self.name.clone(),
            // A crate may have a library, a binary and integration tests of its own.
            Kind::Unit if self.name == self.package.replace('-', "_") => {
                format!("unit {}", self.package)
            }
            Kind::Unit => format!("unit {} {}", self.package, self.name),
        }
    }
}

/// Compiles what `scope` needs; `None` when it does not compile (cargo has said why).
pub(super) fn compile(scope: Scope<'_>) -> Result<Option<Vec<Executable>>, Error> {
    screen::heading("compile the tests");
    let call = cargo().args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    let call = match scope {
        Scope::Suite(name) => call.args(["--package", SUITES, "--test", name]),
        Scope::Everything
        | Scope::Unit
        | Scope::Lint
        | Scope::Doc
        | Scope::Fuzz
        | Scope::Python => call.arg("--workspace"),
    };
    let (success, messages) = call.answer()?;
    if !success {
        return Ok(None);
    }
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&messages).lines() {
        let message: Value = serde_json::from_str(line)
            .map_err(|source| Error::Json { call: "cargo test --no-run".to_owned(), source })?;
        found.extend(executable(&message));
    }
    if scope == Scope::Unit {
        found.retain(|each: &Executable| each.kind == Kind::Unit);
    }
    found.sort();
    Ok(Some(found))
}

/// A `compiler-artifact` message of a test executable (cargo book, "External tools").
fn executable(message: &Value) -> Option<Executable> {
    let path = message["executable"].as_str()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let package_dir = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let is_test = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "test");
    let package = package_name(message["package_id"].as_str()?)?;
    Some(Executable {
        kind: if is_test && package == SUITES { Kind::Suite } else { Kind::Unit },
        name: message["target"]["name"].as_str()?.to_owned(),
        path: PathBuf::from(path),
        package,
        package_dir,
    })
}

/// The name in a package id: `path+file:///tree/rust/minidock#0.1.0` when the directory has the
/// package's name, else `path+file:///tree/tests#minidock-tests@0.1.0` (cargo book, "Package ID").
fn package_name(id: &str) -> Option<String> {
    let (url, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name.to_owned()),
        None => url.rsplit('/').next().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_have_two_forms() {
        for (id, name) in [
            ("path+file:///tree/rust/minidock#0.1.0", "minidock"),
            ("path+file:///tree/tests#minidock-tests@0.1.0", "minidock-tests"),
        ] {
            assert_eq!(package_name(id).as_deref(), Some(name));
        }
    }

    #[test]
    fn only_test_executables_count() {
        let message = |test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "package_id": "path+file:///tree/tests#minidock-tests@0.1.0",
                "manifest_path": "/tree/tests/Cargo.toml",
                "target": { "kind": ["test"], "name": "cli" },
                "profile": { "test": test },
                "executable": "/tree/target/debug/deps/cli-1",
            })
        };
        assert_eq!(executable(&message(true)).map(|each| each.title()).as_deref(), Some("cli"));
        assert_eq!(executable(&message(false)), None);
        assert_eq!(executable(&serde_json::json!({ "reason": "build-finished" })), None);
    }
}
