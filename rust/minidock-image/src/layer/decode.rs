//! Reading an index file, entry by entry. Any bytes are input: a torn or flipped file gives an
//! error, never a panic, and no length in it is believed before its bytes have come.

mod source;

use std::collections::BTreeMap;
use std::io::Read;

use super::path::{check_from, compare};
use super::{
    Entry, EntryKind, EntryPath, INDEX_FORMAT, IndexError, MAX_PATH_LEN, MAX_TARGET_LEN,
    MAX_XATTR_NAME_LEN, MAX_XATTR_VALUE_LEN, MAX_XATTRS, Mtime, wire,
};
use crate::digest::Digest;
use source::Source;

/// Reads an index file; its end is reached only if the checksum matches.
///
/// Entries come before the checksum can be known: whoever acts on them before the iterator has
/// ended must be able to take that back. [`LayerIndex::read`](super::LayerIndex::read) waits.
/// The reader takes the whole stream; bytes after the checksum are an error.
#[derive(Debug)]
pub struct IndexReader<R: Read> {
    source: Source<R>,
    path: Vec<u8>,
    count: u64,
    done: bool,
}

impl<R: Read> IndexReader<R> {
    /// Reads the header. The reader need not be buffered.
    pub fn new(inner: R) -> Result<Self, IndexError> {
        let mut source = Source::new(inner);
        if source.array()? != wire::MAGIC {
            return Err(IndexError::Magic);
        }
        let found = u32::from_le_bytes(source.array()?);
        if found != INDEX_FORMAT {
            return Err(IndexError::Format { found });
        }
        Ok(Self { source, path: Vec::new(), count: 0, done: false })
    }

    fn step(&mut self) -> Result<Option<Entry>, IndexError> {
        let tag = self.source.byte()?;
        if tag == wire::END {
            self.finish()?;
            return Ok(None);
        }
        let path = self.path()?;
        let mode = self.source.small()?;
        let uid = self.source.small()?;
        let gid = self.source.small()?;
        let mtime =
            Mtime { secs: wire::unzigzag(self.source.number()?), nanos: self.source.small()? };
        let xattrs = self.xattrs()?;
        let kind = self.kind(tag)?;
        let entry = Entry { path, kind, mode, uid, gid, mtime, xattrs };
        entry.validate()?;
        self.count += 1;
        Ok(Some(entry))
    }

    /// The bytes shared with the last path are known to be good and in order.
    fn path(&mut self) -> Result<EntryPath, IndexError> {
        let shared = self.source.length(self.path.len())?;
        let rest_len = self.source.length(MAX_PATH_LEN - shared)?;
        let rest = self.source.bytes(rest_len)?;
        let in_order = self.count == 0 || compare(&self.path[shared..], &rest).is_lt();
        self.path.truncate(shared);
        self.path.extend_from_slice(&rest);
        if check_from(&self.path, shared).is_err() {
            return Err(self.source.corrupt("a path that is not in normal form"));
        }
        let path = EntryPath::from_checked(&self.path);
        if in_order { Ok(path) } else { Err(IndexError::Order { path: path.display() }) }
    }

    fn xattrs(&mut self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, IndexError> {
        let mut xattrs = BTreeMap::new();
        for _ in 0..self.source.length(MAX_XATTRS)? {
            let name_len = self.source.length(MAX_XATTR_NAME_LEN)?;
            let name = self.source.bytes(name_len)?;
            let value_len = self.source.length(MAX_XATTR_VALUE_LEN)?;
            let value = self.source.bytes(value_len)?;
            if xattrs.insert(name, value).is_some() {
                return Err(self.source.corrupt("an extended attribute that is there twice"));
            }
        }
        Ok(xattrs)
    }

    fn kind(&mut self, tag: u8) -> Result<EntryKind, IndexError> {
        Ok(match tag {
            wire::DIRECTORY => {
                let flags = self.source.number()?;
                if flags & !(wire::OPAQUE | wire::IMPLIED) != 0 {
                    return Err(self.source.corrupt("a directory with unknown flags"));
                }
                let (opaque, implied) = (flags & wire::OPAQUE != 0, flags & wire::IMPLIED != 0);
                EntryKind::Directory { opaque, implied }
            }
            wire::FILE => {
                let size = self.source.number()?;
                EntryKind::File { size, digest: Digest::from_sha256(self.source.array()?) }
            }
            wire::FILE_SHA512 => {
                let size = self.source.number()?;
                EntryKind::File { size, digest: Digest::from_sha512(self.source.array()?) }
            }
            wire::SYMLINK => {
                let len = self.source.length(MAX_TARGET_LEN)?;
                EntryKind::Symlink { target: self.source.bytes(len)? }
            }
            wire::HARDLINK => EntryKind::Hardlink { target: self.link_target()? },
            wire::CHAR_DEVICE => {
                EntryKind::CharDevice { major: self.source.small()?, minor: self.source.small()? }
            }
            wire::BLOCK_DEVICE => {
                EntryKind::BlockDevice { major: self.source.small()?, minor: self.source.small()? }
            }
            wire::FIFO => EntryKind::Fifo,
            wire::WHITEOUT => EntryKind::Whiteout,
            _ => return Err(self.source.corrupt("an entry of unknown kind")),
        })
    }

    fn link_target(&mut self) -> Result<EntryPath, IndexError> {
        let len = self.source.length(MAX_PATH_LEN)?;
        let bytes = self.source.bytes(len)?;
        EntryPath::parse(&bytes)
            .map_err(|_| self.source.corrupt("a hard link target that is not in normal form"))
    }

    fn finish(&mut self) -> Result<(), IndexError> {
        if u64::from_le_bytes(self.source.array()?) != self.count {
            return Err(self.source.corrupt("a number of entries that does not match"));
        }
        self.source.checksum()
    }
}

impl<R: Read> Iterator for IndexReader<R> {
    type Item = Result<Entry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step();
        self.done = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}
