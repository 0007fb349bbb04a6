//! Readers and writers that hash and count what passes through them.
//! They do not judge: the caller compares with what it expected.

use std::io::{self, Read, Write};

use super::{Algorithm, Digest, Hasher};

/// Hashes and counts what is read through it.
#[derive(Debug)]
pub struct DigestReader<R> {
    inner: R,
    hasher: Hasher,
    count: u64,
}

impl<R: Read> DigestReader<R> {
    /// Hashes with SHA-256.
    pub fn new(inner: R) -> Self {
        Self::with_algorithm(inner, Algorithm::Sha256)
    }

    /// Hashes with `algorithm`.
    pub fn with_algorithm(inner: R, algorithm: Algorithm) -> Self {
        Self { inner, hasher: Hasher::new(algorithm), count: 0 }
    }

    /// Bytes read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Digest and number of the bytes read so far; what was not read is not in it.
    pub fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.count)
    }

    /// The reader inside, with the digest and number of the bytes read so far.
    pub fn into_parts(self) -> (R, Digest, u64) {
        (self.inner, self.hasher.finish(), self.count)
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.count += read as u64;
        Ok(read)
    }
}

/// Hashes and counts what is written through it.
#[derive(Debug)]
pub struct DigestWriter<W> {
    inner: W,
    hasher: Hasher,
    count: u64,
}

impl<W: Write> DigestWriter<W> {
    /// Hashes with SHA-256.
    pub fn new(inner: W) -> Self {
        Self::with_algorithm(inner, Algorithm::Sha256)
    }

    /// Hashes with `algorithm`.
    pub fn with_algorithm(inner: W, algorithm: Algorithm) -> Self {
        Self { inner, hasher: Hasher::new(algorithm), count: 0 }
    }

    /// Bytes accepted by the inner writer so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Digest and number of the bytes written; the inner writer is flushed and dropped.
    pub fn finish(self) -> io::Result<(Digest, u64)> {
        let (_, digest, count) = self.into_parts()?;
        Ok((digest, count))
    }

    /// The inner writer after a flush, with the digest and number of the bytes written.
    pub fn into_parts(mut self) -> io::Result<(W, Digest, u64)> {
        self.inner.flush()?;
        Ok((self.inner, self.hasher.finish(), self.count))
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most three bytes per call, as a full pipe may.
    struct Short(Vec<u8>);

    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reader_hashes_what_was_read() {
        let mut reader = DigestReader::new(&b"hello world"[..]);
        let mut half = [0; 5];
        reader.read_exact(&mut half).unwrap();
        assert_eq!(reader.count(), 5);
        assert_eq!(reader.finish(), (Digest::of(b"hello"), 5));
    }

    #[test]
    fn writer_hashes_what_was_accepted() {
        let mut writer = DigestWriter::new(Short(Vec::new()));
        assert_eq!(writer.write(b"hello").unwrap(), 3);
        writer.write_all(b"lo").unwrap();
        let (inner, digest, count) = writer.into_parts().unwrap();
        assert_eq!((inner.0.as_slice(), digest, count), (&b"hello"[..], Digest::of(b"hello"), 5));
    }

    #[test]
    fn sha512_is_offered() {
        let mut reader = DigestReader::with_algorithm(&b"abc"[..], Algorithm::Sha512);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let (digest, count) = reader.finish();
        assert_eq!((digest.algorithm(), count), (Algorithm::Sha512, 3));
        assert!(digest.hex().starts_with("ddaf35a193617aba"));
    }
}
