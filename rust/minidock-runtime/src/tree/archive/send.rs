//! What is at a path of a container, as a tar stream.
//!
//! A running container goes on meanwhile: what vanishes or changes its type between two looks is
//! left out, as it would be a moment later.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use minidock_image::layer::{EntryPath, LayerIndex, Mtime};
use minidock_image::tar::{PlainEntry, PlainKind, PlainTarWriter};
use minidock_proto::archive::{Copied, PathStat};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::FailureKind;
use rustix::fs::{
    AtFlags, Dir, FileType, OFlags, Stat, fstat, fstatfs, major, minor, readlinkat, statat,
};
use rustix::io::Errno;

use super::super::scan::Below;
use super::super::xattr::{self, Xattrs};
use super::super::{BUFFER_LEN, owner, tar_write_failure};
use super::{Place, beneath, describe, resolve};
use crate::failure::{Context as _, Result, failure};

/// Filesystems of the kernel (linux/magic.h): what is in them is no file of the container.
const OF_THE_KERNEL: [u32; 13] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0xcafe_4a11, // bpf
    0x4249_4e4d, // binfmt_misc
    0x6e73_6673, // nsfs
];

/// Where files come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The root file system.
    pub(crate) root: BorrowedFd<'a>,
    /// What is copied.
    pub(crate) place: &'a Place,
    /// Indexes of the layers below, topmost first: they have the owners that `mapping` cannot
    /// represent; without them such files are root's.
    pub(crate) indexes: &'a [LayerIndex],
    /// Ids of the user namespace.
    pub(crate) mapping: &'a Mapping,
}

/// Writes a tar stream whose paths begin with the last component of the place, or with nothing
/// where contents are meant. `tell` hears what is there before anything is written.
pub(crate) fn send(
    from: Source<'_>,
    tar: impl Write,
    tell: impl FnOnce(PathStat) -> Result<()>,
) -> Result<Copied> {
    let doing = || format!("read {}", from.place.path.display());
    let fd = from.place.open(from.root, OFlags::PATH)?;
    let stat = fstat(&fd).context(doing)?;
    tell(describe(from.root, from.place, &stat)?)?;
    let name = match from.place.contents {
        true => EntryPath::root(),
        false => match from.place.path.file_name() {
            None => EntryPath::root(),
            Some(name) => step(&EntryPath::root(), name.as_encoded_bytes())?,
        },
    };
    let real = resolve(from.root, &from.place.path)?;
    let real = real.as_os_str().as_encoded_bytes();
    let real = EntryPath::parse(real.strip_prefix(b"/").unwrap_or(real))
        .map_err(|error| failure(FailureKind::InvalidInput, error.to_string()))?;
    let mut sending = Sending {
        from,
        writer: PlainTarWriter::new(BufWriter::with_capacity(BUFFER_LEN, tar)),
        links: HashMap::new(),
        copied: Copied::default(),
        buffer: vec![0; BUFFER_LEN],
    };
    let parent = Below::at(from.indexes, &real.parent().unwrap_or_default());
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let top = from.place.open(from.root, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let below = if real.is_root() { parent } else { parent.enter(&real) };
            sending.tree(&top, name, real, below)?;
        }
        kind => {
            let open = |flags| from.place.open(from.root, flags);
            let owner = sending.owner(parent.entry(&real));
            let link = (kind == FileType::Symlink)
                .then(|| readlinkat(&fd, c"", Vec::new()).context(doing))
                .transpose()?
                .map(std::ffi::CString::into_bytes);
            if kind == FileType::Socket {
                let text =
                    format!("{} is a socket, which cannot be copied", from.place.path.display());
                return Err(failure(FailureKind::InvalidInput, text));
            }
            if kind == FileType::RegularFile {
                let file = open(OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
                sending.file(name, file, owner)?;
            } else {
                sending.special(name, &stat, link, owner)?;
            }
        }
    }
    sending.writer.finish().map_err(|error| tar_write_failure(&error))?;
    Ok(sending.copied)
}

type Owner = Option<(u32, u32)>;

struct Sending<'a, W: Write> {
    from: Source<'a>,
    writer: PlainTarWriter<BufWriter<W>>,
    /// Files with several names that were written already.
    links: HashMap<(u64, u64), EntryPath>,
    copied: Copied,
    buffer: Vec<u8>,
}

/// A directory on the way.
struct Frame<'a> {
    /// Its path in the stream.
    path: EntryPath,
    /// Its path below the top.
    within: EntryPath,
    /// Its path in the container.
    real: EntryPath,
    /// Names that are still to come, the next one last.
    names: Vec<Vec<u8>>,
    device: u64,
    below: Below<'a>,
}

impl<'a, W: Write> Sending<'a, W> {
    /// A directory with all that is in it. Only two directories are open at any time.
    fn tree(
        &mut self,
        top: &OwnedFd,
        path: EntryPath,
        real: EntryPath,
        below: Below<'a>,
    ) -> Result<()> {
        let mut here = top.try_clone().context(|| "copy a descriptor".into())?;
        let first = self.enter(&here, path, EntryPath::root(), real, below, None)?;
        let mut frames = vec![first];
        while let Some(frame) = frames.last_mut() {
            let Some(name) = frame.names.pop() else {
                frames.pop();
                let Some(parent) = frames.last_mut() else { break };
                match beneath(top.as_fd(), parent.within.as_bytes(), directory()) {
                    Ok(fd) => here = fd,
                    // Moved away: what is left of it is not there any more.
                    Err(errno) if is_change(errno) => parent.names.clear(),
                    Err(errno) => return Err(errno).context(|| reading(&parent.path)),
                }
                continue;
            };
            if let Some((fd, next)) = self.child(&here, frame, &name)? {
                here = fd;
                frames.push(next);
            }
        }
        Ok(())
    }

    /// Writes a directory's own entry and lists it.
    fn enter(
        &mut self,
        fd: &OwnedFd,
        path: EntryPath,
        within: EntryPath,
        real: EntryPath,
        below: Below<'a>,
        outer: Option<u64>,
    ) -> Result<Frame<'a>> {
        let doing = || reading(&path);
        let stat = fstat(fd).context(doing)?;
        let owner = self.owner(below.own_entry(&real));
        let xattrs = attributes(fd.as_fd(), &path)?;
        self.put(entry(&path, PlainKind::Directory, &stat, xattrs, owner), io::empty())?;
        let device = stat.st_dev;
        let magic = fstatfs(fd).context(doing)?.f_type as u32;
        let foreign = outer != Some(device) && OF_THE_KERNEL.contains(&magic);
        let names = if foreign { Vec::new() } else { list(fd, &path)? };
        Ok(Frame { path, within, real, names, device, below })
    }

    /// One name; a directory is entered.
    fn child(
        &mut self,
        here: &OwnedFd,
        frame: &Frame<'a>,
        name: &[u8],
    ) -> Result<Option<(OwnedFd, Frame<'a>)>> {
        let path = step(&frame.path, name)?;
        let doing = || reading(&path);
        let stat = match statat(here, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(errno) if is_change(errno) => return Ok(None),
            other => other.context(doing)?,
        };
        let real = step(&frame.real, name)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let fd = match beneath(here.as_fd(), name, directory()) {
                    Err(errno) if is_change(errno) => return Ok(None),
                    other => other.context(doing)?,
                };
                let within = step(&frame.within, name)?;
                let below = frame.below.enter(&real);
                let next = self.enter(&fd, path, within, real, below, Some(frame.device))?;
                return Ok(Some((fd, next)));
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                match beneath(here.as_fd(), name, flags) {
                    Err(errno) if is_change(errno) => {}
                    other => {
                        let owner = self.owner(frame.below.entry(&real));
                        let file = other.context(doing)?;
                        self.file(path, file, owner)?;
                    }
                }
            }
            FileType::Symlink => {
                let target = match readlinkat(here, name, Vec::new()) {
                    Err(errno) if is_change(errno) => return Ok(None),
                    other => other.context(doing)?,
                };
                let owner = self.owner(frame.below.entry(&real));
                self.special(path, &stat, Some(target.into_bytes()), owner)?;
            }
            FileType::Socket => self.copied.skipped += 1,
            _ => {
                let owner = self.owner(frame.below.entry(&real));
                self.special(path, &stat, None, owner)?;
            }
        }
        Ok(None)
    }

    /// A file that was opened; what it turned out to be counts, not what it was before.
    fn file(&mut self, path: EntryPath, file: OwnedFd, owner: Owner) -> Result<()> {
        let doing = || reading(&path);
        let stat = fstat(&file).context(doing)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(());
        }
        if let Some(link) = self.linked(&path, &stat, owner) {
            return self.put(link, io::empty());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let xattrs = attributes(file.as_fd(), &path)?;
        self.copied.bytes += size;
        self.put(entry(&path, PlainKind::File { size }, &stat, xattrs, owner), File::from(file))
    }

    fn special(
        &mut self,
        path: EntryPath,
        stat: &Stat,
        link: Option<Vec<u8>>,
        owner: Owner,
    ) -> Result<()> {
        let numbers = (major(stat.st_rdev), minor(stat.st_rdev));
        let kind = match (FileType::from_raw_mode(stat.st_mode), link) {
            (_, Some(target)) => PlainKind::Symlink { target },
            (FileType::CharacterDevice, _) => PlainKind::CharDevice(numbers.0, numbers.1),
            (FileType::BlockDevice, _) => PlainKind::BlockDevice(numbers.0, numbers.1),
            (FileType::Fifo, _) => PlainKind::Fifo,
            _ => return Ok(()),
        };
        if let Some(link) = self.linked(&path, stat, owner) {
            return self.put(link, io::empty());
        }
        self.put(entry(&path, kind, stat, Xattrs::new(), owner), io::empty())
    }

    /// The entry for another name of what was written before.
    fn linked(&mut self, path: &EntryPath, stat: &Stat, owner: Owner) -> Option<PlainEntry> {
        if stat.st_nlink < 2 {
            return None;
        }
        let identity = (stat.st_dev, stat.st_ino);
        if let Some(target) = self.links.get(&identity) {
            let kind = PlainKind::Hardlink { target: target.clone() };
            return Some(entry(path, kind, stat, Xattrs::new(), owner));
        }
        self.links.insert(identity, path.clone());
        None
    }

    fn put(&mut self, entry: PlainEntry, content: impl io::Read) -> Result<()> {
        self.copied.entries += 1;
        let written = self.writer.append(&entry, content, &mut self.buffer);
        written.map_err(|error| tar_write_failure(&error))
    }

    /// What the index says, if the tree cannot.
    fn owner(&self, entry: Option<&minidock_image::layer::Entry>) -> Owner {
        let owner = entry.map(|entry| (entry.uid, entry.gid));
        owner.filter(|(uid, gid)| owner::is_flattened(self.from.mapping, *uid, *gid))
    }
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY
}

/// The container was faster: what was there is gone, or is something else now.
fn is_change(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL | Errno::NXIO)
}

fn reading(path: &EntryPath) -> String {
    format!("read {:?} of the container", path.display())
}

fn entry(
    path: &EntryPath,
    kind: PlainKind,
    stat: &Stat,
    xattrs: Xattrs,
    owner: Owner,
) -> PlainEntry {
    let (uid, gid) = owner.unwrap_or((stat.st_uid, stat.st_gid));
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    let mtime = Mtime { secs: stat.st_mtime, nanos };
    PlainEntry { path: path.clone(), kind, mode: stat.st_mode & 0o7777, uid, gid, mtime, xattrs }
}

fn attributes(file: BorrowedFd<'_>, path: &EntryPath) -> Result<Xattrs> {
    let mut xattrs =
        xattr::get(file).context(|| format!("read the attributes of {:?}", path.display()))?;
    xattrs.retain(|name, _| !xattr::is_overlay(name));
    Ok(xattrs)
}

/// The names in a directory, in descending order: the next one is taken from the end.
fn list(fd: &OwnedFd, path: &EntryPath) -> Result<Vec<Vec<u8>>> {
    let doing = || format!("list {:?} of the container", path.display());
    let mut names = Vec::new();
    for entry in Dir::read_from(fd).context(doing)? {
        let entry = entry.context(doing)?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

fn step(directory: &EntryPath, name: &[u8]) -> Result<EntryPath> {
    directory.join(name).map_err(|error| {
        let name = String::from_utf8_lossy(name);
        let text = format!("{name:?} in {:?} cannot be copied: {error}", directory.display());
        failure(FailureKind::InvalidInput, text)
    })
}
