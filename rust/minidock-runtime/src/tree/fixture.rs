//! For tests: tars of any order and content, trees as text, and a canary beside each tree.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use minidock_image::layer::{EntryKind, EntryPath, LayerIndex};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::Layer;

use crate::failure::Result;

/// A tar, member by member.
#[derive(Default, Clone)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    pub(super) fn member(mut self, flag: u8, name: &str, link: &str, body: &[u8]) -> Self {
        self.push(flag, name, link, body, (0o755, 0, 0, 7), (0, 0));
        self
    }

    pub(super) fn owned(mut self, flag: u8, name: &str, mode: u32, uid: u32, gid: u32) -> Self {
        self.push(flag, name, "", b"", (mode, uid, gid, 7), (0, 0));
        self
    }

    pub(super) fn device(mut self, flag: u8, name: &str, major: u32, minor: u32) -> Self {
        self.push(flag, name, "", b"", (0o600, 0, 0, 7), (major, minor));
        self
    }

    pub(super) fn file(self, name: &str, body: &str) -> Self {
        self.member(b'0', name, "", body.as_bytes())
    }

    pub(super) fn directory(self, name: &str) -> Self {
        self.member(b'5', name, "", b"")
    }

    pub(super) fn symlink(self, name: &str, target: &str) -> Self {
        self.member(b'2', name, target, b"")
    }

    pub(super) fn hardlink(self, name: &str, target: &str) -> Self {
        self.member(b'1', name, target, b"")
    }

    /// PAX records for the next member.
    pub(super) fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut len = rest + 1;
            while rest + len.to_string().len() != len {
                len += 1;
            }
            body.extend_from_slice(format!("{len} {key}=").as_bytes());
            body.extend_from_slice(value);
            body.push(b'\n');
        }
        self.push(b'x', "pax", "", &body, (0o644, 0, 0, 0), (0, 0));
        self
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }

    fn push(
        &mut self,
        flag: u8,
        name: &str,
        link: &str,
        body: &[u8],
        (mode, uid, gid, mtime): (u32, u32, u32, u64),
        (major, minor): (u32, u32),
    ) {
        let mut header = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        assert!(name.len() <= 100 && link.len() <= 100);
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, format!("{uid:07o}").as_bytes());
        put(116, format!("{gid:07o}").as_bytes());
        put(124, format!("{:011o}", body.len()).as_bytes());
        put(136, format!("{mtime:011o}").as_bytes());
        put(148, b"        ");
        put(156, &[flag]);
        put(157, link.as_bytes());
        put(257, b"ustar\x0000");
        put(329, format!("{major:07o}").as_bytes());
        put(337, format!("{minor:07o}").as_bytes());
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }
}

/// A tree with a canary beside it that nothing may touch.
pub(super) struct Place {
    pub(super) directory: tempfile::TempDir,
    before: BTreeMap<PathBuf, String>,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let canary = directory.path().join("canary");
        fs::create_dir(&canary).unwrap();
        fs::create_dir(canary.join("d")).unwrap();
        fs::write(canary.join("f"), "canary").unwrap();
        fs::set_permissions(canary.join("f"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(directory.path().join("tree")).unwrap();
        let before = manifest(&canary);
        Self { directory, before }
    }

    pub(super) fn canary(&self) -> String {
        self.directory.path().join("canary").to_str().unwrap().to_owned()
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.directory.path().join("tree")
    }

    pub(super) fn fd(&self) -> OwnedFd {
        File::open(self.tree()).unwrap().into()
    }

    /// Whether modes, times, sizes and names of the canary are as they were.
    pub(super) fn assert_untouched(&self) {
        assert_eq!(manifest(&self.directory.path().join("canary")), self.before);
    }

    pub(super) fn unpack(&self, tar: &[u8]) -> Result<(Layer, LayerIndex)> {
        self.unpack_as(tar, &own())
    }

    pub(super) fn unpack_as(&self, tar: &[u8], mapping: &Mapping) -> Result<(Layer, LayerIndex)> {
        let mut index = tempfile::tempfile().unwrap();
        let done = super::unpack(tar, self.fd(), Some(index.try_clone().unwrap()), mapping);
        self.assert_untouched();
        let layer = done?;
        index.rewind().unwrap();
        Ok((layer, LayerIndex::read(index).unwrap()))
    }

    /// The tree as lines: type, path, mode, content or target.
    pub(super) fn lines(&self) -> Vec<String> {
        let tree = self.tree();
        let mut lines = Vec::new();
        walk(&tree, &mut |path| {
            let name = path.strip_prefix(&tree).unwrap().to_str().unwrap().to_owned();
            lines.push(describe(path, &name));
        });
        lines.sort();
        lines
    }
}

/// The mapping of whoever runs the test: one id.
pub(super) fn own() -> Mapping {
    Mapping::single(rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
}

pub(super) fn path(text: &str) -> EntryPath {
    EntryPath::try_from(text).unwrap()
}

/// An index file that was written before.
pub(super) fn index_file(index: &LayerIndex) -> File {
    let mut file = index.write(tempfile::tempfile().unwrap()).unwrap();
    file.rewind().unwrap();
    file
}

/// The index as lines: path, what it is, mode, owner.
pub(super) fn index_lines(index: &LayerIndex) -> Vec<String> {
    let line = |entry: &minidock_image::layer::Entry| {
        let kind = match &entry.kind {
            EntryKind::Directory { opaque, implied } => {
                let opaque = if *opaque { " opaque" } else { "" };
                let implied = if *implied { " implied" } else { "" };
                format!("directory{opaque}{implied}")
            }
            EntryKind::File { size, .. } => format!("file {size}"),
            EntryKind::Symlink { target } => format!("-> {}", String::from_utf8_lossy(target)),
            EntryKind::Hardlink { target } => format!("= {}", target.display()),
            EntryKind::CharDevice { major, minor } => format!("char {major}:{minor}"),
            EntryKind::BlockDevice { major, minor } => format!("block {major}:{minor}"),
            EntryKind::Fifo => "fifo".to_owned(),
            EntryKind::Whiteout => return format!("{} whiteout", entry.path.display()),
        };
        let (mode, uid, gid) = (entry.mode, entry.uid, entry.gid);
        format!("{} {kind} {mode:o} {uid}:{gid}", entry.path.display())
    };
    index.entries().iter().map(line).collect()
}

fn manifest(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    walk(root, &mut |path| {
        let meta = fs::symlink_metadata(path).unwrap();
        let text = format!(
            "{:o} {} {} {} {}.{} {}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.nlink(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.size()
        );
        found.insert(path.to_owned(), text);
    });
    found
}

fn walk(root: &Path, visit: &mut impl FnMut(&Path)) {
    visit(root);
    if fs::symlink_metadata(root).unwrap().is_dir() {
        for entry in fs::read_dir(root).unwrap() {
            walk(&entry.unwrap().path(), visit);
        }
    }
}

fn describe(path: &Path, name: &str) -> String {
    let meta = fs::symlink_metadata(path).unwrap();
    let mode = meta.mode() & 0o7777;
    match meta.mode() & libc::S_IFMT {
        libc::S_IFDIR => format!("{name}/ {mode:o}"),
        libc::S_IFLNK => format!("{name} -> {}", fs::read_link(path).unwrap().display()),
        libc::S_IFREG => {
            let mut text = String::new();
            File::open(path).unwrap().read_to_string(&mut text).unwrap();
            format!("{name} {mode:o} {text:?}")
        }
        libc::S_IFIFO => format!("{name} fifo {mode:o}"),
        libc::S_IFCHR => format!("{name} char {}", meta.rdev()),
        other => format!("{name} type {other:o}"),
    }
}
