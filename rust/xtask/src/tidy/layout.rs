//! Where things lie: the card of the top level, `foo.rs` beside `foo/`, names of modules, and the
//! files that every tree has.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::error::{Error, file};

/// The top level, besides dot files.
const CARD: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "CHANGELOG.md",
    "README.md",
    "rust",
    "bindings",
    "python",
    "tests",
];
/// What must be there.
const REQUIRED: &[&str] = &["Cargo.toml", "Cargo.lock", "LICENSE", "CHANGELOG.md", "README.md"];
/// Module names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "manager", "misc"];

/// Every file that lies or is named against the rules.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for entry in fs::read_dir(root).map_err(file("list", root))? {
        let name = entry.map_err(file("list", root))?.file_name();
        let name = name.to_string_lossy();
        // `target` is cargo's and ignored by git.
        if !name.starts_with('.') && name != "target" && !CARD.contains(&name.as_ref()) {
            let mend = "put it below one of the top level's directories";
            findings.push(Finding::new(name.as_ref(), 1, "not on the top level's card", mend));
        }
    }
    for name in REQUIRED {
        if !root.join(name).is_file() {
            findings.push(Finding::new(*name, 1, "missing", "write it"));
        }
    }
    for path in files {
        findings.extend(check_name(path));
        if path.ends_with("Cargo.toml") && path.components().count() > 1 {
            let manifest = root.join(path);
            let text = fs::read_to_string(&manifest).map_err(file("read", &manifest))?;
            if !text.contains("[lints]\nworkspace = true") {
                let mend = "add `[lints]` with `workspace = true`";
                findings.push(Finding::new(path, 1, "the house's lints are off", mend));
            }
        }
    }
    Ok(findings)
}

fn check_name(path: &Path) -> Option<Finding> {
    if path.extension().is_none_or(|end| end != "rs") {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    if stem == "mod" {
        return Some(Finding::new(path, 1, "a mod.rs", "name it after its directory, beside it"));
    }
    EMPTY_NAMES.contains(&stem).then(|| {
        Finding::new(path, 1, "a module name that says nothing", "name it after its type or verb")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        for (path, allowed) in [
            ("rust/minidock/src/store.rs", true),
            ("rust/minidock/src/store/mod.rs", false),
            ("rust/minidock/src/utils.rs", false),
            ("python/utils.py", true),
        ] {
            assert_eq!(check_name(Path::new(path)).is_none(), allowed, "{path}");
        }
    }
}
