//! Owns where the store lies and whether that place can carry one.
//!
//! Makes the root directory and nothing below it.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

use super::files;

/// The environment variable that names the root.
pub const ROOT_VARIABLE: &str = "MINIDOCK_ROOT";

/// `PATH_MAX` (limits.h) less what the store, an image's tree and sockets need below the root.
const LONGEST_ROOT: usize = 1024;

/// File systems that a store cannot lie on, by the magic of statfs(2) (linux/magic.h, and the
/// headers of Lustre and GPFS, which the kernel does not list).
const REFUSED: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0xaad7_aaea, "PanFS"),
    (0x1983_0326, "BeeGFS"),
    (0x2030_528e, "OrangeFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x564c, "NCP"),
    (0x4d44, "FAT"),
    (0x2011_bab0, "exFAT"),
    (0x9660, "ISO 9660"),
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
];

/// Where the store lies: the option, else `MINIDOCK_ROOT`, else the XDG data directory.
///
/// The XDG base directory specification says that a relative `XDG_DATA_HOME` is ignored.
pub(crate) fn choose(explicit: Option<&Path>) -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = explicit {
        return absolute(path, "the root option");
    }
    if let Some(path) = variable(ROOT_VARIABLE) {
        return absolute(Path::new(&path), ROOT_VARIABLE);
    }
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    match (data, home) {
        (Some(data), _) => Ok(data.join("minidock")),
        (None, Some(home)) => Ok(home.join(".local/share/minidock")),
        (None, None) => Err(Error::new(
            ErrorKind::InvalidInput,
            "no place for the store: neither XDG_DATA_HOME nor HOME is an absolute path",
        )
        .with_hint(format!("set {ROOT_VARIABLE}, for example to {}", per_node().display()))),
    }
}

fn absolute(path: &Path, source: &str) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, format!("{source} is empty")));
    }
    std::path::absolute(path).map_err(|e| {
        Error::io(format!("cannot tell where {source} {} leads to", path.display()), e)
            .with_hint("give an absolute path")
    })
}

/// A place on the node's own disk, for homes that lie on the network.
pub(crate) fn per_node() -> PathBuf {
    PathBuf::from(format!("/var/tmp/minidock-{}", rustix::process::geteuid().as_raw()))
}

/// Makes the root if it is absent and checks that it can carry a store. Gives the path without
/// symbolic links.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf> {
    if root.as_os_str().len() > LONGEST_ROOT {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "the path of the store has {} bytes, at most {LONGEST_ROOT} leave room below it",
                root.as_os_str().len()
            ),
        )
        .with_hint(format!("choose a shorter one with {ROOT_VARIABLE}")));
    }
    make_root(root)?;
    let root = std::fs::canonicalize(root).map_err(|e| Error::at("find", root, e))?;
    check_owner(&root)?;
    check_file_system(&root)?;
    Ok(root)
}

fn make_root(root: &Path) -> Result<()> {
    if let Some(parent) = root.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .map_err(|e| Error::at("make", parent, e).with_hint(elsewhere()))?;
    }
    // A directory in /var/tmp that another user made first would pass here; its owner does not.
    files::ensure_dir(root).map_err(|error| error.with_hint(elsewhere()))
}

fn elsewhere() -> String {
    format!("choose another place with {ROOT_VARIABLE}, for example {}", per_node().display())
}

fn check_owner(root: &Path) -> Result<()> {
    let meta = std::fs::metadata(root).map_err(|e| Error::at("examine", root, e))?;
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me {
        return Err(Error::new(
            ErrorKind::Permission,
            format!("the store {} belongs to uid {}, not to {me}", root.display(), meta.uid()),
        )
        .with_hint(elsewhere()));
    }
    if meta.mode() & 0o077 != 0 {
        // Nobody can have put anything into an empty one.
        if files::names_in(root)?.is_empty() {
            return files::set_mode(root, 0o700);
        }
        return Err(Error::new(
            ErrorKind::Permission,
            format!(
                "other users can enter the store {}: its mode is {:04o}, it must be 0700",
                root.display(),
                meta.mode() & 0o7777
            ),
        )
        .with_hint(format!("chmod 0700 {}, if it is a store and nothing else", root.display())));
    }
    Ok(())
}

fn check_file_system(root: &Path) -> Result<()> {
    let stat = rustix::fs::statfs(root).map_err(|e| Error::at("examine", root, e))?;
    // Magics are 32 bits; the field's width and sign differ between architectures.
    match refused(stat.f_type as u64 & 0xffff_ffff) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::HostUnsupported,
            format!(
                "the store {} lies on {name}, which cannot hold layers and their owners",
                root.display()
            ),
        )
        .with_hint(format!("use a disk of this node: {ROOT_VARIABLE}={}", per_node().display()))),
    }
}

fn refused(magic: u64) -> Option<&'static str> {
    REFUSED.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn network_file_systems_are_refused() {
        assert_eq!(refused(0x6969), Some("NFS"));
        assert_eq!(refused(0x6573_5546), Some("FUSE"));
        assert_eq!(refused(0xef53), None, "ext4");
        assert_eq!(refused(0x0102_1994), None, "tmpfs");
        let error = check_file_system(Path::new("/proc")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnsupported);
        assert!(error.hint().unwrap().contains("/var/tmp/minidock-"));
    }

    #[test]
    fn the_root_is_made_private_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b/store");
        prepare(&root).unwrap();
        assert_eq!(std::fs::metadata(&root).unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        prepare(&root).unwrap();
        assert_eq!(std::fs::metadata(&root).unwrap().mode() & 0o777, 0o700);
        std::fs::write(root.join("x"), "").unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(prepare(&root).unwrap_err().kind(), ErrorKind::Permission);
    }

    #[test]
    fn long_and_odd_roots_are_one_line_errors() {
        let long = PathBuf::from(format!("/{}", "a/".repeat(2000)));
        assert_eq!(prepare(&long).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(choose(Some(Path::new(""))).unwrap_err().kind(), ErrorKind::InvalidInput);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(prepare(&file).is_err());
        assert!(prepare(&file.join("below")).is_err());
    }
}
