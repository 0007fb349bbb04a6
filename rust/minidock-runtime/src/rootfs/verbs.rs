//! The verbs that make and read layers: each joins the user namespace, mounts what it needs in
//! a mount namespace of its own, and calls [`crate::tree`].

use std::fs::File;
use std::io::BufReader;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use minidock_image::layer::{EntryPath, LayerIndex};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{
    Answer, Commit, Copy, Export, FailureKind, Layer, Read, Rootfs, Scan, Unpack,
};
use minidock_proto::{Bytes, Descriptors, Fd};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::SingleThreaded;
use rustix::fs::{Mode, OFlags};
use rustix::mount::UnmountFlags;

use crate::accounts::Accounts;
use crate::failure::{Context, Result, failure, protocol};
use crate::join;
use crate::rootfs::overlay;
use crate::rootfs::scratch::{self, Scratch};
use crate::spawned::Spawned;
use crate::tree::{self, Destination, Overrides};

/// How much of a stream is read at once: headers of small files are 512 bytes each.
const STREAM_LEN: usize = 256 * 1024;

/// Opened files of a [`Commit`].
pub(crate) struct CommitFiles {
    index: File,
    parents: Vec<File>,
}

impl CommitFiles {
    pub(crate) fn take(commit: &Commit, fds: &mut Descriptors) -> Result<Self> {
        let index = File::from(fds.take(commit.index).map_err(protocol)?);
        let parents = files(&commit.parents, fds)?;
        Ok(Self { index, parents })
    }

    /// Makes the upper directory uniform and writes its index.
    pub(crate) fn scan(
        self,
        upper: OwnedFd,
        mapping: &Mapping,
        mount_points: &[PathBuf],
        overrides: &Overrides,
    ) -> Result<Layer> {
        let parents = indexes(self.parents)?;
        let ignore = mount_points
            .iter()
            .filter_map(|path| {
                let path = path.as_os_str().as_encoded_bytes();
                EntryPath::parse(path.strip_prefix(b"/").unwrap_or(path)).ok()
            })
            .collect::<Vec<_>>();
        tree::scan(upper, &parents, mapping, &ignore, overrides, self.index)
    }
}

/// Reads the indexes of layers.
pub(super) fn indexes(files: Vec<File>) -> Result<Vec<LayerIndex>> {
    files
        .into_iter()
        .map(|file| {
            LayerIndex::read(BufReader::new(file)).map_err(|error| {
                failure(FailureKind::Corrupt, format!("a layer's index is damaged: {error}"))
            })
        })
        .collect()
}

pub(super) fn files(numbers: &[Fd], fds: &mut Descriptors) -> Result<Vec<File>> {
    numbers.iter().map(|fd| fds.take(*fd).map(File::from).map_err(protocol)).collect()
}

/// Opens a directory of the store.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).context(|| format!("open {}", path.display()))
}

/// [`minidock_proto::request::Verb::Unpack`].
pub(crate) fn unpack(unpack: Unpack, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, unpack.join)?;
    let tar = File::from(spawned.fds.take(unpack.tar).map_err(protocol)?);
    let tar = BufReader::with_capacity(STREAM_LEN, tar);
    let tree = spawned.fds.take(unpack.tree).map_err(protocol)?;
    let index = spawned.fds.take_optional(unpack.index).map_err(protocol)?.map(File::from);
    tree::unpack(tar, tree, index, &unpack.mapping).map(Answer::Layer)
}

/// [`minidock_proto::request::Verb::Scan`].
pub(crate) fn scan(scan: Scan, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, scan.join)?;
    let upper = spawned.fds.take(scan.upper).map_err(protocol)?;
    let commit = CommitFiles::take(&scan.commit, &mut spawned.fds)?;
    commit.scan(upper, &scan.mapping, &[], &Overrides::none()).map(Answer::Layer)
}

/// [`minidock_proto::request::Verb::Export`].
pub(crate) fn export(export: Export, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, export.join)?;
    let tree = spawned.fds.take(export.tree).map_err(protocol)?;
    let index = File::from(spawned.fds.take(export.index).map_err(protocol)?);
    let tar = File::from(spawned.fds.take(export.tar).map_err(protocol)?);
    tree::export(tree, index, tar)?;
    Ok(Answer::Done)
}

/// [`minidock_proto::request::Verb::Copy`].
pub(crate) fn copy(copy: Copy, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, copy.join)?;
    let sources = File::from(spawned.fds.take(copy.sources).map_err(protocol)?);
    let sources = BufReader::with_capacity(STREAM_LEN, sources);
    let commit = CommitFiles::take(&copy.commit, &mut spawned.fds)?;
    let upper = copy
        .rootfs
        .upper
        .as_ref()
        .ok_or_else(|| failure(FailureKind::InvalidInput, "there is no layer to copy into"))?;
    let upper = open_directory(upper.directory.as_path())?;
    let (scratch, root) = mounted(spawned.single, &copy.scratch, &copy.rootfs)?;
    let chown = match &copy.chown {
        Some(owner) => Some(Accounts::open(root.as_fd())?.owner(owner)?),
        None => None,
    };
    let destination = Destination {
        path: copy.destination.as_path(),
        into_directory: copy.into_directory,
        chown,
        chmod: copy.chmod,
        mapping: &copy.mapping,
        upper: Some(upper.as_fd()),
    };
    let overrides = tree::copy(root, sources, &destination)?;
    rustix::mount::unmount(&scratch.rootfs, UnmountFlags::DETACH)
        .context(|| "unmount the layers".into())?;
    commit.scan(upper, &copy.mapping, &[], &overrides).map(Answer::Layer)
}

/// [`minidock_proto::request::Verb::Read`].
pub(crate) fn read(read: Read, mut spawned: Spawned) -> Result<Answer> {
    let _joined = join::enter_with(spawned.single, &mut spawned.fds, read.join)?;
    let tar = File::from(spawned.fds.take(read.tar).map_err(protocol)?);
    let (_scratch, root) = mounted(spawned.single, &read.scratch, &read.rootfs)?;
    let indexes = indexes(files(&read.parents, &mut spawned.fds)?)?;
    let matched = tree::read(root, &read.paths, &indexes, &read.mapping, tar)?;
    Ok(Answer::Read { matched })
}

/// Mounts the layers in a mount namespace of this process alone.
fn mounted(single: SingleThreaded, scratch: &Bytes, rootfs: &Rootfs) -> Result<(Scratch, OwnedFd)> {
    namespace::unshare(single, Kinds::MOUNT).context(|| "make a mount namespace".into())?;
    let scratch = scratch::mount(scratch.as_path())?;
    overlay::mount(rootfs, &scratch, &scratch.rootfs, "")?;
    let root = open_directory(&scratch.rootfs)?;
    Ok((scratch, root))
}
