//! Why an archive or layout cannot be read or written.

use std::io;

use crate::compression::CompressionError;
use crate::config::ConfigError;
use crate::digest::Digest;
use crate::layer::PathError;
use crate::manifest::ManifestError;
use crate::reference::ReferenceError;
use crate::tar::{TarError, TarWriteError};

/// Why an archive or layout cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Its bytes could not be read.
    #[error("image archive cannot be read")]
    Read {
        /// What the system said.
        source: io::Error,
    },
    /// The sink failed.
    #[error("blob cannot be stored")]
    Store {
        /// What the sink said.
        source: io::Error,
    },
    /// It is compressed in a way that is not supported.
    #[error("image archive cannot be unpacked")]
    Compression {
        /// What is wrong.
        #[from]
        source: CompressionError,
    },
    /// It is no tar, or a damaged one.
    #[error("image archive is not a tar that can be read")]
    Tar {
        /// What is wrong.
        source: Box<TarError>,
    },
    /// A member's name leads outside.
    #[error("image archive has a member {name:?} whose name is not allowed")]
    Name {
        /// The name, shortened.
        name: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A name is there twice.
    #[error("image archive has {name:?} twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Something else than a file is where a file must be.
    #[error(
        "image archive has {name:?} as something else than a regular file: links and devices are refused there"
    )]
    NotAFile {
        /// The name.
        name: String,
    },
    /// It has too many members.
    #[error("image archive has more than {max} members")]
    TooManyMembers {
        /// The limit.
        max: usize,
    },
    /// It has neither of the files that list images.
    #[error(
        "no image found: there is neither a manifest.json nor an index.json; `import` takes plain root filesystems"
    )]
    NotAnArchive,
    /// A file that it names is not there.
    #[error("image archive lacks {name:?}, which it refers to")]
    Missing {
        /// The name.
        name: String,
    },
    /// A file is longer than is read.
    #[error("{name:?} in the image archive has {found} bytes: at most {max} are read")]
    TooLong {
        /// The name.
        name: String,
        /// Its length.
        found: u64,
        /// The limit.
        max: u64,
    },
    /// A list of images is not valid JSON of its kind.
    #[error("{name} in the image archive is not valid")]
    Json {
        /// Which list.
        name: &'static str,
        /// Where and what.
        source: serde_json::Error,
    },
    /// The layout has a version that this version does not know.
    #[error("OCI layout has version {version:?}: only 1.0.0 is supported")]
    LayoutVersion {
        /// The version.
        version: String,
    },
    /// A blob's content is not what its name or descriptor says.
    #[error("{name:?} in the image archive has digest {found}: it is damaged or forged")]
    Digest {
        /// The name.
        name: String,
        /// Digest of the content.
        found: Box<Digest>,
    },
    /// A blob's length is not what its descriptor says.
    #[error("{name:?} in the image archive has {found} bytes, its descriptor says {expected}")]
    Size {
        /// The name.
        name: String,
        /// Length of the content.
        found: u64,
        /// Length in the descriptor.
        expected: u64,
    },
    /// A digest is of an algorithm that archives do not have here.
    #[error("image archive refers to {digest}: only sha256 is supported in archives")]
    Algorithm {
        /// The digest.
        digest: Box<Digest>,
    },
    /// A manifest or index is not valid.
    #[error("image archive has a manifest that cannot be used")]
    Manifest {
        /// What is wrong.
        #[from]
        source: ManifestError,
    },
    /// A config is not valid.
    #[error("image archive has a config that cannot be used")]
    Config {
        /// What is wrong.
        #[from]
        source: ConfigError,
    },
    /// A name of an image is not a reference.
    #[error("image archive names an image {text:?}, which is no reference")]
    Reference {
        /// The name.
        text: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// Indexes are nested too deep.
    #[error("image index is nested more than {max} deep", max = crate::manifest::MAX_INDEX_DEPTH)]
    TooDeep,
    /// An index has no image for this machine.
    #[error("image index has no image for {platform}: it has {found}")]
    Platform {
        /// The machine.
        platform: String,
        /// What the index has.
        found: String,
    },
    /// It lists no image.
    #[error("image archive lists no image")]
    Empty,
    /// An uncompressed layer is not what the config says.
    #[error(
        "layer {blob} unpacks to {found}, the image's config says {expected}: it is damaged or forged"
    )]
    DiffId {
        /// Digest of the blob.
        blob: Box<Digest>,
        /// Digest of what it unpacks to.
        found: Box<Digest>,
        /// Digest in the config.
        expected: Box<Digest>,
    },
    /// The archive could not be written.
    #[error("image archive cannot be written")]
    Write {
        /// What went wrong.
        source: Box<TarWriteError>,
    },
    /// An image to be written has a reference with a digest.
    #[error("image cannot be saved as {reference}: use a name with a tag")]
    SaveReference {
        /// The reference.
        reference: String,
    },
}
