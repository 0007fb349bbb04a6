//! Writing the container's log (format: `minidock_proto::log`).
//!
//! A full disk never stops the container: what cannot be written is counted, and the count is
//! noted in the log itself when there is room again.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use minidock_proto::log::{Head, LONGEST, Stream};
use minidock_proto::record;

use super::records;
use crate::failure::{Context, Result};

/// One file of the log grows to this size; the one before it is kept as `log.1`.
const LARGEST: u64 = 256 << 20;

pub(super) struct Log {
    path: PathBuf,
    file: File,
    size: u64,
    lost: u64,
}

impl Log {
    /// Opens the log of the container for appending.
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let path = directory.join(record::LOG);
        let file = open(&path, true)?;
        let size = file.metadata().context(|| format!("read {}", path.display()))?.len();
        Ok(Self { path, file, size, lost: 0 })
    }

    /// Appends output.
    pub(super) fn write(&mut self, stream: Stream, bytes: &[u8]) {
        for part in bytes.chunks(LONGEST) {
            if self.size > LARGEST {
                self.rotate();
            }
            if self.lost > 0 && self.append(Stream::Stderr, self.note().as_bytes()) {
                self.lost = 0;
            }
            if self.lost > 0 || !self.append(stream, part) {
                self.lost += part.len() as u64;
            }
        }
    }

    fn note(&self) -> String {
        format!("minidock: {} bytes of output were lost, the disk was full\n", self.lost)
    }

    /// Writes one record whole or not at all.
    fn append(&mut self, stream: Stream, bytes: &[u8]) -> bool {
        let head = Head { length: bytes.len() as u32, stream, time: records::now() };
        let mut text = Vec::with_capacity(bytes.len() + 32);
        text.extend_from_slice(&head.encode());
        text.extend_from_slice(bytes);
        text.extend_from_slice(&head.length.to_le_bytes());
        if self.file.write_all(&text).is_ok() {
            self.size += text.len() as u64;
            return true;
        }
        // Half a record would end the log for every reader.
        drop(self.file.set_len(self.size));
        false
    }

    fn rotate(&mut self) {
        let old = self.path.with_extension("1");
        if std::fs::rename(&self.path, old).is_ok()
            && let Ok(file) = open(&self.path, false)
        {
            self.file = file;
            self.size = 0;
        }
    }
}

fn open(path: &Path, existing: bool) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .create_new(!existing)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .context(|| format!("open {}", path.display()))
}
