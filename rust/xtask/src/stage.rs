//! The stage: a directory that every user can read and execute, holding what was built, laid out
//! as an installation (`bin/`, `libexec/minidock/`). It exists because the builder's home may be
//! closed to the user that runs the tests. It only ever writes below itself.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::account::{self, Account};
use crate::error::{Error, file};

/// A stage directory that is known to be the caller's.
pub(crate) struct Stage {
    dir: PathBuf,
}

impl Stage {
    /// Opens the caller's stage, making it if needed. `/var/tmp` is writable for everybody, so a
    /// directory of that name made by somebody else is refused.
    pub(crate) fn open() -> Result<Self, Error> {
        let uid = account::caller();
        let dir = PathBuf::from(format!("/var/tmp/minidock-stage-{uid}"));
        make(&dir, 0o755)?;
        let found = fs::symlink_metadata(&dir).map_err(file("look at", &dir))?;
        if !found.is_dir() || found.uid() != uid || found.mode() & 0o022 != 0 {
            return Err(Error::Untrusted { path: dir, uid });
        }
        Ok(Self { dir })
    }

    /// A path in the stage.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.dir.join(below)
    }

    /// The staged `minidock`.
    pub(crate) fn minidock(&self) -> PathBuf {
        self.path("bin/minidock")
    }

    /// The staged `minidock-runtime`, where the CLI looks for it.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.path("libexec/minidock/minidock-runtime")
    }

    /// Copies an executable into the stage; one that runs at the moment keeps its old file.
    pub(crate) fn install(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let parent = to.parent().unwrap_or(&self.dir);
        make(parent, 0o755)?;
        let fresh = parent.join(format!(".new-{}", std::process::id()));
        fs::copy(from, &fresh).map_err(file("copy", from))?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))
            .map_err(file("open for everybody", &fresh))?;
        fs::rename(&fresh, to).map_err(file("put in place", to))
    }

    /// Copies a package's files, so that its tests find their data where any user can read it.
    pub(crate) fn mirror(&self, package: &Path, name: &str) -> Result<PathBuf, Error> {
        let to = self.path("packages").join(name);
        remove(&to)?;
        copy_tree(package, &to)?;
        Ok(to)
    }

    /// A fresh private directory for the temporary files of `account`.
    pub(crate) fn temporary(&self, account: &Account) -> Result<PathBuf, Error> {
        let parent = self.path("tmp");
        make(&parent, 0o755)?;
        let dir = parent.join(&account.name);
        remove(&dir)?;
        make(&dir, 0o700)?;
        if account.uid != account::caller() {
            chown(&dir, Some(account.uid), Some(account.gid)).map_err(file("give away", &dir))?;
        }
        Ok(dir)
    }
}

/// The entries of a directory by name.
pub(crate) fn entries(dir: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(file("list", dir))? {
        let entry = entry.map_err(file("list", dir))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Makes a directory and its parents; an existing one is left as it is.
pub(crate) fn make(dir: &Path, mode: u32) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(mode).create(dir).map_err(file("make", dir))?;
    Ok(())
}

/// Removes a tree that may be absent. Files of subordinate ids need a user namespace to be
/// removed by their owner, which `unshare` gives.
pub(crate) fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let unshare = crate::call::Call::new("unshare");
            unshare.args(["--map-root-user", "--map-auto", "rm", "-rf", "--"]).arg(dir).run()
        }
        Err(source) => Err(Error::File { action: "remove", path: dir.to_owned(), source }),
    }
}

/// Removes a file that may be absent.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::File { action: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    make(to, 0o755)?;
    for entry in fs::read_dir(from).map_err(file("list", from))? {
        let entry = entry.map_err(file("list", from))?;
        let kind = entry.file_type().map_err(file("look at", entry.path()))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() && entry.file_name() != OsStr::new("target") {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).map_err(file("copy", entry.path()))?;
            let mode = if is_executable(&target)? { 0o755 } else { 0o644 };
            fs::set_permissions(&target, fs::Permissions::from_mode(mode))
                .map_err(file("open for everybody", &target))?;
        } else if kind.is_symlink() {
            let link = fs::read_link(entry.path()).map_err(file("read", entry.path()))?;
            std::os::unix::fs::symlink(link, &target).map_err(file("make", &target))?;
        }
    }
    Ok(())
}

fn is_executable(path: &Path) -> Result<bool, Error> {
    Ok(fs::metadata(path).map_err(file("look at", path))?.mode() & 0o100 != 0)
}
