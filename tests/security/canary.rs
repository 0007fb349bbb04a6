//! A tree of the host's that nothing may touch, and a manifest that shows any touch: contents,
//! modes, owners, times (also of the last change of the inode), extended attributes, links.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};

/// A word that occurs in the canary alone.
pub(crate) const SECRET: &str = "canary-of-the-host";

/// The tree and what it was at first.
pub(crate) struct Canary {
    path: PathBuf,
    manifest: BTreeMap<PathBuf, String>,
}

impl Canary {
    /// Makes the tree.
    pub(crate) fn new(path: PathBuf) -> Self {
        let deep = path.join("sub/deep");
        fs::create_dir_all(&deep).unwrap();
        for (name, mode) in
            [("f", 0o644), ("passwd", 0o600), ("ptmx", 0o666), ("sub/deep/x", 0o755)]
        {
            let file = path.join(name);
            fs::write(&file, format!("{SECRET} {name}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
            fs::File::open(&file).unwrap().set_modified(past).unwrap();
        }
        lsetxattr(path.join("f"), "user.canary", b"1", XattrFlags::CREATE).unwrap();
        symlink("f", path.join("link")).unwrap();
        fs::set_permissions(&deep, fs::Permissions::from_mode(0o700)).unwrap();
        let manifest = manifest(&path);
        Self { path, manifest }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as text, for tars and command lines.
    pub(crate) fn text(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Nothing of it was touched.
    #[track_caller]
    pub(crate) fn untouched(&self, after: &str) {
        let now = manifest(&self.path);
        assert_eq!(now, self.manifest, "the canary was touched by {after}");
    }
}

fn manifest(path: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    add(path, &mut all);
    all
}

fn add(path: &Path, all: &mut BTreeMap<PathBuf, String>) {
    let found = fs::symlink_metadata(path).unwrap();
    let content = if found.is_file() {
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    } else if found.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else {
        String::new()
    };
    let line = format!(
        "{:o} {}:{} links {} modified {}.{} changed {}.{} {} {content:?}",
        found.mode(),
        found.uid(),
        found.gid(),
        found.nlink(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
        attributes(path),
    );
    all.insert(path.to_owned(), line);
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            add(&entry.unwrap().path(), all);
        }
    }
}

fn attributes(path: &Path) -> String {
    let mut names = vec![0_u8; 4096];
    let length = llistxattr(path, &mut names).unwrap();
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut shown: Vec<String> = names
        .map(|name| {
            let mut value = vec![0_u8; 4096];
            let length = lgetxattr(path, std::ffi::OsStr::from_bytes(name), &mut value).unwrap();
            format!("{}={:?}", String::from_utf8_lossy(name), &value[..length])
        })
        .collect();
    shown.sort();
    shown.join(" ")
}
