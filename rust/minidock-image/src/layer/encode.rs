//! Writing an index file, entry by entry. It neither sorts nor syncs: the caller does both.

use std::io::Write;

use super::wire::{self, put_number};
use super::{Entry, EntryKind, EntryPath, INDEX_FORMAT, IndexError};
use crate::digest::{Algorithm, DigestWriter};

/// Writes an index file in ascending order of paths.
///
/// A file whose [`finish`](Self::finish) was not reached is recognised as cut off.
#[derive(Debug)]
pub struct IndexWriter<W: Write> {
    inner: DigestWriter<W>,
    last: Option<EntryPath>,
    count: u64,
    record: Vec<u8>,
}

impl<W: Write> IndexWriter<W> {
    /// Begins an index file. The writer should be buffered: each entry is one write.
    pub fn new(inner: W) -> Result<Self, IndexError> {
        let mut inner = DigestWriter::new(inner);
        inner.write_all(&wire::MAGIC)?;
        inner.write_all(&INDEX_FORMAT.to_le_bytes())?;
        Ok(Self { inner, last: None, count: 0, record: Vec::new() })
    }

    /// Adds an entry, which must be valid and come after the one before.
    pub fn write(&mut self, entry: &Entry) -> Result<(), IndexError> {
        entry.validate()?;
        if self.last.as_ref().is_some_and(|last| *last >= entry.path) {
            return Err(IndexError::Order { path: entry.path.display() });
        }
        self.record.clear();
        self.put_entry(entry);
        self.inner.write_all(&self.record)?;
        self.last = Some(entry.path.clone());
        self.count += 1;
        Ok(())
    }

    /// Writes the trailer, flushes, and gives the writer back.
    pub fn finish(mut self) -> Result<W, IndexError> {
        self.inner.write_all(&[wire::END])?;
        self.inner.write_all(&self.count.to_le_bytes())?;
        let (mut inner, digest, _) = self.inner.into_parts()?;
        inner.write_all(digest.as_bytes())?;
        inner.flush()?;
        Ok(inner)
    }

    fn put_entry(&mut self, entry: &Entry) {
        let path = entry.path.as_bytes();
        let last = self.last.as_ref().map_or(&b""[..], EntryPath::as_bytes);
        let shared = path.iter().zip(last).take_while(|(a, b)| a == b).count();
        let record = &mut self.record;
        record.push(tag(&entry.kind));
        put_number(record, shared as u64);
        put_bytes(record, &path[shared..]);
        for number in [entry.mode, entry.uid, entry.gid] {
            put_number(record, number.into());
        }
        put_number(record, wire::zigzag(entry.mtime.secs));
        put_number(record, entry.mtime.nanos.into());
        put_number(record, entry.xattrs.len() as u64);
        for (name, value) in &entry.xattrs {
            put_bytes(record, name);
            put_bytes(record, value);
        }
        put_kind(record, &entry.kind);
    }
}

fn tag(kind: &EntryKind) -> u8 {
    match kind {
        EntryKind::Directory { .. } => wire::DIRECTORY,
        EntryKind::File { digest, .. } => match digest.algorithm() {
            Algorithm::Sha256 => wire::FILE,
            Algorithm::Sha512 => wire::FILE_SHA512,
        },
        EntryKind::Symlink { .. } => wire::SYMLINK,
        EntryKind::Hardlink { .. } => wire::HARDLINK,
        EntryKind::CharDevice { .. } => wire::CHAR_DEVICE,
        EntryKind::BlockDevice { .. } => wire::BLOCK_DEVICE,
        EntryKind::Fifo => wire::FIFO,
        EntryKind::Whiteout => wire::WHITEOUT,
    }
}

fn put_kind(record: &mut Vec<u8>, kind: &EntryKind) {
    match kind {
        EntryKind::Directory { opaque, implied } => {
            let opaque = if *opaque { wire::OPAQUE } else { 0 };
            let implied = if *implied { wire::IMPLIED } else { 0 };
            put_number(record, opaque | implied);
        }
        EntryKind::File { size, digest } => {
            put_number(record, *size);
            record.extend_from_slice(digest.as_bytes());
        }
        EntryKind::Symlink { target } => put_bytes(record, target),
        EntryKind::Hardlink { target } => put_bytes(record, target.as_bytes()),
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            put_number(record, u64::from(*major));
            put_number(record, u64::from(*minor));
        }
        EntryKind::Fifo | EntryKind::Whiteout => {}
    }
}

fn put_bytes(record: &mut Vec<u8>, bytes: &[u8]) {
    put_number(record, bytes.len() as u64);
    record.extend_from_slice(bytes);
}
