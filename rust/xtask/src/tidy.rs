//! `cargo xtask tidy`: the rules of the tree that no compiler checks. One line per finding, with
//! file and line and the mend. It reads the tree and cargo's metadata and changes nothing.

mod imports;
mod layout;
mod lexer;
mod sources;

use std::path::{Path, PathBuf};

use crate::error::{Error, file};
use crate::screen;
use crate::workspace::Workspace;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: PathBuf,
    line: usize,
    problem: String,
    mend: String,
}

impl Finding {
    fn new(path: impl Into<PathBuf>, line: usize, problem: &str, mend: &str) -> Self {
        Self { path: path.into(), line, problem: problem.to_owned(), mend: mend.to_owned() }
    }

    fn shown(&self) -> String {
        format!("{}:{}: {}; {}", self.path.display(), self.line, self.problem, self.mend)
    }
}

/// Checks the workspace; findings are printed and counted.
pub(crate) fn tidy() -> Result<(), Error> {
    let workspace = Workspace::read()?;
    let files = files(&workspace.root)?;
    let mut findings = imports::check(&workspace);
    findings.extend(layout::check(&workspace.root, &files)?);
    findings.extend(sources::check(&workspace.root, &files)?);
    findings.sort();
    for finding in &findings {
        screen::say(&finding.shown());
    }
    match findings.len() {
        0 => {
            screen::say(&format!("tidy: {} files, no finding", files.len()));
            Ok(())
        }
        count => Err(Error::Untidy { count }),
    }
}

/// Every file of the tree, relative to its root, without what is built and what git keeps.
fn files(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        let path = root.join(&dir);
        for entry in std::fs::read_dir(&path).map_err(file("list", &path))? {
            let entry = entry.map_err(file("list", &path))?;
            let name = entry.file_name();
            let relative = dir.join(&name);
            let kind = entry.file_type().map_err(file("look at", entry.path()))?;
            // In a linked worktree `.git` is a file.
            if matches!(name.to_str(), Some(".git" | "target" | "__pycache__" | ".venv")) {
                continue;
            }
            if kind.is_dir() {
                open.push(relative);
            } else {
                found.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}
