//! Volumes, binds and tmpfs inside a root file system, placed by descriptor.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use minidock_proto::Descriptors;
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{FailureKind, Mount, MountSource};
use minidock_sys::mount::{Attributes, set_attributes};
use minidock_sys::process::SingleThreaded;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};

use crate::failure::{Context, Result, failure, protocol};
use crate::rootfs::{duplicate, in_root};

/// Directories that libcontainer mounts over later: what lies below would be hidden.
const COVERED: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Mounts one of them; missing targets are made and told in `created`.
pub(crate) fn place(
    root: impl AsFd + Copy,
    mount: &Mount,
    fds: &mut Descriptors,
    (single, mapping): (SingleThreaded, &Mapping),
    created: &mut Vec<PathBuf>,
) -> Result<()> {
    let target = mount.target.as_path();
    check_target(target)?;
    let tree = match &mount.source {
        MountSource::Bind { path, identity, recursive } => {
            let identity = fds.take(*identity).map_err(protocol)?;
            bind(path.as_path(), Some(&identity), *recursive)?
        }
        MountSource::Volume { path, fill } => {
            if *fill {
                fill_volume(root, target, path.as_path(), single, mapping)?;
            }
            bind(path.as_path(), None, false)?
        }
        MountSource::Tmpfs { size, inodes, mode, exec } => tmpfs(*size, *inodes, *mode, *exec)?,
    };
    let no_dev =
        Attributes { no_dev: true, no_suid: false, recursive: true, ..Attributes::default() };
    let attributes = Attributes { read_only: mount.read_only, ..no_dev };
    set_attributes(&tree, attributes)
        .context(|| format!("set the options of the mount at {}", target.display()))?;
    attach(root, &tree, target, created)
}

fn check_target(target: &Path) -> Result<()> {
    if !target.is_absolute() {
        return Err(failure(
            FailureKind::InvalidInput,
            format!("the mount target {} is not absolute", target.display()),
        ));
    }
    if target == Path::new("/") {
        return Err(failure(FailureKind::InvalidInput, "the mount target cannot be /"));
    }
    match COVERED.iter().find(|covered| target.starts_with(covered)) {
        None => Ok(()),
        Some(covered) => Err(failure(
            FailureKind::InvalidInput,
            format!(
                "the mount target {} lies in {covered}, which the container gets fresh",
                target.display()
            ),
        )),
    }
}

/// A clone of a mount of the host.
fn bind(path: &Path, identity: Option<&OwnedFd>, recursive: bool) -> Result<OwnedFd> {
    let what = || format!("mount {} into the container", path.display());
    let source =
        rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).context(what)?;
    if let Some(identity) = identity {
        let same = |fd: &OwnedFd| rustix::fs::fstat(fd).map(|s| (s.st_dev, s.st_ino));
        if same(&source).context(what)? != same(identity).context(what)? {
            return Err(failure(
                FailureKind::Conflict,
                format!("{} was replaced by something else just now", path.display()),
            ));
        }
    }
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(&source, c"", flags).context(what)
}

fn tmpfs(size: Option<u64>, inodes: Option<u64>, mode: u32, exec: bool) -> Result<OwnedFd> {
    let what = || "mount a tmpfs".to_owned();
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).context(what)?;
    let set = |key: &str, value: String| {
        rustix::mount::fsconfig_set_string(&context, key, value).context(what)
    };
    set("mode", format!("{mode:o}"))?;
    if let Some(size) = size {
        set("size", size.to_string())?;
    }
    if let Some(inodes) = inodes {
        set("nr_inodes", inodes.to_string())?;
    }
    rustix::mount::fsconfig_create(&context).context(what)?;
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    if !exec {
        attributes |= MountAttrFlags::MOUNT_ATTR_NOEXEC;
    }
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).context(what)
}

/// Binds a file that the runtime wrote itself (/etc/hosts and its like).
pub(crate) fn bind_own_file(
    root: impl AsFd + Copy,
    path: &Path,
    target: &Path,
    created: &mut Vec<PathBuf>,
) -> Result<()> {
    let tree = bind(path, None, false)?;
    attach(root, &tree, target, created)
}

fn attach(
    root: impl AsFd + Copy,
    tree: &OwnedFd,
    target: &Path,
    created: &mut Vec<PathBuf>,
) -> Result<()> {
    let what = || format!("mount at {}", target.display());
    let stat = rustix::fs::fstat(tree).context(what)?;
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let point = if is_directory {
        in_root::directory(root, target, created)?
    } else {
        in_root::file(root, target, created)?
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(tree, c"", &point, c"", flags).context(what)
}

/// Copies what the image has at the target into an empty volume, as docker does.
fn fill_volume(
    root: impl AsFd + Copy,
    target: &Path,
    volume: &Path,
    single: SingleThreaded,
    mapping: &Mapping,
) -> Result<()> {
    let what = || format!("fill the volume for {}", target.display());
    if std::fs::read_dir(volume).context(what)?.next().is_some() {
        return Ok(());
    }
    let Ok(source) = in_root::open(root, target, OFlags::RDONLY | OFlags::DIRECTORY) else {
        return Ok(());
    };
    let destination = rustix::fs::open(
        volume,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context(what)?;
    let stat = rustix::fs::fstat(&source).context(what)?;
    let copy = rustix::io::fcntl_dupfd_cloexec(&destination, 3).context(what)?;
    duplicate::duplicate(single, source, copy, mapping).map_err(|mut failure| {
        failure.message = format!("{}: {}", what(), failure.message);
        failure
    })?;
    use rustix::fs::{Gid, Uid};
    rustix::fs::chownat(
        &destination,
        c"",
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
        AtFlags::EMPTY_PATH,
    )
    .context(what)?;
    rustix::fs::fchmod(&destination, Mode::from_raw_mode(stat.st_mode & 0o7777)).context(what)
}
