//! ADD of a local archive: told by its content, unpacked by the runtime from a stream that is
//! written anew here, member by member.

use std::fs::File;
use std::io::{self, Read, Write};

use minidock_image::compression::{Compression, CompressionError, Decoder, Limits};
use minidock_image::digest::Digest;
use minidock_image::layer::{Entry, EntryKind, EntryPath};
use minidock_image::tar::{LayerTarReader, TarEntry, TarError};

use super::context::{Watched, append_entry, file_digest};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result, quoted};

/// Length of a tar header, and where its checksum is.
const HEADER: usize = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// An archive of the context, read once.
#[derive(Debug)]
pub(super) struct Archive {
    path: EntryPath,
    digest: Digest,
    /// Its members in order, with the digests of their contents.
    entries: Vec<Entry>,
}

/// Whether a file is an archive that ADD unpacks: a tar, plain or compressed with gzip or zstd.
///
/// What is compressed in another way may be one and cannot be looked into: it is refused.
pub(super) fn detect(file: File, path: &EntryPath) -> Result<bool> {
    let failed = |error| Error::io(format!("cannot read {}", quoted(&path.display())), error);
    let mut decoder = match Decoder::new(file, Limits::default()) {
        Ok(decoder) => decoder,
        Err(CompressionError::Unsupported { compression }) => {
            return Err(unsupported(path, compression));
        }
        Err(CompressionError::Io { source }) => return Err(failed(source)),
        Err(_) => return Ok(false),
    };
    let mut header = Vec::new();
    let read = decoder.by_ref().take(HEADER as u64).read_to_end(&mut header);
    match (read, decoder.compression()) {
        (Err(error), Compression::None) => Err(failed(error)),
        // It only looks compressed: a file like others.
        (Err(_), _) => Ok(false),
        (Ok(_), _) => Ok(is_header(&header)),
    }
}

fn unsupported(path: &EntryPath, compression: Compression) -> Error {
    let message =
        format!("ADD cannot unpack {}: {compression} is not supported", quoted(&path.display()));
    Error::new(ErrorKind::InvalidInput, message)
        .with_hint("compress it with gzip or zstd, or use COPY to have the file as it is")
}

/// Whether 512 bytes are a tar header: its checksum is right (POSIX pax, ustar header block).
fn is_header(block: &[u8]) -> bool {
    if block.len() != HEADER || block.iter().all(|byte| *byte == 0) {
        return false;
    }
    let text = String::from_utf8_lossy(&block[CHECKSUM]);
    let digits = text.trim_matches([' ', '\0']);
    let Ok(stored) = i64::from_str_radix(digits, 8) else { return false };
    let byte = |at: usize| if CHECKSUM.contains(&at) { b' ' } else { block[at] };
    let unsigned: i64 = (0..HEADER).map(|at| i64::from(byte(at))).sum();
    // Some old programs added signed bytes.
    let signed: i64 = (0..HEADER).map(|at| i64::from(byte(at).cast_signed())).sum();
    stored == unsigned || stored == signed
}

impl Archive {
    /// Reads it through.
    pub(super) fn read(
        path: &EntryPath,
        open: impl Fn() -> Result<File>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let (digest, _) = file_digest(open()?, u64::MAX, path, cancel)?;
        let mut entries = Vec::new();
        let mut reader = reader(path, open()?, cancel)?;
        while let Some(entry) = next(path, &mut reader, cancel)? {
            let entry = match entry {
                TarEntry::Entry(entry) => entry,
                TarEntry::File(file) => file.into_entry().map_err(|e| bad(path, e, cancel))?,
            };
            let marker = matches!(
                entry.kind,
                EntryKind::Whiteout | EntryKind::Directory { opaque: true, .. }
            );
            if marker {
                let message = format!(
                    "ADD cannot unpack {}: it holds a marker of deletion (.wh.) for {}",
                    quoted(&path.display()),
                    quoted(&entry.path.display())
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            entries.push(entry);
        }
        Ok(Self { path: path.clone(), digest, entries })
    }

    pub(super) fn path(&self) -> &EntryPath {
        &self.path
    }

    /// Digest of the archive's own bytes.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Writes the members; they must be those that were read before.
    pub(super) fn send(
        &self,
        file: File,
        out: &mut impl Write,
        cancel: &CancelToken,
    ) -> Result<()> {
        let mut reader = reader(&self.path, file, cancel)?;
        let mut known = self.entries.iter();
        while let Some(next) = next(&self.path, &mut reader, cancel)? {
            let entry = known.next().ok_or_else(|| self.changed())?;
            match next {
                TarEntry::Entry(found) if found == *entry => {
                    // The stream's root was sent, and the destination keeps its own attributes.
                    if !entry.path.is_root() {
                        append_entry(out, entry, io::empty())?;
                    }
                }
                TarEntry::File(file)
                    if file.path() == &entry.path && file.size() == entry.size() =>
                {
                    append_entry(out, entry, file)?;
                }
                _ => return Err(self.changed()),
            }
        }
        match known.next() {
            None => Ok(()),
            Some(_) => Err(self.changed()),
        }
    }

    fn changed(&self) -> Error {
        let message = format!("{} changed during the build", quoted(&self.path.display()));
        Error::new(ErrorKind::Conflict, message).with_hint("build again when nothing writes there")
    }
}

type Members<'a> = LayerTarReader<Decoder<Watched<'a, File>>>;

fn reader<'a>(path: &EntryPath, file: File, cancel: &'a CancelToken) -> Result<Members<'a>> {
    let decoder = Decoder::new(Watched { inner: file, cancel }, Limits::default());
    decoder.map(LayerTarReader::new).map_err(|error| {
        let message = format!("ADD cannot unpack {}", quoted(&path.display()));
        Error::new(ErrorKind::InvalidInput, message).with_source(error)
    })
}

fn next<'r, 'a>(
    path: &EntryPath,
    reader: &'r mut Members<'a>,
    cancel: &CancelToken,
) -> Result<Option<TarEntry<'r, Decoder<Watched<'a, File>>>>> {
    cancel.check()?;
    reader.next_entry().map_err(|error| bad(path, error, cancel))
}

fn bad(path: &EntryPath, error: TarError, cancel: &CancelToken) -> Error {
    if let Err(cancelled) = cancel.check() {
        return cancelled;
    }
    let message = format!("ADD cannot unpack {}", quoted(&path.display()));
    Error::new(ErrorKind::InvalidInput, message)
        .with_source(error)
        .with_hint("use COPY to have the file as it is")
}

#[cfg(test)]
#[path = "archive/tests.rs"]
mod tests;
