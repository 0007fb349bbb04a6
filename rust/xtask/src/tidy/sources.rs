//! What stands in the files: the opening of each source file, its length, words that never get
//! in, and paths that only a build machine has.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use super::lexer::code_only;
use crate::error::{Error, file};

/// Lines that a source file may have.
const LONGEST: usize = 500;

/// Where `unsafe` may be written.
const UNSAFE_HOMES: &[&str] = &["rust/minidock-sys", "bindings/c"];

/// Code that is not finished or not run, with its mend.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!", "finish it, or refuse by name with an error"),
    ("unimplemented!", "finish it, or refuse by name with an error"),
    ("dbg!", "remove it"),
    ("#[ignore", "run the test, or delete it"),
    (
        "env!(\"CARGO_MANIFEST_DIR\")",
        "it bakes in the builder's path: use std::env::var at run time",
    ),
];

/// Top-level directories that exist on build machines and nowhere else.
const BUILD_MACHINES: &[&str] = &["work", "farm", "builds"];

/// Every file whose text breaks a rule.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for path in files {
        let bytes = fs::read(root.join(path)).map_err(file("read", root.join(path)))?;
        // What is not text (an archive for a test) has no lines to look at.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        check_paths(root, path, &text, &mut findings);
        if path.extension().is_some_and(|end| end == "rs") {
            check_rust(path, &text, &mut findings);
        }
    }
    Ok(findings)
}

fn check_rust(path: &Path, text: &str, findings: &mut Vec<Finding>) {
    if !text.starts_with("//!") {
        let mend = "open with `//!`: what the file owns and what it must not do";
        findings.push(Finding::new(path, 1, "no module documentation", mend));
    }
    let count = text.lines().count();
    let shipped =
        path.starts_with("rust") && path.components().any(|part| part.as_os_str() == "src");
    if shipped && count > LONGEST {
        let problem = format!("{count} lines, {LONGEST} are allowed");
        findings.push(Finding::new(path, LONGEST, &problem, "split it by type or verb"));
    }
    let may_be_unsafe = UNSAFE_HOMES.iter().any(|home| path.starts_with(home));
    for (index, (code, line)) in code_only(text).lines().zip(text.lines()).enumerate() {
        if !may_be_unsafe && has_word(code, "unsafe") {
            let mend = "put it behind a safe function of minidock-sys";
            findings.push(Finding::new(path, index + 1, "`unsafe`", mend));
        }
        for (word, mend) in FORBIDDEN {
            // The word stands in code if the blanked line still has its first part.
            let head = word.split('"').next().unwrap_or(word);
            if code.contains(head) && line.contains(word) {
                findings.push(Finding::new(path, index + 1, &format!("`{word}`"), mend));
            }
        }
    }
}

fn check_paths(root: &Path, path: &Path, text: &str, findings: &mut Vec<Finding>) {
    let checkout = root.to_string_lossy();
    for (index, line) in text.lines().enumerate() {
        let built_here = checkout.len() > 1 && begins_path(line, &checkout);
        let elsewhere = BUILD_MACHINES.iter().any(|dir| begins_path(line, &format!("/{dir}/")));
        if built_here || elsewhere {
            let mend = "use a path relative to the workspace, or another example";
            findings.push(Finding::new(path, index + 1, "a path of a build machine", mend));
        }
    }
}

/// Whether an absolute path in `line` begins with `start`.
fn begins_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}])$*:~".contains(c))
    })
}

fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut findings = Vec::new();
        check_rust(Path::new(path), text, &mut findings);
        findings.into_iter().map(|each| (each.line, each.problem)).collect()
    }

    #[test]
    fn words_are_found_in_code_only() {
        let text = "//! unsafe here is prose\nlet a = \"unsafe\";\n#![expect(unsafe_code)]\n";
        assert_eq!(problems("rust/minidock/src/a.rs", text), []);
        let text = "//! x\nunsafe { f() }\n";
        assert_eq!(problems("rust/minidock/src/a.rs", text), [(2, "`unsafe`".to_owned())]);
        assert_eq!(problems("rust/minidock-sys/src/a.rs", text), []);
        let text = concat!("//! x\n\nto", "do!()\n");
        assert_eq!(problems("tests/a.rs", text), [(3, concat!("`to", "do!`").to_owned())]);
    }

    #[test]
    fn files_open_with_their_documentation_and_stay_short() {
        assert_eq!(problems("tests/a.rs", "use x;\n").len(), 1);
        let long = format!("//! x\n{}", "\n".repeat(LONGEST));
        assert_eq!(problems("rust/a/src/b.rs", &long).len(), 1);
        assert_eq!(problems("rust/a/tests/b.rs", &long).len(), 0);
    }

    #[test]
    fn paths_of_build_machines_are_found_at_their_beginning_only() {
        let start = format!("/{}/", BUILD_MACHINES[0]);
        for (line, found) in [
            (format!("cd {start}tree"), true),
            (format!("\"{start}tree\""), true),
            (format!("{{dir}}{start}"), false),
            (format!("overlay{start}"), false),
        ] {
            assert_eq!(begins_path(&line, &start), found, "{line}");
        }
    }
}
