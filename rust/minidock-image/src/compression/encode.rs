//! Gzip whose bytes depend on the content alone: no name, no time, one level, one system byte.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};

/// RFC 1952's "unknown" operating system.
const OS_UNKNOWN: u8 = 255;

/// Compresses what is written to it.
#[derive(Debug)]
pub struct GzipEncoder<W: Write>(GzEncoder<W>);

impl<W: Write> GzipEncoder<W> {
    /// Compresses to `inner` at level 6, as docker does.
    pub fn new(inner: W) -> Self {
        Self(GzBuilder::new().mtime(0).operating_system(OS_UNKNOWN).write(inner, Level::new(6)))
    }

    /// Writes the end of the stream and gives the writer back.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for GzipEncoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Compresses bytes in memory.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes)?;
    encoder.finish()
}
