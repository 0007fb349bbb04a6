//! A regular file of a layer tar: its metadata, and its content as a reader that hashes.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::TarError;
use super::members::Members;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::layer::{Entry, EntryKind, EntryPath, Mtime};

/// A regular file whose content is next in the stream.
///
/// Read it, then ask for its [entry](Self::into_entry): the digest is that of what was read,
/// and of what is left, which is read then.
#[derive(Debug)]
pub struct TarFile<'r, R> {
    members: &'r mut Members<R>,
    entry: Entry,
    hasher: Box<Hasher>,
}

impl<'r, R: Read> TarFile<'r, R> {
    pub(super) fn new(members: &'r mut Members<R>, entry: Entry) -> Self {
        Self { members, entry, hasher: Box::new(Hasher::new(Algorithm::Sha256)) }
    }

    /// Its kind before the content is known; the digest is filled in at the end.
    pub(super) fn kind(size: u64) -> EntryKind {
        EntryKind::File { size, digest: Digest::of(b"") }
    }

    /// Where it is.
    pub fn path(&self) -> &EntryPath {
        &self.entry.path
    }

    /// Length of its content.
    pub fn size(&self) -> u64 {
        self.entry.size()
    }

    /// Permission bits with setuid, setgid and sticky.
    pub fn mode(&self) -> u32 {
        self.entry.mode
    }

    /// The image's user id.
    pub fn uid(&self) -> u32 {
        self.entry.uid
    }

    /// The image's group id.
    pub fn gid(&self) -> u32 {
        self.entry.gid
    }

    /// When it was modified.
    pub fn mtime(&self) -> Mtime {
        self.entry.mtime
    }

    /// Extended attributes by their full name.
    pub fn xattrs(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.entry.xattrs
    }

    /// The entry with the content's digest; content not read yet is read now.
    pub fn into_entry(mut self) -> Result<Entry, TarError> {
        if let Err(error) = io::copy(&mut self, &mut io::sink()) {
            return Err(self.members.lift(error));
        }
        let size = self.entry.size();
        self.entry.kind = EntryKind::File { size, digest: self.hasher.finish() };
        Ok(self.entry)
    }
}

impl<R: Read> Read for TarFile<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.members.read_content(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
