//! docker's rules for what a copy is called and where it goes: a table, without any I/O.
//!
//! | the source is | the destination | then |
//! |---|---|---|
//! | a file | is missing | it gets that name |
//! | a file | is missing and ends with a slash | an error |
//! | a file | is a file | it replaces that one |
//! | a file or directory | is a directory | it goes into it under its own name |
//! | a directory | is missing | it gets that name |
//! | a directory | is a file | an error |
//! | a directory, with `/.` | is a directory | its contents go into it |

use crate::error::{Error, ErrorKind, Result};

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) is_directory: bool,
    /// Its name.
    pub(super) name: Vec<u8>,
    /// What is in it is meant.
    pub(super) contents: bool,
}

/// Where it is copied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Destination<'a> {
    /// As it was asked for, with what it ends with.
    pub(super) path: &'a [u8],
    pub(super) exists: bool,
    pub(super) is_directory: bool,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    /// The directory that it goes into.
    pub(super) directory: Vec<u8>,
    /// What it is called there; nothing when contents are poured into the directory itself.
    pub(super) name: Option<Vec<u8>>,
}

/// Decides.
pub(super) fn place(from: &Origin, to: &Destination<'_>) -> Result<Placement> {
    let shown = String::from_utf8_lossy(to.path).into_owned();
    let refused =
        |text: String, hint: &str| Err(Error::new(ErrorKind::InvalidInput, text).with_hint(hint));
    if to.exists && to.is_directory {
        let name = (!from.contents).then(|| from.name.clone());
        return Ok(Placement { directory: to.path.to_vec(), name });
    }
    if to.exists && from.is_directory {
        let text = format!("cannot copy a directory to {shown}, which is a file");
        return refused(text, "name a directory, or a path that is not there yet");
    }
    if !from.is_directory && asserts_directory(to.path) {
        let text = format!("{shown} is not a directory that exists");
        return refused(text, "make it first, or leave the slash at its end out");
    }
    let (directory, name) = split(to.path);
    Ok(Placement { directory, name: Some(name) })
}

/// It ends with a slash, or names a directory itself.
pub(super) fn asserts_directory(path: &[u8]) -> bool {
    path.ends_with(b"/") || matches!(last(path), b"." | b"..")
}

/// Its contents are meant.
pub(super) fn means_contents(path: &[u8]) -> bool {
    last(path) == b"."
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The last component that is a name.
pub(super) fn base(path: &[u8]) -> Vec<u8> {
    split(path).1
}

/// The directory of a path and its name in it, by the text alone.
fn split(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    let name = names.pop().unwrap_or_default().to_vec();
    ([b"/", &names.join(&b'/')[..]].concat(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: Option<bool> = Some(true);
    const FILE: Option<bool> = Some(false);
    const MISSING: Option<bool> = None;

    /// The table of docker's reference, and its edges.
    #[test]
    fn docker_s_table() {
        let error = Err(());
        let pour = |directory: &str| Ok((directory.to_owned(), None));
        let named = |directory: &str, name: &str| Ok((directory.to_owned(), Some(name.to_owned())));
        for (source, is_directory, destination, found, wanted) in [
            ("/a/f", false, "/d/n", MISSING, named("/d", "n")),
            ("/a/f", false, "/n", MISSING, named("/", "n")),
            ("/a/f", false, "/d/n/", MISSING, error.clone()),
            ("/a/f", false, "/d/n/.", MISSING, error.clone()),
            ("/a/f", false, "/d/n", FILE, named("/d", "n")),
            ("/a/f", false, "/d", DIRECTORY, named("/d", "f")),
            ("/a/f", false, "/d/", DIRECTORY, named("/d/", "f")),
            ("/a/s", true, "/d/n", MISSING, named("/d", "n")),
            ("/a/s", true, "/d/n/", MISSING, named("/d", "n")),
            ("/a/s/.", true, "/d/n", MISSING, named("/d", "n")),
            ("/a/s", true, "/d/n", FILE, error.clone()),
            ("/a/s/.", true, "/d/n", FILE, error.clone()),
            ("/a/s", true, "/d", DIRECTORY, named("/d", "s")),
            ("/a/s/", true, "/d", DIRECTORY, named("/d", "s")),
            ("/a/s/.", true, "/d", DIRECTORY, pour("/d")),
            ("/a/s/.", true, "/d/.", DIRECTORY, pour("/d/.")),
            ("/a/../s", true, "/d/../e", MISSING, named("/", "e")),
        ] {
            let from = Origin {
                is_directory,
                name: base(source.as_bytes()),
                contents: means_contents(source.as_bytes()),
            };
            let to = Destination {
                path: destination.as_bytes(),
                exists: found.is_some(),
                is_directory: found == DIRECTORY,
            };
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let got = place(&from, &to).map(|it| (text(it.directory), it.name.map(text)));
            assert_eq!(got.map_err(drop), wanted, "{source} -> {destination} ({found:?})");
        }
    }

    #[test]
    fn names_of_paths() {
        for (path, directory, name) in [
            ("/", "/", ""),
            ("x", "/", "x"),
            ("/x/y/", "/x", "y"),
            ("/x/y/.", "/x", "y"),
            ("/x/y/..", "/", "x"),
            ("//x//y", "/x", "y"),
        ] {
            let (above, base) = split(path.as_bytes());
            assert_eq!((&above[..], &base[..]), (directory.as_bytes(), name.as_bytes()), "{path}");
        }
    }
}
