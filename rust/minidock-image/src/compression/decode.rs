//! The decoder: sniffs, unpacks, counts both sides, stops at the limits.

use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, Read};

use super::{Compression, CompressionError, Limits};

/// zstd windows up to 128 MiB (2^27), as its own tools take without being told otherwise.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const BUFFER_LEN: usize = 64 * 1024;

/// What was read to sniff, then the rest, counted.
type Packed<R> = BufReader<Counted<Chain<Cursor<Vec<u8>>, R>>>;

/// Unpacks a stream by what its first bytes say.
///
/// Garbage after gzip or zstd data is an error, as is data that is cut off.
pub struct Decoder<R: Read> {
    inner: Inner<R>,
    compression: Compression,
    limits: Limits,
    unpacked: u64,
}

enum Inner<R: Read> {
    Plain(Packed<R>),
    Gzip(Box<flate2::bufread::MultiGzDecoder<Packed<R>>>),
    Zstd(Box<zstd::Decoder<'static, Packed<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Looks at the first bytes; xz and bzip2 are refused by name.
    pub fn new(mut inner: R, limits: Limits) -> Result<Self, CompressionError> {
        let mut start = Vec::new();
        inner.by_ref().take(Compression::SNIFF_LEN as u64).read_to_end(&mut start)?;
        let compression = Compression::sniff(&start);
        let packed = Counted { inner: Cursor::new(start).chain(inner), count: 0 };
        let packed = BufReader::with_capacity(BUFFER_LEN, packed);
        let inner = match compression {
            Compression::None => Inner::Plain(packed),
            Compression::Gzip => {
                Inner::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(packed)))
            }
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Inner::Zstd(Box::new(decoder))
            }
            Compression::Xz | Compression::Bzip2 => {
                return Err(CompressionError::Unsupported { compression });
            }
        };
        Ok(Self { inner, compression, limits, unpacked: 0 })
    }

    /// What the first bytes said.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Bytes that came out so far.
    pub fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// Bytes taken from the source so far, some of which may wait in a buffer.
    pub fn packed(&self) -> u64 {
        match &self.inner {
            Inner::Plain(packed) => packed.get_ref().count,
            Inner::Gzip(decoder) => decoder.get_ref().get_ref().count,
            Inner::Zstd(decoder) => decoder.get_ref().get_ref().count,
        }
    }

    /// The source. Read to the end of the stream first, or what is buffered is lost.
    pub fn into_inner(self) -> R {
        let packed = match self.inner {
            Inner::Plain(packed) => packed,
            Inner::Gzip(decoder) => decoder.into_inner(),
            Inner::Zstd(decoder) => decoder.finish(),
        };
        packed.into_inner().inner.into_inner().1
    }

    fn check(&self) -> Result<(), CompressionError> {
        if self.unpacked > self.limits.max_unpacked {
            return Err(CompressionError::TooLarge { max: self.limits.max_unpacked });
        }
        let (unpacked, packed) = (self.unpacked, self.packed());
        let max = self.limits.max_ratio;
        if unpacked > self.limits.ratio_from && unpacked / packed.max(1) > max {
            return Err(CompressionError::Ratio { max, unpacked, packed });
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.inner {
            Inner::Plain(packed) => packed.read(buffer)?,
            Inner::Gzip(decoder) => decoder.read(buffer)?,
            Inner::Zstd(decoder) => decoder.read(buffer)?,
        };
        self.unpacked += read as u64;
        self.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(read)
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("compression", &self.compression)
            .field("limits", &self.limits)
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}

struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}
