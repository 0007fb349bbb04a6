//! Whether layers unpack to what the config says.

use std::io::{self, Read};

use super::{ArchiveError, LoadedImage};
use crate::compression::{CompressionError, Decoder, Limits};
use crate::digest::{Digest, DigestReader};

/// Unpacks each layer without keeping it and compares with its diff-id. Whoever makes trees of
/// the layers and compares there need not call it.
pub fn verify_layers<R: Read>(
    image: &LoadedImage,
    limits: Limits,
    mut open: impl FnMut(&Digest) -> io::Result<R>,
) -> Result<(), ArchiveError> {
    for layer in &image.layers {
        if layer.blob == layer.diff_id {
            continue;
        }
        let blob = open(&layer.blob).map_err(|source| ArchiveError::Store { source })?;
        let decoder = Decoder::new(blob, limits)?;
        let mut reader = DigestReader::with_algorithm(decoder, layer.diff_id.algorithm());
        io::copy(&mut reader, &mut io::sink()).map_err(unpack_error)?;
        let (found, _) = reader.finish();
        if found != layer.diff_id {
            return Err(ArchiveError::DiffId {
                blob: Box::new(layer.blob),
                found: Box::new(found),
                expected: Box::new(layer.diff_id),
            });
        }
    }
    Ok(())
}

fn unpack_error(error: io::Error) -> ArchiveError {
    match error.downcast::<CompressionError>() {
        Ok(source) => ArchiveError::Compression { source },
        Err(source) => ArchiveError::Read { source },
    }
}
