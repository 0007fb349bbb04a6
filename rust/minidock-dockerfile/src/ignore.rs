//! `.dockerignore`: which paths of a context are left out. Owns the file's grammar and the order of
//! its rules, with the meaning of moby's patternmatcher; a walk of the context is the engine's.

mod matcher;

use thiserror::Error;

use crate::glob::PatternError;
use matcher::Matcher;

/// Why a `.dockerignore` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IgnoreError {
    /// Not UTF-8.
    #[error("line {line}: the file is not UTF-8; save it as UTF-8")]
    NotUtf8 {
        /// 1-based line.
        line: usize,
    },
    /// A NUL byte.
    #[error("line {line}: NUL byte; is this a text file?")]
    NulByte {
        /// 1-based line.
        line: usize,
    },
    /// `!` alone.
    #[error("line {line}: ! without a pattern; write !PATH, or \\! for a file of that name")]
    LoneExclamation {
        /// 1-based line.
        line: usize,
    },
    /// A pattern that can never be right.
    #[error("line {line}: bad pattern; close every [ and escape it as \\[ to mean itself")]
    Pattern {
        /// 1-based line.
        line: usize,
        /// The pattern's own error.
        #[source]
        source: PatternError,
    },
}

impl IgnoreError {
    /// 1-based line.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            IgnoreError::NotUtf8 { line }
            | IgnoreError::NulByte { line }
            | IgnoreError::LoneExclamation { line }
            | IgnoreError::Pattern { line, .. } => *line,
        }
    }
}

/// The rules of a `.dockerignore`, in order: the last one that matches a path, or a directory above
/// it, decides.
///
/// ```
/// use minidock_dockerfile::IgnoreRules;
/// let rules = IgnoreRules::parse(b"# build output\ntarget/\n*.log\n!keep.log\n")?;
/// assert!(rules.is_ignored("target/debug/app") && rules.is_ignored("x.log"));
/// assert!(!rules.is_ignored("keep.log") && !rules.is_ignored("src/x.log"));
/// assert!(rules.can_prune("target"));
/// # Ok::<(), minidock_dockerfile::IgnoreError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `!`: what matches is kept.
    keeps: bool,
    matcher: Matcher,
}

impl IgnoreRules {
    /// Reads the file's bytes.
    pub fn parse(text: &[u8]) -> Result<IgnoreRules, IgnoreError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rules = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            rules.extend(rule(line, index + 1)?);
        }
        Ok(IgnoreRules { rules })
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a path relative to the context's root is left out; below an ignored directory
    /// everything is, unless a later `!` rule takes it in again. The root never is. A name that is
    /// not UTF-8 is asked for in its lossy form.
    #[must_use]
    pub fn is_ignored(&self, path: &str) -> bool {
        let path = clean(path);
        path != "." && self.verdict(&path).is_some()
    }

    /// Whether a directory is ignored and nothing below it can be taken in again, so that a walk
    /// need not enter it.
    #[must_use]
    pub fn can_prune(&self, dir: &str) -> bool {
        let dir = clean(dir);
        if dir == "." {
            return false;
        }
        // A later `!` rule can only take in what it matches itself.
        self.verdict(&dir).is_some_and(|last| {
            !self.rules[last + 1..]
                .iter()
                .any(|rule| rule.keeps && rule.matcher.may_match_below(&dir))
        })
    }

    /// Index of the last rule that ignores the path, if that is the last word.
    fn verdict(&self, path: &str) -> Option<usize> {
        let (last, rule) =
            self.rules.iter().enumerate().rev().find(|(_, rule)| rule.matcher.matches(path))?;
        (!rule.keeps).then_some(last)
    }
}

fn rule(line: &[u8], number: usize) -> Result<Option<Rule>, IgnoreError> {
    // Only a # in the first column begins a comment.
    if line.starts_with(b"#") {
        return Ok(None);
    }
    if line.contains(&0) {
        return Err(IgnoreError::NulByte { line: number });
    }
    let line = std::str::from_utf8(line).map_err(|_| IgnoreError::NotUtf8 { line: number })?.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let (keeps, pattern) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    if pattern.is_empty() {
        return Err(IgnoreError::LoneExclamation { line: number });
    }
    let cleaned = clean(pattern);
    let matcher =
        Matcher::parse(&cleaned).map_err(|source| IgnoreError::Pattern { line: number, source })?;
    Ok(Some(Rule { keeps, matcher }))
}

/// Go's `filepath.Clean`, then without the leading slash: the context is the root.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
