//! What an archive holds, whether it came as a stream or as a directory.

use std::io::Read;

use super::{ArchiveError, BlobSink};
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest, DigestReader};

/// A file of the archive that is in the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// Gets files of an archive into the sink and out again.
pub(super) trait Contents {
    type Sink: BlobSink;

    fn sink(&mut self) -> &mut Self::Sink;

    /// Puts a file into the sink, if it is not there yet; `None` if the archive has none.
    /// One that is longer than `max` may be refused at once.
    fn store(&mut self, name: &str, max: u64) -> Result<Option<Stored>, ArchiveError>;

    /// A file that must be there.
    fn require(&mut self, name: &str, max: u64) -> Result<Stored, ArchiveError> {
        self.store(name, max)?.ok_or_else(|| ArchiveError::Missing { name: name.to_owned() })
    }

    /// The content of a file in the sink, if it is not too long.
    fn read(&mut self, name: &str, stored: Stored, max: u64) -> Result<Vec<u8>, ArchiveError> {
        let name = name.to_owned();
        if stored.size > max {
            return Err(ArchiveError::TooLong { name, found: stored.size, max });
        }
        let reader = self.sink().open(&stored.digest);
        let reader = reader.map_err(|source| ArchiveError::Store { source })?;
        let mut bytes = Vec::new();
        let mut reader = DigestReader::new(reader.take(stored.size + 1));
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|source| ArchiveError::Store { source })?;
        let (found, _) = reader.finish();
        if found == stored.digest {
            return Ok(bytes);
        }
        Err(ArchiveError::Digest { name, found: Box::new(found) })
    }

    /// Puts the blob of a descriptor into the sink and checks it.
    fn blob(&mut self, descriptor: &Descriptor) -> Result<Stored, ArchiveError> {
        let name = blob_name(&descriptor.digest)?;
        let stored = self.require(&name, descriptor.size)?;
        if stored.digest != descriptor.digest {
            return Err(ArchiveError::Digest { name, found: Box::new(stored.digest) });
        }
        if stored.size != descriptor.size {
            let (found, expected) = (stored.size, descriptor.size);
            return Err(ArchiveError::Size { name, found, expected });
        }
        Ok(stored)
    }
}

/// Where a layout keeps a blob.
pub(super) fn blob_name(digest: &Digest) -> Result<String, ArchiveError> {
    match digest.algorithm() {
        Algorithm::Sha256 => Ok(format!("blobs/sha256/{}", digest.hex())),
        Algorithm::Sha512 => Err(ArchiveError::Algorithm { digest: Box::new(*digest) }),
    }
}
