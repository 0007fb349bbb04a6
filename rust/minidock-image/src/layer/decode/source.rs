//! The bytes under the index reader: buffered, hashed, bounded, with their position.

use std::io::Read;

use super::IndexError;
use crate::digest::{Algorithm, Hasher};

const BUFFER_LEN: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Source<R> {
    inner: R,
    buffer: Vec<u8>,
    /// What was handed out of the buffer.
    taken: usize,
    /// What is filled of the buffer.
    filled: usize,
    /// What was hashed of the buffer; never beyond `taken`.
    hashed: usize,
    /// Position of the buffer's first byte in the file.
    base: u64,
    hasher: Hasher,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        let (buffer, hasher) = (vec![0; BUFFER_LEN], Hasher::new(Algorithm::Sha256));
        Self { inner, buffer, taken: 0, filled: 0, hashed: 0, base: 0, hasher }
    }

    pub(super) fn corrupt(&self, what: &'static str) -> IndexError {
        IndexError::Corrupt { offset: self.base + self.taken as u64, what }
    }

    pub(super) fn byte(&mut self) -> Result<u8, IndexError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    /// `len` bytes; the caller has bounded `len`.
    pub(super) fn bytes(&mut self, len: usize) -> Result<Vec<u8>, IndexError> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, IndexError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 || shift > 0 && byte == 0 {
                return Err(self.corrupt("a number that is not in its shortest form"));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt("a number of more than 64 bits"))
    }

    pub(super) fn small(&mut self) -> Result<u32, IndexError> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.corrupt("a number of more than 32 bits"))
    }

    pub(super) fn length(&mut self, max: usize) -> Result<usize, IndexError> {
        match usize::try_from(self.number()?) {
            Ok(length) if length <= max => Ok(length),
            _ => Err(self.corrupt("a length beyond its limit")),
        }
    }

    /// Compares the sum of everything before with the one stored, and checks that this is the end.
    pub(super) fn checksum(&mut self) -> Result<(), IndexError> {
        self.hash_taken();
        let digest = self.hasher.clone().finish();
        let stored: [u8; 32] = self.array()?;
        if stored != digest.as_bytes() {
            return Err(IndexError::Checksum);
        }
        if self.taken == self.filled && self.refill()? == 0 {
            return Ok(());
        }
        Err(self.corrupt("bytes after the checksum"))
    }

    fn fill(&mut self, mut wanted: &mut [u8]) -> Result<(), IndexError> {
        while !wanted.is_empty() {
            if self.taken == self.filled && self.refill()? == 0 {
                return Err(IndexError::Truncated { offset: self.base + self.taken as u64 });
            }
            let len = wanted.len().min(self.filled - self.taken);
            let (now, later) = wanted.split_at_mut(len);
            now.copy_from_slice(&self.buffer[self.taken..self.taken + len]);
            self.taken += len;
            wanted = later;
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<usize, IndexError> {
        self.hash_taken();
        self.base += self.filled as u64;
        (self.taken, self.filled, self.hashed) = (0, 0, 0);
        loop {
            match self.inner.read(&mut self.buffer) {
                Ok(len) => {
                    self.filled = len;
                    return Ok(len);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hash_taken(&mut self) {
        self.hasher.update(&self.buffer[self.hashed..self.taken]);
        self.hashed = self.taken;
    }
}
