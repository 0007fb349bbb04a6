//! Images in files: docker archives, OCI layouts and OCI archives, in and out.
//! No name found in one ever becomes a path: blobs go to a sink that the caller gives, by digest.

mod contents;
mod docker;
mod error;
mod layout;
mod oci;
mod stream;
mod verify;
mod write;

use std::io::{self, Read, Write};

use crate::descriptor::{Descriptor, Platform};
use crate::digest::Digest;
use crate::reference::Reference;

pub use error::ArchiveError;
pub use layout::read_layout;
pub use stream::{ArchiveLimits, read_archive};
pub use verify::verify_layers;
pub use write::{ArchiveFormat, SaveImage, write_archive};

/// Largest `manifest.json`, `index.json` or `oci-layout` that is read, in bytes.
pub const MAX_LIST_LEN: u64 = 4 << 20;

const MANIFEST_JSON: &str = "manifest.json";
const INDEX_JSON: &str = "index.json";
const OCI_LAYOUT: &str = "oci-layout";
/// Where containerd and docker keep the whole reference in an index.
const NAME_ANNOTATION: &str = "io.containerd.image.name";
/// Where OCI keeps the tag, and podman and skopeo the whole reference.
const REF_NAME_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// Where blobs go while an archive is read, and come back from.
pub trait BlobSink {
    /// A blob that is being written.
    type Blob: Write;
    /// A blob that is being read.
    type Reader: Read;

    /// Begins a blob. One that is dropped without a commit is to leave nothing behind.
    fn begin(&mut self) -> io::Result<Self::Blob>;

    /// Keeps a blob whose content has this digest and size; the same one may come again.
    fn commit(&mut self, blob: Self::Blob, digest: &Digest, size: u64) -> io::Result<()>;

    /// Opens a blob that was committed.
    fn open(&mut self, digest: &Digest) -> io::Result<Self::Reader>;
}

/// An image whose blobs are all in the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedImage {
    /// Its names; empty if it has none.
    pub references: Vec<Reference>,
    /// Its manifest, byte for byte in the sink; older docker archives have none.
    pub manifest: Option<Descriptor>,
    /// Its config, whose digest is the image's id.
    pub config: Digest,
    /// Its layers, lowest first.
    pub layers: Vec<LoadedLayer>,
    /// Which machines its config says it is for.
    pub platform: Platform,
}

/// A layer whose blob is in the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedLayer {
    /// Digest of the blob as it was stored, compressed or not.
    pub blob: Digest,
    /// Length of the blob.
    pub size: u64,
    /// Digest that the uncompressed layer must have; see [`verify_layers`].
    pub diff_id: Digest,
}

#[cfg(test)]
#[path = "archive/tests.rs"]
mod tests;
