//! Paths of this host that are copied from and to: looked at once, as docker's command line does,
//! then opened.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::ErrorKind as IoKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::rules::{self, Destination, Origin};
use crate::error::{Error, ErrorKind, Result};

/// As many links in a row as the kernel follows.
const MAX_LINKS: usize = 40;

/// Something that is copied.
#[derive(Debug)]
pub(super) struct LocalSource {
    /// Absolute.
    pub(super) path: PathBuf,
    origin: Origin,
}

impl LocalSource {
    /// Looks at it. Like docker's, a link at its end is copied itself unless it is to be
    /// followed, or a slash says that a directory is meant.
    pub(super) fn open(path: &Path, follow_link: bool) -> Result<Self> {
        let text = absolute(path)?;
        let asserted = rules::asserts_directory(&text);
        let path = PathBuf::from(OsStr::from_bytes(&text));
        let failed = |error| Error::at("copy", &path, error);
        let (found, real) = if follow_link || asserted {
            let real = fs::canonicalize(&path).map_err(failed)?;
            (fs::metadata(&real).map_err(failed)?, real)
        } else {
            (fs::symlink_metadata(&path).map_err(failed)?, path.clone())
        };
        let contents = rules::means_contents(&text);
        let origin = Origin { is_directory: found.is_dir(), name: rules::base(&text), contents };
        // The root of this host has no name to be copied under.
        let contents = contents || origin.name.is_empty();
        Ok(Self { path: real, origin: Origin { contents, ..origin } })
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// Where something goes.
#[derive(Debug)]
pub(super) struct LocalDestination {
    /// Absolute, links at its end followed, with the mark of a directory if it had one.
    path: Vec<u8>,
    exists: bool,
    is_directory: bool,
}

/// Looks at a destination.
pub(super) fn destination(path: &Path) -> Result<LocalDestination> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "the destination has no path"));
    }
    let mut text = absolute(path)?;
    for _ in 0..MAX_LINKS {
        let path = PathBuf::from(OsStr::from_bytes(&text));
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == IoKind::NotFound => {
                require_parent(&text)?;
                return Ok(LocalDestination { path: text, exists: false, is_directory: false });
            }
            Err(error) => return Err(Error::at("copy to", &path, error)),
        };
        if !found.is_symlink() {
            refuse_special(&path, &found)?;
            return Ok(LocalDestination { path: text, exists: true, is_directory: found.is_dir() });
        }
        let target = fs::read_link(&path).map_err(|error| Error::at("read", &path, error))?;
        let above = path.parent().unwrap_or(Path::new("/"));
        text = above.join(target).into_os_string().as_bytes().to_vec();
    }
    let error = std::io::Error::from(rustix::io::Errno::LOOP);
    Err(Error::at("copy to", path, error))
}

fn require_parent(path: &[u8]) -> Result<()> {
    let trimmed = path.strip_suffix(b"/.").unwrap_or(path);
    let path = Path::new(OsStr::from_bytes(trimmed));
    let parent = path.parent().unwrap_or(Path::new("/"));
    match fs::metadata(parent) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => {
            let text = format!("{} is not a directory", parent.display());
            Err(Error::new(ErrorKind::InvalidInput, text))
        }
        Err(error) if error.kind() == IoKind::NotFound => {
            let text = format!("the directory {} does not exist", parent.display());
            Err(Error::new(ErrorKind::InvalidInput, text).with_hint("make it first"))
        }
        Err(error) => Err(Error::at("copy to", parent, error)),
    }
}

fn refuse_special(path: &Path, found: &Metadata) -> Result<()> {
    let kind = found.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    let what = match () {
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    let text = format!("{} is {what}: it must be a directory or a regular file", path.display());
    Err(Error::new(ErrorKind::InvalidInput, text).with_hint("- writes a tar to standard output"))
}

impl LocalDestination {
    pub(super) fn described(&self) -> Destination<'_> {
        Destination { path: &self.path, exists: self.exists, is_directory: self.is_directory }
    }

    /// Opens the directory that files are put into.
    pub(super) fn open(&self) -> Result<File> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // By the path as it is: what the text alone says may not be where its links lead.
        let path = match self.is_directory {
            true => PathBuf::from(OsStr::from_bytes(&self.path)),
            false => {
                let trimmed = self.path.strip_suffix(b"/.").unwrap_or(&self.path);
                let path = Path::new(OsStr::from_bytes(trimmed));
                path.parent().unwrap_or(Path::new("/")).to_path_buf()
            }
        };
        rustix::fs::open(&path, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| Error::at("copy into", &path, error))
    }
}

/// The path from the root, `..` taken away by the text as docker does, with its mark of a
/// directory.
fn absolute(path: &Path) -> Result<Vec<u8>> {
    let full = std::path::absolute(path).map_err(|error| Error::at("find", path, error))?;
    let mut clean = PathBuf::from("/");
    for part in full.components() {
        match part {
            std::path::Component::ParentDir => drop(clean.pop()),
            std::path::Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    let mut text = clean.into_os_string().as_bytes().to_vec();
    let given = path.as_os_str().as_bytes();
    if rules::means_contents(given) {
        text.extend_from_slice(if text.ends_with(b"/") { b"." } else { b"/." });
    } else if given.ends_with(b"/") && !text.ends_with(b"/") {
        text.push(b'/');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_the_root() {
        for (given, wanted) in [
            ("/", "/"),
            ("/.", "/."),
            ("/a/b/", "/a/b/"),
            ("/a/./b/.", "/a/b/."),
            ("/a/../b", "/b"),
            ("/../x", "/x"),
        ] {
            assert_eq!(absolute(Path::new(given)).unwrap(), wanted.as_bytes(), "{given}");
        }
        let here = std::env::current_dir().unwrap().into_os_string();
        assert_eq!(absolute(Path::new(".")).unwrap(), [here.as_bytes(), b"/."].concat());
        assert_eq!(absolute(Path::new("x")).unwrap(), [here.as_bytes(), b"/x"].concat());
    }

    #[test]
    fn destinations() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("f"), "").unwrap();
        fs::create_dir(at("d")).unwrap();
        symlink("d", at("to-d")).unwrap();
        symlink("f", at("to-f")).unwrap();
        symlink("missing", at("to-missing")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let look = |name: &str| {
            let found = destination(&at(name)).map_err(drop)?;
            Ok((found.exists, found.is_directory))
        };
        for (name, wanted) in [
            ("f", Ok((true, false))),
            ("d", Ok((true, true))),
            ("d/", Ok((true, true))),
            ("d/.", Ok((true, true))),
            ("to-d", Ok((true, true))),
            ("to-f", Ok((true, false))),
            ("to-missing", Ok((false, false))),
            ("new", Ok((false, false))),
            ("new/", Ok((false, false))),
            ("loop", Err(())),
            ("no/new", Err(())),
            ("f/new", Err(())),
            ("f/", Err(())),
        ] {
            assert_eq!(look(name), wanted, "{name}");
        }
        assert!(destination(Path::new("/dev/null")).is_err());
        assert!(destination(Path::new("")).is_err());
    }
}
