//! Owns `blobs/`: an OCI image layout, each blob streamed in, hashed and counted before it has its
//! name. It knows no manifests.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use minidock_image::digest::{Algorithm, Digest, DigestReader, Hasher};

use crate::error::{Error, ErrorKind, Result};

use super::files::{self, Flush};
use super::ids::random_hex;
use super::roots::Roots;
use super::{HeldAlone, ImageRecord, Lease, Store};

/// What a blob must turn out to be, as its descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedBlob {
    /// The digest.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
}

/// Takes a blob in; nothing is stored before [`BlobWriter::commit`].
#[derive(Debug)]
pub struct BlobWriter<'lease> {
    lease: &'lease Lease,
    expected: Option<ExpectedBlob>,
    path: PathBuf,
    file: File,
    hasher: Hasher,
    written: u64,
}

/// The files that make `blobs/` an OCI image layout (image-layout.md).
pub(crate) fn make_layout(root: &Path) -> Result<()> {
    let layout = root.join("blobs/oci-layout");
    files::write_atomic(&layout, b"{\"imageLayoutVersion\":\"1.0.0\"}\n", Flush::Now)?;
    let index = root.join("blobs/index.json");
    match files::exists(&index)? {
        true => Ok(()),
        false => files::write_atomic(&index, EMPTY_INDEX.as_bytes(), Flush::Now),
    }
}

const EMPTY_INDEX: &str = concat!(
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",",
    "\"manifests\":[]}\n"
);

impl Store {
    /// Where a blob lies, whether it exists or not.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.dir("blobs/blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Whether a blob is there; its content is not read again.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool> {
        files::exists(&self.blob_path(digest))
    }

    /// Opens a blob; its content is not verified.
    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => no_blob(digest),
            _ => Error::at("open", &path, error),
        })
    }

    /// Whether a blob is there and its content hashes to its name.
    pub fn verify_blob(&self, digest: &Digest) -> Result<bool> {
        let file = match self.open_blob(digest) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut reader = DigestReader::with_algorithm(file, digest.algorithm());
        std::io::copy(&mut reader, &mut std::io::sink())
            .map_err(|e| Error::at("read", &self.blob_path(digest), e))?;
        Ok(reader.finish().0 == *digest)
    }

    /// Writes the `index.json` of the layout: the manifests of the images, with their names.
    pub(crate) fn write_layout_index(&self, images: &[ImageRecord]) -> Result<()> {
        let mut manifests = Vec::new();
        for image in images {
            let Some(manifest) = &image.manifest else { continue };
            let entry = serde_json::json!({
                "mediaType": manifest.media_type,
                "digest": manifest.digest.to_string(),
                "size": manifest.size,
            });
            if image.references.is_empty() {
                manifests.push(entry.clone());
            }
            for reference in &image.references {
                let mut named = entry.clone();
                named["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": reference.to_string() });
                manifests.push(named);
            }
        }
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        let text = format!("{index}\n");
        files::write_atomic(&self.dir("blobs/index.json"), text.as_bytes(), Flush::Later)
    }

    pub(crate) fn require_blob(&self, digest: &Digest) -> Result<()> {
        match self.has_blob(digest)? {
            true => Ok(()),
            false => Err(no_blob(digest)),
        }
    }

    /// The digests of all blobs; names that are no digests are given apart.
    pub(crate) fn blobs(&self) -> Result<(Vec<Digest>, Vec<PathBuf>)> {
        let (mut digests, mut odd) = (Vec::new(), Vec::new());
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let dir = self.dir("blobs/blobs").join(algorithm.name());
            for name in files::names_in(&dir)? {
                match format!("{}:{name}", algorithm.name()).parse() {
                    Ok(digest) => digests.push(digest),
                    Err(_) => odd.push(dir.join(name)),
                }
            }
        }
        Ok((digests, odd))
    }

    /// Moves unmarked blobs to the trash; gives their number and bytes.
    pub(crate) fn sweep_blobs(&self, _alone: &HeldAlone, roots: &Roots) -> Result<(usize, u64)> {
        let (mut count, mut bytes) = (0, 0);
        for digest in self.blobs()?.0 {
            if roots.blobs.contains(&digest) {
                continue;
            }
            let path = self.blob_path(&digest);
            bytes += std::fs::symlink_metadata(&path).map_or(0, |meta| meta.len());
            count += usize::from(self.discard(&path)?);
        }
        Ok((count, bytes))
    }
}

fn no_blob(digest: &Digest) -> Error {
    Error::new(ErrorKind::NotFound, format!("no blob {digest} in the store"))
}

impl Lease {
    /// Starts to take a blob in. Without an expectation its SHA-256 becomes its name.
    pub fn blob_writer(&self, expected: Option<ExpectedBlob>) -> Result<BlobWriter<'_>> {
        self.store().require_write()?;
        let path = self.dir().join(format!("blob-{}", random_hex::<8>()?));
        let algorithm = expected.map_or(Algorithm::Sha256, |blob| blob.digest.algorithm());
        Ok(BlobWriter {
            lease: self,
            expected,
            file: files::create_new(&path)?,
            path,
            hasher: Hasher::new(algorithm),
            written: 0,
        })
    }
}

impl Lease {
    /// Gives a flushed file its name among the blobs, and keeps it.
    pub(crate) fn put_blob(&self, path: &Path, digest: &Digest) -> Result<()> {
        let store = self.store();
        let held = store.hold()?;
        self.mark_blob(&held, digest)?;
        let target = store.blob_path(digest);
        if !files::rename_new(path, &target)? {
            // The same content, or what was it before it was damaged: either way this is right.
            std::fs::rename(path, &target).map_err(|e| Error::at("replace", &target, e))?;
        }
        target.parent().map_or(Ok(()), files::sync_dir)
    }
}

impl BlobWriter<'_> {
    /// Bytes taken so far: where a transfer that was cut goes on.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Compares, flushes, and gives the blob its name. The lease keeps it from then on.
    pub fn commit(self) -> Result<ExpectedBlob> {
        let found = ExpectedBlob { digest: self.hasher.clone().finish(), size: self.written };
        if let Some(expected) = self.expected
            && expected != found
        {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "blob {} should have {} bytes, but {} bytes with digest {} arrived",
                    expected.digest, expected.size, found.size, found.digest
                ),
            )
            .with_hint("nothing was stored; try again, or ask whoever serves it"));
        }
        self.file.sync_data().map_err(|e| Error::at("flush", &self.path, e))?;
        self.lease.put_blob(&self.path, &found.digest)?;
        Ok(found)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(expected) = self.expected
            && expected.size - self.written < bytes.len() as u64
        {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!("blob {} has more than its {} bytes", expected.digest, expected.size),
            ));
        }
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BlobWriter<'_> {
    fn drop(&mut self) {
        if self.lease.store().is_ours() {
            // After a commit the name is gone; else the lease takes the file with it later.
            let _gone_with_the_lease = files::remove_file(&self.path);
        }
    }
}
