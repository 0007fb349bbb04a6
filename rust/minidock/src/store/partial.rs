//! Owns `partial/`: blobs on their way in that outlive the operation that began them, so that the
//! next one goes on where it stopped. One operation at a time works on a blob; others wait.
//!
//! What lies there is believed by nobody: it is hashed again before anything is added to it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use minidock_image::digest::{Digest, Hasher};

use crate::error::{Error, ErrorKind, Result};

use super::files;
use super::lock::Lock;
use super::{ExpectedBlob, HeldAlone, Lease, Store};

const LOCK_SUFFIX: &str = ".lock";
const PIECE: usize = 128 * 1024;

/// The right to work on a blob; dropping it lets the next one in.
#[derive(Debug)]
pub struct BlobTurn {
    store: Store,
    path: PathBuf,
    lock: PathBuf,
    _held: Lock,
}

/// A blob that is being taken in, some of which may have been there before.
#[derive(Debug)]
pub struct PartialBlob<'a> {
    lease: &'a Lease,
    turn: &'a BlobTurn,
    expected: ExpectedBlob,
    file: File,
    hasher: Hasher,
    written: u64,
}

impl Store {
    /// Asks for the right to work on a blob; `None` while another operation has it.
    pub fn try_blob_turn(&self, digest: &Digest) -> Result<Option<BlobTurn>> {
        self.require_write()?;
        let name = format!("{}-{}", digest.algorithm().name(), digest.hex());
        let path = self.dir("partial").join(&name);
        let lock = self.dir("partial").join(name + LOCK_SUFFIX);
        let held = Lock::try_made(&lock)?;
        Ok(held.map(|held| BlobTurn { store: self.clone(), path, lock, _held: held }))
    }

    /// Moves blobs that nobody works on to the trash; gives their number and bytes.
    pub(crate) fn sweep_partial(&self, _alone: &HeldAlone) -> Result<(usize, u64)> {
        let (mut count, mut bytes) = (0, 0);
        for name in files::names_in(&self.dir("partial"))? {
            let bare = name.strip_suffix(LOCK_SUFFIX).unwrap_or(&name);
            let lock = self.dir("partial").join(format!("{bare}{LOCK_SUFFIX}"));
            let Some(held) = Lock::try_made(&lock)? else { continue };
            let path = self.dir("partial").join(bare);
            if let Ok(meta) = std::fs::symlink_metadata(&path) {
                bytes += meta.len();
                count += usize::from(self.discard(&path)?);
            }
            files::remove_file(&lock)?;
            drop(held);
        }
        Ok((count, bytes))
    }
}

impl BlobTurn {
    /// Forgets what there is of the blob.
    pub fn forget(&self) -> Result<()> {
        files::remove_file(&self.path)
    }
}

impl Drop for BlobTurn {
    fn drop(&mut self) {
        if self.store.is_ours() {
            // The lock is still held: whoever waits sees that its file is another one now.
            let _a_file_left_locks_nobody_out = files::remove_file(&self.lock);
        }
    }
}

impl Lease {
    /// Goes on with a blob, from what there is of it.
    pub fn partial_blob<'a>(
        &'a self,
        turn: &'a BlobTurn,
        expected: ExpectedBlob,
    ) -> Result<PartialBlob<'a>> {
        self.store().require_write()?;
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nofollow)
            .open(&turn.path)
            .map_err(|error| Error::at("open", &turn.path, error))?;
        let hasher = Hasher::new(expected.digest.algorithm());
        let mut blob = PartialBlob { lease: self, turn, expected, file, hasher, written: 0 };
        blob.take_up().map_err(|error| Error::at("read", &turn.path, error))?;
        Ok(blob)
    }
}

impl PartialBlob<'_> {
    /// Bytes that there are.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The file, for reading along at places of the reader's own.
    pub(crate) fn reading(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| Error::at("open", &self.turn.path, error))
    }

    fn take_up(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.expected.size {
            return self.restart();
        }
        let mut piece = vec![0; PIECE];
        loop {
            match self.file.read(&mut piece)? {
                0 => return Ok(()),
                read => {
                    self.hasher.update(&piece[..read]);
                    self.written += read as u64;
                }
            }
        }
    }

    /// Begins at the start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hasher = Hasher::new(self.expected.digest.algorithm());
        self.written = 0;
        Ok(())
    }

    /// Compares, flushes, and gives the blob its name; the lease keeps it from then on. A blob
    /// that is another one than was promised is forgotten.
    pub fn commit(self) -> Result<()> {
        let found = ExpectedBlob { digest: self.hasher.finish(), size: self.written };
        if found != self.expected {
            self.turn.forget()?;
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "blob {} should have {} bytes, but {} bytes with digest {} arrived",
                    self.expected.digest, self.expected.size, found.size, found.digest
                ),
            )
            .with_hint("nothing of it was stored; try again, or ask whoever serves it"));
        }
        self.file.sync_data().map_err(|e| Error::at("flush", &self.turn.path, e))?;
        self.lease.put_blob(&self.turn.path, &found.digest)
    }
}

impl Write for PartialBlob<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.expected.size - self.written < bytes.len() as u64 {
            let problem = format!(
                "blob {} has more than its {} bytes",
                self.expected.digest, self.expected.size
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
