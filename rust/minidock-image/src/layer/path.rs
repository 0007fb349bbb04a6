//! Paths inside a layer: relative, normalised, byte exact.
//! A value of this type can never lead outside, whatever made it.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{MAX_COMPONENT_LEN, MAX_PATH_LEN, PathError};

/// The path of an entry, relative to the layer's root; the empty path is the root itself.
///
/// It holds no `.`, `..`, empty component or NUL. Bytes are kept as they came: they need not be
/// UTF-8. The order is that of components, so a directory comes right before what is in it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct EntryPath(Box<[u8]>);

impl EntryPath {
    /// The layer's root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Takes `bytes` if they are already in normal form; nothing is repaired.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        check(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Whether this is the layer's root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, without a leading or trailing slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as a relative path of the standard library; the root is the empty path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The components, first to last; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|component| !component.is_empty())
    }

    /// The last component; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// The directory that holds it; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// Every directory above it, from the root down; none for the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let root = (!self.is_root()).then(Self::root);
        root.into_iter().chain(slashes.map(|(end, _)| Self(self.0[..end].into())))
    }

    /// The entry named `name` in this directory.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathError> {
        if name.is_empty() || name.contains(&b'/') {
            return Err(PathError::EmptyComponent);
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        check(&bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Whether it lies below `directory`; a path is not below itself.
    #[must_use]
    pub fn is_below(&self, directory: &Self) -> bool {
        directory.is_root() && !self.is_root()
            || self
                .0
                .strip_prefix(&*directory.0)
                .is_some_and(|rest| !directory.is_root() && rest.first() == Some(&b'/'))
    }

    /// The text for messages: not UTF-8 is replaced, the root is `/`.
    #[must_use]
    pub fn display(&self) -> String {
        format!("/{}", String::from_utf8_lossy(&self.0))
    }

    /// For callers that have checked the bytes already.
    pub(super) fn from_checked(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

/// Checks the whole path.
fn check(bytes: &[u8]) -> Result<(), PathError> {
    if bytes.len() > MAX_PATH_LEN {
        return Err(PathError::TooLong { found: bytes.len() });
    }
    check_from(bytes, 0)
}

/// Checks the components that begin at or after the component holding byte `start`.
/// The index reader knows what comes before to be good: it is shared with the last path.
pub(super) fn check_from(bytes: &[u8], start: usize) -> Result<(), PathError> {
    if bytes.is_empty() {
        return Ok(());
    }
    if bytes.first() == Some(&b'/') {
        return Err(PathError::Absolute);
    }
    let known = &bytes[..start.min(bytes.len())];
    let from = known.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    for component in bytes[from..].split(|byte| *byte == b'/') {
        match component {
            b"" => return Err(PathError::EmptyComponent),
            b"." => return Err(PathError::Dot),
            b".." => return Err(PathError::DotDot),
            _ if component.len() > MAX_COMPONENT_LEN => {
                return Err(PathError::ComponentTooLong { found: component.len() });
            }
            _ if component.contains(&0) => return Err(PathError::Nul),
            _ => {}
        }
    }
    Ok(())
}

impl Ord for EntryPath {
    /// As if the slash were the smallest byte: that is the order of components.
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

/// The order of [`EntryPath`] on raw bytes.
pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let shared = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let rank = |byte: Option<&u8>| byte.map(|byte| if *byte == b'/' { 0 } else { *byte });
    rank(left.get(shared)).cmp(&rank(right.get(shared)))
}

impl PartialOrd for EntryPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryPath({:?})", self.display())
    }
}

impl TryFrom<&str> for EntryPath {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::try_from(text).unwrap()
    }

    /// Rows U1 and U12 on the strict type.
    #[test]
    fn takes_only_the_normal_form() {
        let name255 = "n".repeat(255);
        let name256 = "n".repeat(256);
        let long = format!("{}x", "a/".repeat(2047));
        let too_long = format!("{}xy", "a/".repeat(2047));
        for good in
            ["", "a", "a/b", "...", ".a", "..a", "a..", " ", "a\nb", "\x1b[0m", &name255, &long]
        {
            assert_eq!(path(good).as_bytes(), good.as_bytes());
        }
        let bad: [(&str, PathError); 14] = [
            ("/", PathError::Absolute),
            ("/a", PathError::Absolute),
            ("//x", PathError::Absolute),
            ("a/", PathError::EmptyComponent),
            ("a//b", PathError::EmptyComponent),
            (".", PathError::Dot),
            ("./a", PathError::Dot),
            ("a/.", PathError::Dot),
            ("..", PathError::DotDot),
            ("../x", PathError::DotDot),
            ("a/../../x", PathError::DotDot),
            ("a\0b", PathError::Nul),
            (&name256, PathError::ComponentTooLong { found: 256 }),
            (&too_long, PathError::TooLong { found: 4096 }),
        ];
        for (text, error) in bad {
            assert_eq!(EntryPath::try_from(text), Err(error), "{text:?}");
        }
        assert_eq!(EntryPath::parse(b"\xff\xfe").unwrap().as_bytes(), b"\xff\xfe");
        assert_ne!(path("\u{e9}"), path("e\u{301}"));
    }

    #[test]
    fn a_directory_comes_right_before_what_is_in_it() {
        let mut paths: Vec<_> =
            ["b", "a-b", "a/b", "", "a/b-c", "a/b/c", "a", "a\u{1}"].map(path).into();
        paths.sort();
        let sorted: Vec<_> = paths.iter().map(EntryPath::as_bytes).collect();
        let expected: [&[u8]; 8] = [b"", b"a", b"a/b", b"a/b/c", b"a/b-c", b"a\x01", b"a-b", b"b"];
        assert_eq!(sorted, expected);
    }

    #[test]
    fn knows_its_relatives() {
        let deep = path("a/b/c");
        assert_eq!(deep.parent(), Some(path("a/b")));
        assert_eq!(path("a").parent(), Some(EntryPath::root()));
        assert_eq!(EntryPath::root().parent(), None);
        assert_eq!(deep.ancestors().collect::<Vec<_>>(), [path(""), path("a"), path("a/b")]);
        assert_eq!(EntryPath::root().ancestors().count(), 0);
        assert_eq!(deep.file_name(), Some(&b"c"[..]));
        assert_eq!(EntryPath::root().file_name(), None);
        assert_eq!(path("a/b").join(b"c"), Ok(deep.clone()));
        assert_eq!(EntryPath::root().join(b"a"), Ok(path("a")));
        for bad in [&b""[..], b"x/y", b".", b"..", b"\0"] {
            assert!(path("a").join(bad).is_err());
        }
        assert!(deep.is_below(&path("a")) && deep.is_below(&path("")) && !deep.is_below(&deep));
        assert!(!path("ab").is_below(&path("a")) && !path("").is_below(&path("")));
    }
}
