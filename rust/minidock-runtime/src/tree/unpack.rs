//! A layer's tar into a tree and an index, in one pass.
//!
//! Where a name leads is decided by the [`Model`], so the kernel is only ever asked for real
//! directories. Within a layer the last entry of a name wins, directories merge, and whiteouts
//! hide what lower layers have, never what the layer itself has.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd as _, OwnedFd};

use minidock_image::layer::{Entry, EntryKind, EntryPath, LayerIndex};
use minidock_image::tar::{LayerTarReader, TarEntry, TarError, TarFile};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{Failure, FailureKind, Layer};
use rustix::fs::{AtFlags, Mode, fchmod, unlinkat};
use rustix::io::Errno;

use super::beneath::{self, Parents};
use super::model::Model;
use super::write::{self, CopyError, Dress};
use super::xattr::{self, Xattrs};
use super::{BUFFER_LEN, index_failure, line, owner, remove, summary, tar_failure, write_index};
use crate::failure::{Context as _, Result, failure, kind_of};

/// Reads an uncompressed layer tar to its end and writes its tree beneath `tree`, an empty
/// directory, and its index.
///
/// Owners that `mapping` cannot represent are root's in the tree; devices are nowhere in it;
/// attributes that the kernel refuses are not set. The index has all of them.
pub(crate) fn unpack(
    tar: impl Read,
    tree: OwnedFd,
    index: Option<File>,
    mapping: &Mapping,
) -> Result<Layer> {
    let tree = beneath::listable(tree.as_fd(), &EntryPath::root())
        .context(|| "open the layer's tree".into())?;
    // A setgid directory above would hand its group down to everything in the tree.
    fchmod(&tree, Mode::RWXU).context(|| "set the mode of the layer's tree".into())?;
    let mut unpacking = Unpacking { parents: Parents::new(tree), model: Model::default(), mapping };
    let mut reader = LayerTarReader::new(tar);
    let mut buffer = vec![0; BUFFER_LEN];
    while let Some(next) = reader.next_entry().map_err(|error| tar_failure(&error))? {
        match next {
            TarEntry::Entry(entry) => unpacking.entry(entry)?,
            TarEntry::File(file) => unpacking.file(file, &mut buffer)?,
        }
    }
    // Whoever hashes the stream hashes what follows the last member, too.
    io::copy(&mut reader.into_inner(), &mut io::sink())
        .context(|| "read the layer's tar to its end".into())?;
    unpacking.dress_directories()?;
    let entries =
        LayerIndex::from_entries(unpacking.model.into_entries()).map_err(index_failure)?;
    if let Some(file) = index {
        write_index(&entries, file)?;
    }
    Ok(summary(&entries, mapping))
}

struct Unpacking<'m> {
    parents: Parents,
    model: Model,
    mapping: &'m Mapping,
}

impl Unpacking<'_> {
    /// Anything but a regular file.
    fn entry(&mut self, mut entry: Entry) -> Result<()> {
        entry.path = self.place(&entry.path, is_marker(&entry.kind))?;
        if entry.path.is_root() {
            return self.root(entry);
        }
        match entry.kind.clone() {
            EntryKind::Directory { opaque, implied } => self.directory(entry, opaque, implied),
            EntryKind::Whiteout => self.whiteout(entry),
            EntryKind::Hardlink { target } => self.hardlink(&entry, &target),
            _ => {
                let path = entry.path.clone();
                self.prepare(&path)?;
                entry.xattrs.retain(|name, _| !xattr::is_overlay(name));
                self.make(&entry)
                    .context(|| format!("make {:?} in the layer's tree", path.display()))?;
                self.model.put(entry);
                Ok(())
            }
        }
    }

    fn file<R: Read>(&mut self, mut file: TarFile<'_, R>, buffer: &mut [u8]) -> Result<()> {
        let path = self.place(file.path(), false)?;
        let doing = || format!("write {:?} in the layer's tree", path.display());
        self.prepare(&path)?;
        let (parent, name) = split(&path)?;
        let parent = self.parents.open(&parent).context(doing)?;
        let mut made = write::file(parent, name).context(doing)?;
        match write::content(&mut file, &mut made, buffer) {
            Ok(()) => {}
            Err(CopyError::Write(error)) => return Err(error).context(doing),
            Err(CopyError::Read(error)) => return Err(read_failure(error, &path)),
        }
        let mut entry = file.into_entry().map_err(|error| tar_failure(&error))?;
        entry.xattrs.retain(|name, _| !xattr::is_overlay(name));
        entry.path = path.clone();
        self.dress(&entry).put_on(made.as_fd()).context(doing)?;
        self.model.put(entry);
        Ok(())
    }

    /// The root is there already: it takes what is said last.
    fn root(&mut self, entry: Entry) -> Result<()> {
        let EntryKind::Directory { opaque, implied } = entry.kind else {
            let text = "layer tar has a root that is no directory";
            return Err(failure(FailureKind::InvalidInput, text));
        };
        match self.model.get_mut(&EntryPath::root()) {
            Some(known) => merge(known, entry, opaque, implied),
            None => self.model.put(entry),
        }
        Ok(())
    }

    fn directory(&mut self, entry: Entry, opaque: bool, implied: bool) -> Result<()> {
        match self.model.get_mut(&entry.path) {
            Some(known) if known.is_directory() => {
                merge(known, entry, opaque, implied);
                Ok(())
            }
            _ => self.new_directory(entry, opaque, implied),
        }
    }

    /// Makes a directory where none is; one that replaces a whiteout hides what is below.
    fn new_directory(&mut self, mut entry: Entry, opaque: bool, implied: bool) -> Result<()> {
        let path = entry.path.clone();
        let hides = self.model.get(&path).is_some_and(|known| known.kind == EntryKind::Whiteout);
        self.prepare(&path)?;
        let (parent, name) = split(&path)?;
        let doing = || format!("make {:?} in the layer's tree", path.display());
        write::directory(self.parents.open(&parent).context(doing)?, name).context(doing)?;
        entry.kind = EntryKind::Directory { opaque: opaque || hides, implied };
        entry.xattrs.retain(|name, _| !xattr::is_overlay(name));
        self.model.put(entry);
        Ok(())
    }

    fn whiteout(&mut self, entry: Entry) -> Result<()> {
        match self.model.get_mut(&entry.path) {
            Some(Entry { kind: EntryKind::Directory { opaque, .. }, .. }) => *opaque = true,
            Some(_) => {}
            None => {
                let path = entry.path.clone();
                self.prepare(&path)?;
                self.make(&entry)
                    .context(|| format!("hide {:?} in the layer's tree", path.display()))?;
                self.model.put(entry);
            }
        }
        Ok(())
    }

    fn hardlink(&mut self, entry: &Entry, target: &EntryPath) -> Result<()> {
        let path = &entry.path;
        let bad = |why: &str| {
            let text = format!(
                "layer tar has a hard link {:?} to {:?}, {why}",
                path.display(),
                target.display()
            );
            failure(FailureKind::InvalidInput, text)
        };
        let real = self.model.place(target).map_err(|_| bad("which cannot be resolved"))?;
        let in_tree = match self.model.get(&real).map(|known| &known.kind) {
            None | Some(EntryKind::Whiteout) => {
                return Err(bad("which did not come before it in the layer"));
            }
            Some(EntryKind::Directory { .. }) => return Err(bad("which is a directory")),
            Some(kind) => !is_device(kind),
        };
        if self.model.same(&real, path) {
            return Ok(());
        }
        if real.is_below(path) {
            return Err(bad("which it replaces"));
        }
        self.prepare(path)?;
        if in_tree {
            self.link(&real, path)
                .context(|| format!("link {:?} in the layer's tree", path.display()))?;
        }
        self.model.link(&real, path.clone());
        Ok(())
    }

    fn link(&mut self, target: &EntryPath, path: &EntryPath) -> std::result::Result<(), Errno> {
        let from = beneath::directory(self.parents.root(), &target.parent().unwrap_or_default())?;
        let to = self.parents.open(&path.parent().unwrap_or_default())?;
        let name = |path: &EntryPath| path.file_name().unwrap_or_default().to_vec();
        write::link(from.as_fd(), &name(target), to, &name(path))
    }

    /// What has no content and is no directory.
    fn make(&mut self, entry: &Entry) -> std::result::Result<(), Errno> {
        let (uid, gid) = owner::in_tree(self.mapping, entry.uid, entry.gid);
        let name = entry.path.file_name().unwrap_or_default();
        let parent = self.parents.open(&entry.path.parent().unwrap_or_default())?;
        let dress = Dress {
            uid,
            gid,
            mode: entry.mode,
            mtime: entry.mtime,
            xattrs: &entry.xattrs,
            inherits: false,
        };
        match &entry.kind {
            EntryKind::Symlink { target } => write::symlink(parent, name, target, &dress),
            EntryKind::Fifo => write::fifo(parent, name, &dress).map(drop),
            EntryKind::Whiteout => write::whiteout(parent, name),
            // Devices are in the index alone; the rest is made elsewhere.
            _ => Ok(()),
        }
    }

    /// The real path of an entry, whose parents exist from now on. An opaque marker is in the
    /// directory that it is about, so a link in its place is followed like any parent.
    fn place(&mut self, path: &EntryPath, is_marker: bool) -> Result<EntryPath> {
        let real = if is_marker { self.model.directory(path) } else { self.model.place(path) };
        let real = real.map_err(|why| {
            let text = format!("layer tar has a member {:?}: {why}", path.display());
            failure(FailureKind::InvalidInput, text)
        })?;
        for parent in real.ancestors().filter(|parent| !parent.is_root()) {
            if !self.model.get(&parent).is_some_and(Entry::is_directory) {
                let implied = EntryKind::Directory { opaque: false, implied: true };
                self.new_directory(Entry::new(parent, implied), false, true)?;
            }
        }
        Ok(real)
    }

    /// Takes away what an entry replaces.
    fn prepare(&mut self, path: &EntryPath) -> Result<()> {
        let Some(known) = self.model.get(path) else {
            return Ok(());
        };
        let (is_directory, in_tree) = (known.is_directory(), !is_device(&known.kind));
        let doing = || format!("replace {:?} in the layer's tree", path.display());
        let (parent, name) = split(path)?;
        if is_directory {
            self.parents.forget(path);
            let parent = beneath::listable(self.parents.root(), &parent).context(doing)?;
            remove::tree(parent, name)?;
        } else if in_tree {
            unlinkat(self.parents.open(&parent).context(doing)?, name, AtFlags::empty())
                .context(doing)?;
        }
        self.model.remove(path);
        Ok(())
    }

    fn dress<'e>(&self, entry: &'e Entry) -> Dress<'e> {
        let (uid, gid) = owner::in_tree(self.mapping, entry.uid, entry.gid);
        Dress {
            uid,
            gid,
            mode: entry.mode,
            mtime: entry.mtime,
            xattrs: &entry.xattrs,
            inherits: false,
        }
    }

    /// Directories get their modes and times last, from the deepest up: until then everything
    /// can be written in them, and nothing changes their times afterwards.
    fn dress_directories(&mut self) -> Result<()> {
        for entry in self.model.directories() {
            let doing = || format!("set the attributes of {:?}", entry.path.display());
            let fd = beneath::listable(self.parents.root(), &entry.path).context(doing)?;
            if matches!(entry.kind, EntryKind::Directory { opaque: true, .. }) {
                xattr::set_opaque(fd.as_fd()).context(doing)?;
            }
            self.dress(entry).put_on(fd.as_fd()).context(doing)?;
        }
        if self.model.get(&EntryPath::root()).is_none() {
            let none = Xattrs::new();
            let mtime = Entry::new(EntryPath::root(), EntryKind::Whiteout).mtime;
            let dress =
                Dress { uid: 0, gid: 0, mode: 0o755, mtime, xattrs: &none, inherits: false };
            dress
                .put_on(self.parents.root())
                .context(|| "set the attributes of the layer's root".into())?;
        }
        Ok(())
    }
}

/// A directory that is mentioned again: the last word counts, but a marker alone is no word
/// about anything else, and once opaque it stays so.
fn merge(known: &mut Entry, said: Entry, opaque: bool, implied: bool) {
    let EntryKind::Directory { opaque: was_opaque, .. } = known.kind else { return };
    let opaque = opaque || was_opaque;
    if implied {
        if let EntryKind::Directory { opaque: mark, .. } = &mut known.kind {
            *mark = opaque;
        }
        return;
    }
    let kind = EntryKind::Directory { opaque, implied: false };
    *known = Entry { path: known.path.clone(), kind, ..said };
    known.xattrs.retain(|name, _| !xattr::is_overlay(name));
}

fn is_marker(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::Directory { opaque: true, implied: true })
}

fn is_device(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. })
}

/// Parent and name of what is not the root.
fn split(path: &EntryPath) -> Result<(EntryPath, &[u8])> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(failure(FailureKind::InvalidInput, "the root of a layer cannot be replaced")),
    }
}

fn read_failure(error: io::Error, path: &EntryPath) -> Failure {
    match error.downcast::<TarError>() {
        Ok(error) => tar_failure(&error),
        Err(error) => {
            let text = format!("cannot read {:?} from the tar: {}", path.display(), line(&error));
            failure(kind_of(&error), text)
        }
    }
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
