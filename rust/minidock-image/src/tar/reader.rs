//! Members as entries of a layer: types, owners, times, attributes, whiteouts.
//! It keeps what the image says; what a host can apply is decided where trees are made.

use std::collections::BTreeMap;
use std::io::Read;

use super::members::{Member, Members};
use super::name::{Meaning, NameError, is_reserved, meaning, normalise, shown};
use super::{TarError, TarFile, XATTR_PREFIX, number};
use crate::layer::{Entry, EntryKind, EntryPath, Mtime};

/// What the caller allows a layer to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TarLimits {
    /// Most members.
    pub max_entries: u64,
    /// Most bytes of all files together.
    pub max_total_size: u64,
}

impl Default for TarLimits {
    /// A million members (some 500 MB of memory while an index is built), 1 TiB.
    fn default() -> Self {
        Self { max_entries: 1_000_000, max_total_size: 1 << 40 }
    }
}

/// What was left out on purpose, for a notice to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Character devices 0:0, which overlay filesystems take for whiteouts.
    pub whiteout_devices: u64,
    /// Attributes `user.overlay.*` and `trusted.overlay.*`, which steer overlay filesystems.
    pub overlay_xattrs: u64,
    /// Bookkeeping members of aufs (`.wh..wh.*`).
    pub aufs_members: u64,
}

/// What a member is.
///
/// A whiteout is an [`EntryKind::Whiteout`] at the path that it hides. An opaque marker is a
/// directory with `opaque` and `implied` set: it says nothing but that, and may come before or
/// after the directory itself; [`LayerIndexBuilder`](crate::layer::LayerIndexBuilder) merges.
#[derive(Debug)]
pub enum TarEntry<'r, R> {
    /// Anything without content.
    Entry(Entry),
    /// A regular file, whose content comes now.
    File(TarFile<'r, R>),
}

/// Reads a layer's tar, member by member, from an uncompressed stream.
///
/// Names are normalised and can never lead outside. The stream is read once and in order;
/// memory is bounded whatever it holds.
#[derive(Debug)]
pub struct LayerTarReader<R> {
    members: Members<R>,
    limits: TarLimits,
    entries: u64,
    total: u64,
    skipped: Skipped,
}

impl<R: Read> LayerTarReader<R> {
    /// Reads with the default limits.
    pub fn new(inner: R) -> Self {
        Self::with_limits(inner, TarLimits::default())
    }

    /// Reads with these limits.
    pub fn with_limits(inner: R, limits: TarLimits) -> Self {
        let skipped = Skipped::default();
        Self { members: Members::new(inner), limits, entries: 0, total: 0, skipped }
    }

    /// What was left out so far.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// The stream. Whoever hashes it must read on to its end: padding may follow the last member.
    pub fn into_inner(self) -> R {
        self.members.into_inner()
    }

    /// The next entry; content that was not read is passed over.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry<'_, R>>, TarError> {
        loop {
            let Some(member) = self.members.next()? else {
                return Ok(None);
            };
            self.count(&member)?;
            let Some(entry) = self.entry(&member)? else {
                continue;
            };
            if matches!(entry.kind, EntryKind::File { .. }) {
                return Ok(Some(TarEntry::File(TarFile::new(&mut self.members, entry))));
            }
            return Ok(Some(TarEntry::Entry(entry)));
        }
    }

    fn count(&mut self, member: &Member) -> Result<(), TarError> {
        self.entries += 1;
        if self.entries > self.limits.max_entries {
            return Err(TarError::TooManyEntries { max: self.limits.max_entries });
        }
        self.total = self.total.saturating_add(member.size);
        if self.total > self.limits.max_total_size {
            return Err(TarError::TooLarge { max: self.limits.max_total_size });
        }
        Ok(())
    }

    fn entry(&mut self, member: &Member) -> Result<Option<Entry>, TarError> {
        let path = match meaning(&member.name) {
            Ok(Meaning::Entry(path)) => path,
            Ok(Meaning::Whiteout(path)) => {
                return Ok(Some(Entry::new(path, EntryKind::Whiteout)));
            }
            Ok(Meaning::Opaque(path)) => {
                let kind = EntryKind::Directory { opaque: true, implied: true };
                return Ok(Some(Entry::new(path, kind)));
            }
            Ok(Meaning::Aufs) => {
                self.skipped.aufs_members += 1;
                return Ok(None);
            }
            Err(NameError::Whiteout) => return Err(TarError::Whiteout { name: member.shown() }),
            Err(NameError::Path(source)) => {
                return Err(TarError::Path { name: member.shown(), source });
            }
        };
        let kind = kind(member)?;
        if matches!(kind, EntryKind::CharDevice { major: 0, minor: 0 }) {
            self.skipped.whiteout_devices += 1;
            return Ok(None);
        }
        let entry = self.with_metadata(member, path, kind)?;
        let checked = entry.validate();
        checked.map_err(|source| TarError::Entry { name: member.shown(), source })?;
        Ok(Some(entry))
    }

    fn with_metadata(
        &mut self,
        member: &Member,
        path: EntryPath,
        kind: EntryKind,
    ) -> Result<Entry, TarError> {
        let old = member.header.as_old();
        let mode = member.number(&old.mode, "its mode is no number")?;
        Ok(Entry {
            path,
            kind,
            mode: (mode & 0o7777) as u32,
            uid: id(member, b"uid", &old.uid, "its user id is none that Linux has")?,
            gid: id(member, b"gid", &old.gid, "its group id is none that Linux has")?,
            mtime: mtime(member, &old.mtime)?,
            xattrs: self.xattrs(member),
        })
    }

    fn xattrs(&mut self, member: &Member) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut xattrs = BTreeMap::new();
        for (key, value) in &member.records {
            let Some(name) = key.strip_prefix(XATTR_PREFIX.as_bytes()) else {
                continue;
            };
            if name.starts_with(b"user.overlay.") || name.starts_with(b"trusted.overlay.") {
                self.skipped.overlay_xattrs += 1;
                continue;
            }
            xattrs.insert(name.to_vec(), value.clone());
        }
        xattrs
    }
}

fn kind(member: &Member) -> Result<EntryKind, TarError> {
    let slash = member.name.ends_with(b"/");
    let kind = match member.flag {
        0 if slash => directory(),
        b'0' | b'7' if slash => {
            return Err(member.bad("a file has a name with a slash at its end"));
        }
        0 | b'0' | b'7' => return Ok(TarFile::<std::io::Empty>::kind(member.size)),
        b'1' => EntryKind::Hardlink { target: link_target(member)? },
        b'2' => EntryKind::Symlink { target: member.link.clone() },
        b'3' => {
            let (major, minor) = device(member)?;
            EntryKind::CharDevice { major, minor }
        }
        b'4' => {
            let (major, minor) = device(member)?;
            EntryKind::BlockDevice { major, minor }
        }
        b'5' => directory(),
        b'6' => EntryKind::Fifo,
        flag => return Err(TarError::Type { name: member.shown(), flag: char::from(flag) }),
    };
    // GNU tar skips such content and Go reads it as the next header.
    if member.size != 0 {
        return Err(member.bad("something else than a file has a size"));
    }
    Ok(kind)
}

fn directory() -> EntryKind {
    EntryKind::Directory { opaque: false, implied: false }
}

/// A target with a leading slash means the layer's root, as for docker.
fn link_target(member: &Member) -> Result<EntryPath, TarError> {
    let target = normalise(&member.link)
        .map_err(|source| TarError::LinkPath { name: member.shown(), source })?;
    if is_reserved(&target) {
        return Err(TarError::Whiteout { name: shown(&member.link) });
    }
    Ok(target)
}

pub(super) fn device(member: &Member) -> Result<(u32, u32), TarError> {
    const WHAT: &str = "its device number is none that Linux has";
    let bytes = member.header.as_bytes();
    let part =
        |field: &[u8]| u32::try_from(member.number(field, WHAT)?).map_err(|_| member.bad(WHAT));
    if member.header.as_ustar().is_none() && member.header.as_gnu().is_none() {
        return Err(member.bad("a device in a tar format that has no device numbers"));
    }
    // Both formats keep them at the same place.
    Ok((part(&bytes[329..337])?, part(&bytes[337..345])?))
}

pub(super) fn id(
    member: &Member,
    key: &[u8],
    field: &[u8],
    what: &'static str,
) -> Result<u32, TarError> {
    let id = match member.records.get(key).filter(|text| !text.is_empty()) {
        Some(text) => number::decimal_id(text),
        None => number::field(field).and_then(number::id),
    };
    id.ok_or_else(|| member.bad(what))
}

pub(super) fn mtime(member: &Member, field: &[u8]) -> Result<Mtime, TarError> {
    match member.records.get(&b"mtime"[..]).filter(|text| !text.is_empty()) {
        Some(text) => Ok(number::pax_time(text)),
        None => Ok(number::clamp_secs(member.number(field, "its time is no number")?)),
    }
}
