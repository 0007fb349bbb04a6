//! Paths of COPY and ADD sources within their root. Owns lexical cleaning; symlinks are the
//! engine's, which opens the result beneath a directory descriptor.

use thiserror::Error;

/// Why a path names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SourcePathError {
    /// Empty, as an unset variable makes it; docker would copy the whole context.
    #[error("the source path is empty; `.` is the whole context")]
    Empty,
    /// Holds a NUL, which no path can.
    #[error("the source path holds a NUL byte")]
    Nul,
}

/// A source path relative to the root of the context (or stage, or image), cleaned: no empty, `.`
/// or `..` component; `..` stops at the root; the root itself is `.`.
///
/// ```
/// use minidock_dockerfile::clean_source;
/// assert_eq!(clean_source("/a//b/./c/").as_deref(), Ok("a/b/c"));
/// assert_eq!(clean_source("../../etc/passwd").as_deref(), Ok("etc/passwd"));
/// assert_eq!(clean_source("/").as_deref(), Ok("."));
/// ```
pub fn clean_source(path: &str) -> Result<String, SourcePathError> {
    if path.is_empty() {
        return Err(SourcePathError::Empty);
    }
    if path.contains('\0') {
        return Err(SourcePathError::Nul);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// Whether a source path is to be matched ([`crate::Glob`]) rather than taken literally. An escape
/// counts, so that `a\*b` finds the file `a*b`.
#[must_use]
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '\\'])
}
