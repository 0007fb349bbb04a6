//! Errors of archives, streams and configs as errors of the engine.

use std::error::Error as StdError;
use std::io;

use minidock_image::archive::ArchiveError;
use minidock_image::compression::CompressionError;

use crate::error::{Error, ErrorKind};

/// An engine's error on its way through a trait that knows only [`io::Error`].
pub(crate) fn smuggled(error: Error) -> io::Error {
    io::Error::other(error)
}

/// An error of a stream that was read: the engine's own, a compression's, or the system's.
pub(crate) fn of_stream(doing: &str, error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return own,
        Err(error) => error,
    };
    match error.downcast::<CompressionError>() {
        Ok(error) => of_compression(doing, error),
        // Decoders say so of data that is cut off or garbled.
        Err(error) if error.raw_os_error().is_none() => {
            Error::new(ErrorKind::InvalidInput, doing).with_source(error)
        }
        Err(error) => Error::io(doing, error),
    }
}

/// An error of a compressed stream.
pub(crate) fn of_compression(doing: &str, error: CompressionError) -> Error {
    match error {
        CompressionError::Io { source } => of_stream(doing, source),
        other => Error::new(ErrorKind::InvalidInput, doing).with_source(other),
    }
}

/// An error of an archive or a layout.
pub(crate) fn of_archive(error: ArchiveError) -> Error {
    match error {
        ArchiveError::Store { source } => of_stream("cannot store a blob", source),
        ArchiveError::Read { source } => of_stream("cannot read the image archive", source),
        ArchiveError::Compression { source } => {
            of_compression("cannot read the image archive", source)
        }
        other => match kind_below(&other) {
            Some(kind) => Error::new(kind, other.to_string()).with_source(Causes::of(&other)),
            None => in_words(&other),
        },
    }
}

fn in_words(error: &ArchiveError) -> Error {
    let top = Error::new(ErrorKind::InvalidInput, error.to_string());
    match error.source() {
        None => top,
        Some(_) => top.with_source(Causes::of(error)),
    }
}

/// The kind of an error of the system far below, such as a full disk.
fn kind_below(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if let Some(own) = io.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                return Some(own.kind());
            }
            if let Some(errno) = rustix::io::Errno::from_io_error(io) {
                return Some(crate::error::kind_of_errno(errno));
            }
        }
        cause = error.source();
    }
    None
}

/// The causes of an error, in words, without the error itself.
#[derive(Debug)]
struct Causes(String);

impl Causes {
    fn of(error: &dyn StdError) -> Self {
        let mut words = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            words.push(error.to_string());
            cause = error.source();
        }
        Self(words.join(": "))
    }
}

impl std::fmt::Display for Causes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Causes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_error_comes_back_whole() {
        let own = Error::new(ErrorKind::NoSpace, "full").with_hint("prune");
        let back = of_archive(ArchiveError::Store { source: smuggled(own) });
        assert_eq!((back.kind(), back.hint()), (ErrorKind::NoSpace, Some("prune")));
    }

    #[test]
    fn a_full_disk_is_no_bad_input() {
        let full = io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
        let error = of_archive(ArchiveError::Read { source: full });
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "corrupt gzip stream");
        let error = of_archive(ArchiveError::Read { source: cut });
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.one_line(), "cannot read the image archive: corrupt gzip stream");
    }
}
