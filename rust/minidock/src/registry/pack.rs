//! Layers on their way out: the blob that a layer came as, else its files as a tar, compressed,
//! the same bytes every time.

use std::io::{self, Read, Write};

use minidock_image::compression::GzipEncoder;
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::{Digest, DigestReader};
use minidock_image::media;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::failure::{of_stream, smuggled};
use crate::store::{Lease, LocalId};

/// Packs layers for one operation.
pub(super) struct Packing<'p> {
    pub(super) engine: &'p Engine,
    pub(super) lease: &'p Lease,
    /// Asked between pieces; an error ends it.
    pub(super) go_on: &'p (dyn Fn() -> Result<()> + Sync),
}

impl Packing<'_> {
    /// The compressed blob of a layer, if it is in the store.
    pub(super) fn ready(&self, layer: &LocalId) -> Result<Option<Descriptor>> {
        let Some(blob) = self.engine.store().packed(layer)? else {
            return Ok(None);
        };
        match !is_plain(&blob.media_type) && self.keep(&blob.digest)? {
            true => Ok(Some(blob)),
            false => Ok(None),
        }
    }

    /// Makes the compressed blob of a layer and puts it into the store.
    pub(super) fn pack(&self, layer: &LocalId, diff_id: &Digest) -> Result<Descriptor> {
        let out = Checked { inner: self.lease.blob_writer(None)?, go_on: self.go_on };
        let mut gzip = GzipEncoder::new(io::BufWriter::with_capacity(128 << 10, out));
        let found = match self.plain(layer)? {
            Some(blob) => {
                let mut reader = DigestReader::with_algorithm(blob, diff_id.algorithm());
                io::copy(&mut reader, &mut gzip)
                    .map_err(|error| of_stream("cannot compress a layer", error))?;
                reader.finish().0
            }
            None => self.engine.export_layer(layer, &mut gzip)?.0,
        };
        if found != *diff_id {
            let message =
                format!("layer {layer} has diff-id {found} by its files, the image says {diff_id}");
            return Err(Error::new(ErrorKind::Corrupt, message)
                .with_hint("the bytes it came with are gone; pull or load the image again"));
        }
        let failed = |error| of_stream("cannot compress a layer", error);
        let out = gzip.finish().map_err(failed)?;
        let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
        let blob = out.inner.commit()?;
        let packed = Descriptor::new(media::OCI_LAYER_GZIP, blob.digest, blob.size);
        // The tar that a layer came as says more than what was made of it.
        if self.plain(layer)?.is_none() {
            self.engine.store().set_packed(layer, &packed)?;
        }
        Ok(packed)
    }

    /// The uncompressed tar that a layer came as, if it is still there.
    fn plain(&self, layer: &LocalId) -> Result<Option<impl Read>> {
        let Some(blob) = self.engine.store().packed(layer)? else {
            return Ok(None);
        };
        match blob.media_type == media::OCI_LAYER && self.keep(&blob.digest)? {
            true => self.engine.store().open_blob(&blob.digest).map(Some),
            false => Ok(None),
        }
    }

    /// The blobs that layers came as: what lists an image's blobs anew must not forget them.
    pub(super) fn came_as(&self, layers: &[LocalId], blobs: &mut Vec<Digest>) -> Result<()> {
        for layer in layers {
            if let Some(blob) = self.engine.store().packed(layer)?
                && !blobs.contains(&blob.digest)
                && self.keep(&blob.digest)?
            {
                blobs.push(blob.digest);
            }
        }
        Ok(())
    }

    /// Keeps a blob for this operation; `false` if it is not there.
    pub(super) fn keep(&self, digest: &Digest) -> Result<bool> {
        match self.lease.keep_blob(digest) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a layer's media type is called in the other family; what has no other name stays.
pub(super) fn media_type(compressed: &str, docker: bool) -> &str {
    const NAMES: [(&str, &str); 3] = [
        (media::OCI_LAYER, media::DOCKER_LAYER),
        (media::OCI_LAYER_GZIP, media::DOCKER_LAYER_GZIP),
        (media::OCI_LAYER_ZSTD, media::DOCKER_LAYER_ZSTD),
    ];
    let found = NAMES.iter().find(|(oci, other)| [*oci, *other].contains(&compressed));
    match (found, docker) {
        (Some((_, name)), true) | (Some((name, _)), false) => name,
        (None, _) => compressed,
    }
}

/// Whether a media type is that of a tar that is not compressed.
pub(super) fn is_plain(media_type: &str) -> bool {
    matches!(media_type, media::OCI_LAYER | media::DOCKER_LAYER)
}

struct Checked<'c, W> {
    inner: W,
    go_on: &'c (dyn Fn() -> Result<()> + Sync),
}

impl<W: Write> Write for Checked<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.go_on)().map_err(smuggled)?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
