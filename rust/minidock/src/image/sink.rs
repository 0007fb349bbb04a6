//! Where blobs of an archive go: small ones wait in memory until an image turns out to need them,
//! the rest streams into the store, hashed and counted there.

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Write};

use minidock_image::archive::BlobSink;
use minidock_image::digest::Digest;

use super::failure::smuggled;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{BlobWriter, ExpectedBlob, Lease};

/// Longest blob that waits in memory: configs, manifests and lists of files.
const SMALL_LEN: usize = 256 << 10;
/// Most bytes that wait.
const SMALL_TOTAL: usize = 16 << 20;

/// Blobs of one archive.
#[derive(Debug)]
pub(super) struct StoreSink<'lease> {
    lease: &'lease Lease,
    small: HashMap<Digest, Vec<u8>>,
    waiting: usize,
    /// Blobs that are in the store because of this archive.
    stored: Vec<Digest>,
}

impl<'lease> StoreSink<'lease> {
    pub(super) fn new(lease: &'lease Lease) -> Self {
        Self { lease, small: HashMap::new(), waiting: 0, stored: Vec::new() }
    }

    /// Puts a blob that an image needs into the store, if it waits in memory.
    pub(super) fn keep(&mut self, digest: &Digest) -> Result<()> {
        let Some(bytes) = self.small.get(digest) else {
            return self.lease.keep_blob(digest);
        };
        store(self.lease, bytes)?.commit().map(drop)
    }

    /// A blob that is there, whole.
    pub(super) fn reader(&self, digest: &Digest) -> Result<Box<dyn Read + Send>> {
        match self.small.get(digest) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Ok(Box::new(self.lease.store().open_blob(digest)?)),
        }
    }

    /// Whether blobs went into the store that are not among these.
    pub(super) fn has_others(&self, used: &[Digest]) -> bool {
        self.stored.iter().any(|digest| !used.contains(digest))
    }
}

fn store<'lease>(lease: &'lease Lease, bytes: &[u8]) -> Result<BlobWriter<'lease>> {
    let mut writer = lease
        .blob_writer(Some(ExpectedBlob { digest: Digest::of(bytes), size: bytes.len() as u64 }))?;
    writer.write_all(bytes).map_err(|error| Error::io("cannot write a blob", error))?;
    Ok(writer)
}

impl<'lease> BlobSink for StoreSink<'lease> {
    type Blob = Spool<'lease>;
    type Reader = Box<dyn Read + Send>;

    fn begin(&mut self) -> io::Result<Spool<'lease>> {
        Ok(Spool { lease: self.lease, to: To::Memory(Vec::new()) })
    }

    fn commit(&mut self, blob: Spool<'lease>, digest: &Digest, size: u64) -> io::Result<()> {
        let expected = ExpectedBlob { digest: *digest, size };
        let writer = match blob.to {
            // The same content under another name of the archive.
            To::Memory(_) if self.small.contains_key(digest) => return Ok(()),
            To::Memory(bytes) if self.waiting + bytes.len() <= SMALL_TOTAL => {
                self.waiting += bytes.len();
                self.small.insert(*digest, bytes);
                return Ok(());
            }
            To::Memory(bytes) => store(self.lease, &bytes).map_err(smuggled)?,
            To::Store(writer) => *writer,
        };
        let found = writer.commit().map_err(smuggled)?;
        self.stored.push(found.digest);
        match found == expected {
            true => Ok(()),
            false => Err(smuggled(Error::new(
                ErrorKind::Io,
                format!("blob {digest} was written as {}", found.digest),
            ))),
        }
    }

    fn open(&mut self, digest: &Digest) -> io::Result<Self::Reader> {
        self.reader(digest).map_err(smuggled)
    }
}

/// A blob that is being written.
#[derive(Debug)]
pub(super) struct Spool<'lease> {
    lease: &'lease Lease,
    to: To<'lease>,
}

#[derive(Debug)]
enum To<'lease> {
    Memory(Vec<u8>),
    Store(Box<BlobWriter<'lease>>),
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let To::Memory(waiting) = &mut self.to {
            if waiting.len() + bytes.len() <= SMALL_LEN {
                waiting.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            let mut writer = self.lease.blob_writer(None).map_err(smuggled)?;
            writer.write_all(waiting)?;
            self.to = To::Store(Box::new(writer));
        }
        match &mut self.to {
            To::Store(writer) => writer.write(bytes),
            To::Memory(_) => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Store(writer) => writer.flush(),
            To::Memory(_) => Ok(()),
        }
    }
}
