//! Member names: how they become paths of a layer, and what the `.wh.` names among them mean
//! (OCI image specification, layer.md, "Whiteouts").

use super::{OPAQUE_MARKER, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX};
use crate::layer::{EntryPath, PathError};

/// What a member's name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The entry itself.
    Entry(EntryPath),
    /// This path is hidden in lower layers.
    Whiteout(EntryPath),
    /// Everything that lower layers have in this directory is hidden.
    Opaque(EntryPath),
    /// Bookkeeping of aufs, which means nothing here.
    Aufs,
}

/// Why a name is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NameError {
    Path(PathError),
    Whiteout,
}

impl From<PathError> for NameError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

/// Leading slashes, `.` components and doubled or trailing slashes go; `..` is refused.
pub(crate) fn normalise(name: &[u8]) -> Result<EntryPath, PathError> {
    let mut bytes = Vec::with_capacity(name.len());
    for component in name.split(|byte| *byte == b'/') {
        if matches!(component, b"" | b".") {
            continue;
        }
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(component);
    }
    EntryPath::parse(&bytes)
}

/// Reads a member's name.
pub(super) fn meaning(name: &[u8]) -> Result<Meaning, NameError> {
    let path = normalise(name)?;
    let (Some(last), Some(parent)) = (path.file_name(), path.parent()) else {
        return Ok(Meaning::Entry(path));
    };
    if parent.components().any(|part| part.starts_with(WHITEOUT_META_PREFIX)) {
        return Ok(Meaning::Aufs);
    }
    if parent.components().any(|part| part.starts_with(WHITEOUT_PREFIX)) {
        return Err(NameError::Whiteout);
    }
    if last == OPAQUE_MARKER {
        return Ok(Meaning::Opaque(parent));
    }
    if last.starts_with(WHITEOUT_META_PREFIX) {
        return Ok(Meaning::Aufs);
    }
    match last.strip_prefix(WHITEOUT_PREFIX) {
        Some(hidden) => Ok(Meaning::Whiteout(hidden_path(&parent, hidden)?)),
        None => Ok(Meaning::Entry(path)),
    }
}

/// `.wh.`, `.wh..` and `.wh...` would hide the directory itself or its parent.
fn hidden_path(parent: &EntryPath, hidden: &[u8]) -> Result<EntryPath, NameError> {
    if matches!(hidden, b"" | b"." | b"..") {
        return Err(NameError::Whiteout);
    }
    Ok(parent.join(hidden)?)
}

/// Whether a layer may have an entry of this path: `.wh.` names are taken.
pub(super) fn is_reserved(path: &EntryPath) -> bool {
    path.components().any(|part| part.starts_with(WHITEOUT_PREFIX))
}

/// A name for messages: bytes that are not UTF-8 replaced, long ones cut.
pub(crate) fn shown(name: &[u8]) -> String {
    const SHOWN: usize = 200;
    if name.len() <= SHOWN {
        return String::from_utf8_lossy(name).into_owned();
    }
    format!("{}…", String::from_utf8_lossy(&name[..SHOWN]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::try_from(text).unwrap()
    }

    /// Row U1.
    #[test]
    fn names_become_paths_inside() {
        for (name, expected) in [
            ("", ""),
            (".", ""),
            ("./", ""),
            ("/", ""),
            ("//x", "x"),
            ("/abs", "abs"),
            ("./a/./b//c/", "a/b/c"),
            ("...", "..."),
            ("a/..b", "a/..b"),
        ] {
            assert_eq!(normalise(name.as_bytes()), Ok(path(expected)), "{name:?}");
        }
        for name in ["..", "../x", "a/../../x", "a/..", "/../x", "./../x"] {
            assert_eq!(normalise(name.as_bytes()), Err(PathError::DotDot), "{name:?}");
        }
        assert!(normalise(&[b'n'; 255]).is_ok());
        let long = normalise(&[b'n'; 256]);
        assert_eq!(long, Err(PathError::ComponentTooLong { found: 256 }));
        let deep = normalise(&b"a/".repeat(1 << 19));
        assert_eq!(deep, Err(PathError::TooLong { found: (1 << 20) - 1 }));
        assert_eq!(normalise(b"a\0b"), Err(PathError::Nul));
        assert_eq!(normalise(b"\xff/\n").unwrap().as_bytes(), b"\xff/\n");
    }

    /// Row U4: what `.wh.` names mean.
    #[test]
    fn whiteouts() {
        for (name, expected) in [
            ("a/b", Ok(Meaning::Entry(path("a/b")))),
            ("a/x.wh.b", Ok(Meaning::Entry(path("a/x.wh.b")))),
            ("a/.wh", Ok(Meaning::Entry(path("a/.wh")))),
            (".wh.a", Ok(Meaning::Whiteout(path("a")))),
            ("d/.wh.a", Ok(Meaning::Whiteout(path("d/a")))),
            ("./d/.wh.a/", Ok(Meaning::Whiteout(path("d/a")))),
            ("d/.wh....", Ok(Meaning::Whiteout(path("d/...")))),
            ("d/.wh..a", Ok(Meaning::Whiteout(path("d/.a")))),
            (".wh..wh..opq", Ok(Meaning::Opaque(path("")))),
            ("d/.wh..wh..opq", Ok(Meaning::Opaque(path("d")))),
            (".wh..wh.aufs", Ok(Meaning::Aufs)),
            ("d/.wh..wh.orph", Ok(Meaning::Aufs)),
            (".wh..wh.plnk/1.2", Ok(Meaning::Aufs)),
            (".wh.", Err(NameError::Whiteout)),
            ("d/.wh.", Err(NameError::Whiteout)),
            ("d/.wh..", Err(NameError::Whiteout)),
            ("d/.wh...", Err(NameError::Whiteout)),
            (".wh./x", Err(NameError::Whiteout)),
            (".wh.d/x", Err(NameError::Whiteout)),
            (".wh.d/.wh..wh..opq", Err(NameError::Whiteout)),
            ("../.wh.a", Err(NameError::Path(PathError::DotDot))),
        ] {
            assert_eq!(meaning(name.as_bytes()), expected, "{name:?}");
        }
    }
}
