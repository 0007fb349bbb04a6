//! What a transfer tells while it runs.

use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

/// Something happened. Events of one layer come in order; those of several are mixed, from any
/// thread.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferEvent {
    /// A registry is asked for an image.
    Started {
        /// Which.
        reference: Reference,
    },
    /// It is known what the image is made of.
    Resolved {
        /// Which image.
        reference: Reference,
        /// What the registry calls it: the digest of its manifest or index.
        digest: Digest,
    },
    /// A layer.
    Layer {
        /// Its digest in the registry; that of the files, uncompressed, for one that is packed
        /// before it is pushed.
        digest: Digest,
        /// Its bytes in the registry; 0 while they are not known.
        size: u64,
        /// What happens to it.
        state: LayerState,
    },
    /// Something works but is hardly meant.
    Warning {
        /// What, one line.
        text: String,
    },
}

/// What happens to a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerState {
    /// It is its turn later.
    Pending,
    /// Another operation works on it.
    Waiting,
    /// It is being compressed for the registry.
    Packing,
    /// Its bytes move.
    Moving {
        /// So many did.
        done: u64,
    },
    /// All its bytes are here; its files are written.
    Unpacking,
    /// It is complete.
    Done,
    /// It was there already.
    Present,
    /// The registry took it over from another repository.
    Mounted,
}
