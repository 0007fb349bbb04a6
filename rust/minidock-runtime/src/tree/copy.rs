//! COPY and ADD into a mounted root file system, as BuildKit lays files out.
//!
//! The destination is resolved within the root; beneath it nothing is followed: a name that
//! exists is replaced itself, and a symbolic link never stands in for a directory. The writable
//! layer is scanned afterwards; what it cannot hold comes back as overrides for that.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use minidock_image::layer::{Entry, EntryKind, EntryPath};
use minidock_image::tar::{LayerTarReader, TarEntry, TarFile};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{Failure, FailureKind};
use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, fchmod, fchown, statat, unlinkat};
use rustix::io::Errno;

use super::beneath::{self, Parents};
use super::overrides::{Override, Overrides};
use super::resolve::{Resolved, resolve};
use super::write::{self, CopyError, Dress};
use super::xattr;
use super::{BUFFER_LEN, owner, tar_failure};
use crate::failure::{Context as _, Result, failure, failure_with_hint, kind_of};

/// Where and how files are copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    /// Absolute path in the root file system.
    pub(crate) path: &'a Path,
    /// It is a directory whatever exists there now.
    pub(crate) into_directory: bool,
    /// Owner of everything, created parents, too; else what the tar says, parents root's.
    pub(crate) chown: Option<(u32, u32)>,
    /// Mode of all files and directories; else what the tar says.
    pub(crate) chmod: Option<u32>,
    /// Ids of the user namespace.
    pub(crate) mapping: &'a Mapping,
    /// The upper directory, where the kernel's overlayfs serves the root: directories that are
    /// made are filled there, beside the overlay, which costs half of the time. Nothing asks the
    /// overlay about what is in them.
    pub(crate) upper: Option<BorrowedFd<'a>>,
}

/// Copies what a tar stream holds beneath `root`, a mounted and writable root file system.
///
/// An entry for the stream's root says that directories' contents are copied; without one, and
/// unless the destination is a directory, a single file takes the destination's name.
/// Directories that exist get mode, owner and time of their source, but for the destination
/// itself. Missing parents get mode 0755.
pub(crate) fn copy(root: OwnedFd, sources: impl Read, to: &Destination<'_>) -> Result<Overrides> {
    let resolved = resolve(root.as_fd(), to.path.as_os_str().as_bytes())?;
    let upper = match to.upper {
        Some(upper) => Some(upper.try_clone_to_owned().context(|| "open the layer".into())?),
        None => None,
    };
    let mut copying = Copying {
        parents: Parents::new(root),
        upper: upper.map(Parents::new),
        made: HashSet::new(),
        to,
        resolved,
        base: None,
        overrides: Overrides::none(),
        directories: BTreeMap::new(),
        written: BTreeSet::new(),
    };
    let mut reader = LayerTarReader::new(sources);
    let mut buffer = vec![0; BUFFER_LEN];
    while let Some(next) = reader.next_entry().map_err(|error| tar_failure(&error))? {
        match next {
            TarEntry::Entry(entry) => copying.entry(entry)?,
            TarEntry::File(file) => copying.file(file, &mut buffer)?,
        }
    }
    copying.dress_directories()?;
    Ok(copying.overrides)
}

/// What the stream's paths are relative to.
enum Base {
    /// A directory.
    Directory(EntryPath),
    /// The one file of the stream takes this name.
    File(EntryPath),
    /// It was taken.
    Taken,
}

struct Copying<'a> {
    parents: Parents,
    upper: Option<Parents>,
    /// Directories that were not there before: the layers below have nothing in them.
    made: HashSet<EntryPath>,
    to: &'a Destination<'a>,
    resolved: Resolved,
    base: Option<Base>,
    overrides: Overrides,
    /// Directories to be given attributes at the end.
    directories: BTreeMap<EntryPath, Entry>,
    /// What hard links may lead to.
    written: BTreeSet<EntryPath>,
}

impl Copying<'_> {
    fn entry(&mut self, mut entry: Entry) -> Result<()> {
        let is_directory = entry.is_directory();
        let source = entry.path.clone();
        entry.path = self.place(&source, is_directory)?;
        (entry.uid, entry.gid) = self.to.chown.unwrap_or((entry.uid, entry.gid));
        let has_mode = !matches!(entry.kind, EntryKind::Symlink { .. });
        entry.mode = self.to.chmod.filter(|_| has_mode).unwrap_or(entry.mode) & 0o7777;
        match entry.kind.clone() {
            EntryKind::Whiteout | EntryKind::Directory { implied: true, .. } => {
                let text = format!(
                    "cannot copy a marker of deletion (.wh.) for {:?}: rename the source",
                    source.display()
                );
                Err(failure(FailureKind::InvalidInput, text))
            }
            EntryKind::Directory { .. } if source.is_root() => Ok(()),
            EntryKind::Directory { .. } => self.directory(entry),
            EntryKind::Hardlink { target } => self.hardlink(&entry, &target),
            _ => self.special(entry),
        }
    }

    fn file<R: Read>(&mut self, mut file: TarFile<'_, R>, buffer: &mut [u8]) -> Result<()> {
        let path = self.place(&file.path().clone(), false)?;
        let doing = || format!("copy to {:?}", path.display());
        let mut made = self.new_file(&path)?;
        match write::content(&mut file, &mut made, buffer) {
            Ok(()) => {}
            Err(CopyError::Write(error)) => return Err(error).context(doing),
            Err(CopyError::Read(error)) => {
                let text = format!("cannot read the source of {:?}: {error}", path.display());
                return Err(failure(kind_of(&error), text));
            }
        }
        let mut entry = file.into_entry().map_err(|error| tar_failure(&error))?;
        entry.path = path.clone();
        (entry.uid, entry.gid) = self.to.chown.unwrap_or((entry.uid, entry.gid));
        entry.mode = self.to.chmod.unwrap_or(entry.mode) & 0o7777;
        let parent = entry.path.parent().unwrap_or_default();
        let dress = dress(self.to.mapping, &entry, self.inherits(&parent));
        let refused = dress.put_on(made.as_fd()).context(doing)?;
        // A directory's default access list would have come down on the file.
        let all_known = xattr::has_only(made.as_fd(), &entry.xattrs).context(doing)?;
        match entry.kind {
            EntryKind::File { size, digest } if all_known => {
                let (owner, xattrs) = (Some((entry.uid, entry.gid)), entry.xattrs);
                let content = Some((size, digest));
                self.overrides
                    .put(path.clone(), Override { owner, xattrs, content, ..Override::default() });
            }
            _ => self.note(&entry, refused),
        }
        self.written.insert(path);
        Ok(())
    }

    /// A new empty file. Mostly nothing is in the way: what is there is looked at only if the
    /// kernel says so.
    fn new_file(&mut self, path: &EntryPath) -> Result<File> {
        let doing = || format!("copy to {:?}", path.display());
        let (parent, name) = split(path)?;
        match self.open(&parent).and_then(|parent| write::file(parent, name)) {
            Err(Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            other => return other.context(doing),
        }
        self.prepare(path)?;
        let parent = self.open(&parent).context(doing)?;
        write::file(parent, name).context(doing)
    }

    /// The path of an entry in the root file system; the first one decides what paths are
    /// relative to.
    fn place(&mut self, source: &EntryPath, is_directory: bool) -> Result<EntryPath> {
        let base = match self.base.take() {
            Some(base) => base,
            None => self.decide(source, is_directory)?,
        };
        match base {
            Base::Directory(base) => {
                let path = join(&base, source)?;
                self.base = Some(Base::Directory(base));
                Ok(path)
            }
            Base::File(path) => {
                self.base = Some(Base::Taken);
                Ok(path)
            }
            Base::Taken => {
                let text = format!(
                    "cannot copy several files to {:?}, which is not a directory",
                    self.to.path
                );
                let hint = "end the destination with a slash";
                Err(failure_with_hint(FailureKind::InvalidInput, text, hint))
            }
        }
    }

    fn decide(&mut self, source: &EntryPath, is_directory: bool) -> Result<Base> {
        let path = self.resolved.path.clone();
        let is_one_file = !is_directory && source.components().count() == 1;
        match self.resolved.found {
            Some(FileType::Directory) => Ok(Base::Directory(path)),
            Some(_) if !self.to.into_directory && is_one_file => Ok(Base::File(path)),
            None if !self.to.into_directory && is_one_file => {
                self.make_directories(&path.parent().unwrap_or_default())?;
                Ok(Base::File(path))
            }
            None => {
                self.make_directories(&path)?;
                Ok(Base::Directory(path))
            }
            Some(_) => {
                let text = format!("cannot copy into {:?}: it is not a directory", self.to.path);
                Err(failure(FailureKind::InvalidInput, text))
            }
        }
    }

    fn directory(&mut self, entry: Entry) -> Result<()> {
        let doing = || format!("copy to {:?}", entry.path.display());
        match self.look(&entry.path)? {
            Some(FileType::Directory) => {}
            Some(_) => {
                let text = format!(
                    "cannot copy a directory onto {:?}, which is not one",
                    entry.path.display()
                );
                let hint = "copy its contents to where the link leads, or delete it first";
                return Err(failure_with_hint(FailureKind::InvalidInput, text, hint));
            }
            None => {
                let (parent, name) = split(&entry.path)?;
                let parent = self.open(&parent).context(doing)?;
                write::directory(parent, name).context(doing)?;
                self.made.insert(entry.path.clone());
                // Without the set-group-ID bit that it may have got from the one above.
                let fd = beneath::listable(self.root_of(&entry.path), &entry.path);
                fchmod(fd.context(doing)?, Mode::RWXU).context(doing)?;
            }
        }
        self.directories.insert(entry.path.clone(), entry);
        Ok(())
    }

    fn hardlink(&mut self, entry: &Entry, target: &EntryPath) -> Result<()> {
        let Some(Base::Directory(base)) = &self.base else {
            return Err(lost_link(entry, target));
        };
        let real = join(base, target)?;
        if let Some(Override { absent: Some(device), .. }) = self.overrides.get(&real) {
            let device = Entry { path: entry.path.clone(), ..device.clone() };
            self.prepare(&entry.path)?;
            self.overrides
                .put(entry.path.clone(), Override { absent: Some(device), ..Override::default() });
            return Ok(());
        }
        if !self.written.contains(&real) || real == entry.path {
            return Err(lost_link(entry, target));
        }
        self.prepare(&entry.path)?;
        let doing = || format!("link {:?}", entry.path.display());
        let (from, from_name) = split(&real)?;
        let (parent, name) = split(&entry.path)?;
        // Both on the side of the new name, which finds the other one, too.
        let from = beneath::directory(self.root_of(&parent), &from).context(doing)?;
        let parent = self.open(&parent).context(doing)?;
        write::link(from.as_fd(), from_name, parent, name).context(doing)?;
        if let Some(known) = self.overrides.get(&real).cloned() {
            self.overrides.put(entry.path.clone(), known);
        }
        self.written.insert(entry.path.clone());
        Ok(())
    }

    /// A symbolic link, a named pipe or a device; the last is in the index alone.
    fn special(&mut self, entry: Entry) -> Result<()> {
        let doing = || format!("copy to {:?}", entry.path.display());
        self.prepare(&entry.path)?;
        let (parent, name) = split(&entry.path)?;
        let dress = dress(self.to.mapping, &entry, self.inherits(&parent));
        let parent = self.open(&parent).context(doing)?;
        let refused = match &entry.kind {
            EntryKind::Symlink { target } => {
                write::symlink(parent, name, target, &dress).context(doing)?;
                entry.xattrs.clone()
            }
            EntryKind::Fifo => write::fifo(parent, name, &dress).context(doing)?,
            _ => {
                let absent = Override { absent: Some(entry.clone()), ..Override::default() };
                self.overrides.put(entry.path.clone(), absent);
                return Ok(());
            }
        };
        self.note(&entry, refused);
        self.written.insert(entry.path);
        Ok(())
    }

    /// Makes the parents of a new entry and takes away what it replaces.
    fn prepare(&mut self, path: &EntryPath) -> Result<()> {
        match self.look(path)? {
            None => {}
            Some(FileType::Directory) => {
                let text = format!("cannot replace the directory {:?} by a file", path.display());
                return Err(failure(FailureKind::InvalidInput, text));
            }
            Some(_) => {
                let doing = || format!("replace {:?}", path.display());
                let (parent, name) = split(path)?;
                let parent = self.open(&parent).context(doing)?;
                unlinkat(parent, name, AtFlags::empty()).context(doing)?;
            }
        }
        self.overrides.forget(path);
        self.written.remove(path);
        Ok(())
    }

    /// The directory at `path`, for making or looking at what is in it.
    fn open(&mut self, path: &EntryPath) -> std::result::Result<BorrowedFd<'_>, Errno> {
        match &mut self.upper {
            Some(upper) if self.made.contains(path) => upper.open(path),
            _ => self.parents.open(path),
        }
    }

    /// What the directory at `path` is opened beneath.
    fn root_of(&self, path: &EntryPath) -> BorrowedFd<'_> {
        match &self.upper {
            Some(upper) if self.made.contains(path) => upper.root(),
            _ => self.parents.root(),
        }
    }

    /// What is at a path, whose parents exist from now on.
    fn look(&mut self, path: &EntryPath) -> Result<Option<FileType>> {
        let doing = || format!("copy to {:?}", path.display());
        let (parent, name) = split(path)?;
        if let Err(Errno::NOENT) = self.open(&parent) {
            self.make_directories(&parent)?;
        }
        let parent_fd = match self.open(&parent) {
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let text = format!(
                    "cannot copy to {:?}: a parent of it is a link or a file",
                    path.display()
                );
                let hint = "copy to where the link leads, or delete it first";
                return Err(failure_with_hint(FailureKind::InvalidInput, text, hint));
            }
            other => other.context(doing)?,
        };
        match statat(parent_fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error).context(doing),
        }
    }

    /// Makes a directory and its missing parents: 0755, of the owner that was asked for.
    fn make_directories(&mut self, path: &EntryPath) -> Result<()> {
        let (uid, gid) = self.to.chown.unwrap_or((0, 0));
        for path in path.ancestors().chain([path.clone()]).filter(|path| !path.is_root()) {
            let doing = || format!("make the directory {:?}", path.display());
            let (parent, name) = split(&path)?;
            let parent = self.open(&parent).context(doing)?;
            match write::directory(parent, name) {
                Err(Errno::EXIST) => continue,
                other => other.context(doing)?,
            }
            self.made.insert(path.clone());
            let fd = beneath::listable(self.root_of(&path), &path).context(doing)?;
            let (tree_uid, tree_gid) = owner::in_tree(self.to.mapping, uid, gid);
            own(&fd, self.to.mapping, (tree_uid, tree_gid)).context(doing)?;
            fchmod(&fd, Mode::from_raw_mode(0o755)).context(doing)?;
            let truth = Override { owner: Some((uid, gid)), ..Override::default() };
            self.overrides.put(path, truth);
        }
        Ok(())
    }

    /// The owner is always noted: with a single id the scan could not tell it from one that a
    /// file of this name had before.
    fn note(&mut self, entry: &Entry, refused: xattr::Xattrs) {
        let owner = Some((entry.uid, entry.gid));
        self.overrides
            .put(entry.path.clone(), Override { owner, xattrs: refused, ..Override::default() });
    }

    /// Whether a directory may hand its group down: one that was made here does not, and with a
    /// single id there is no other group.
    fn inherits(&self, directory: &EntryPath) -> bool {
        !self.to.mapping.is_single() && !self.made.contains(directory)
    }

    /// From the deepest up, since writing in a directory changes its time.
    fn dress_directories(&mut self) -> Result<()> {
        for (path, entry) in std::mem::take(&mut self.directories).into_iter().rev() {
            let doing = || format!("set the attributes of {:?}", path.display());
            let fd = beneath::listable(self.root_of(&path), &path).context(doing)?;
            let dress = dress(self.to.mapping, &entry, false);
            own(&fd, self.to.mapping, (dress.uid, dress.gid)).context(doing)?;
            let refused = dress.put_on(fd.as_fd()).context(doing)?;
            self.note(&entry, refused);
        }
        Ok(())
    }
}

fn dress<'e>(mapping: &Mapping, entry: &'e Entry, inherits: bool) -> Dress<'e> {
    let (uid, gid) = owner::in_tree(mapping, entry.uid, entry.gid);
    Dress { uid, gid, mode: entry.mode, mtime: entry.mtime, xattrs: &entry.xattrs, inherits }
}

/// Gives a directory that may have existed before to its owner; with a single id it has it.
fn own(fd: &OwnedFd, mapping: &Mapping, owner: (u32, u32)) -> std::result::Result<(), Errno> {
    let stat = rustix::fs::fstat(fd)?;
    if mapping.is_single() || (stat.st_uid, stat.st_gid) == owner {
        return Ok(());
    }
    fchown(fd, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)))
}

fn join(base: &EntryPath, path: &EntryPath) -> Result<EntryPath> {
    let bytes = match (base.is_root(), path.is_root()) {
        (true, _) => path.as_bytes().to_vec(),
        (_, true) => base.as_bytes().to_vec(),
        _ => [base.as_bytes(), b"/", path.as_bytes()].concat(),
    };
    EntryPath::parse(&bytes).map_err(|error| {
        let text = format!("cannot copy {:?} to {:?}: {error}", path.display(), base.display());
        failure(FailureKind::InvalidInput, text)
    })
}

fn split(path: &EntryPath) -> Result<(EntryPath, &[u8])> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(failure(FailureKind::InvalidInput, "cannot replace the root of the image")),
    }
}

fn lost_link(entry: &Entry, target: &EntryPath) -> Failure {
    let text = format!(
        "cannot copy the hard link {:?}: {:?} did not come before it",
        entry.path.display(),
        target.display()
    );
    failure(FailureKind::InvalidInput, text)
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
