//! Tar streams made by hand, field by field, good and bad.

use super::*;
use crate::tar::pax::put;

/// A member: a header block that tests change, and its content.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) block: [u8; 512],
    pub(super) content: Vec<u8>,
}

impl Made {
    pub(super) fn new(name: &str, flag: u8) -> Self {
        let made = Self { block: [0; 512], content: Vec::new() };
        made.text(0, name.as_bytes())
            .text(257, b"ustar\x0000")
            .text(156, &[flag])
            .number(100, 8, 0o644)
            .number(108, 8, 0)
            .number(116, 8, 0)
            .number(124, 12, 0)
            .number(136, 12, 0)
    }

    pub(super) fn file(name: &str, content: &[u8]) -> Self {
        let mut made = Self::new(name, b'0').number(124, 12, content.len() as u64);
        made.content = content.to_vec();
        made
    }

    /// An extension header of this type.
    pub(super) fn ext(flag: u8, content: &[u8]) -> Self {
        Self::file("ext", content).text(156, &[flag])
    }

    pub(super) fn text(mut self, at: usize, text: &[u8]) -> Self {
        self.block[at..at + text.len()].copy_from_slice(text);
        self
    }

    pub(super) fn link(self, target: &str) -> Self {
        self.text(157, target.as_bytes())
    }

    pub(super) fn gnu(self) -> Self {
        self.text(257, b"ustar  \0")
    }

    pub(super) fn number(self, at: usize, len: usize, value: u64) -> Self {
        self.text(at, format!("{value:0width$o}\0", width = len - 1).as_bytes())
    }

    pub(super) fn base256(self, at: usize, len: usize, value: i64) -> Self {
        let mut bytes = vec![if value < 0 { 0xff } else { 0 }; len];
        let value = value.to_be_bytes();
        let start = len.saturating_sub(8);
        bytes[start..].copy_from_slice(&value[8 - (len - start)..]);
        bytes[0] |= 0x80;
        self.text(at, &bytes)
    }
}

/// A PAX header with these records.
pub(super) fn pax(records: &[(&str, &[u8])]) -> Made {
    let mut content = Vec::new();
    for (key, value) in records {
        put(&mut content, key.as_bytes(), value);
    }
    Made::ext(b'x', &content)
}

/// The members one after the other, checksums made right, and the end of the archive.
pub(super) fn stream(members: &[Made]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for made in members {
        let made = made.clone().text(148, b"        ");
        let sum: u32 = made.block.iter().map(|byte| u32::from(*byte)).sum();
        let made = made.text(148, format!("{sum:06o}\0 ").as_bytes());
        bytes.extend_from_slice(&made.block);
        bytes.extend_from_slice(&made.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

/// Everything that the reader says of a stream.
pub(super) fn read_all(bytes: &[u8]) -> Result<Vec<Entry>, TarError> {
    let mut reader = LayerTarReader::new(bytes);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        entries.push(match entry {
            TarEntry::Entry(entry) => entry,
            TarEntry::File(file) => file.into_entry()?,
        });
    }
    Ok(entries)
}
