//! Tars written byte by byte, since no library writes the hostile ones: POSIX ustar headers with
//! any name, type and link, GNU long names, PAX records.

use std::fs;
use std::sync::OnceLock;

use minidock_tests::base;

use crate::probe;

const BLOCK: usize = 512;

/// A tar being written.
#[derive(Clone, Default)]
pub(crate) struct Tarball {
    bytes: Vec<u8>,
}

impl Tarball {
    /// Without anything.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Busybox and `/probe`.
    pub(crate) fn busybox() -> Self {
        static BASE: OnceLock<Vec<u8>> = OnceLock::new();
        let base = BASE.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("base.tar");
            base::busybox_tar(&path).unwrap();
            let mut bytes = fs::read(path).unwrap();
            // Two empty blocks end a tar; more entries follow here.
            assert!(bytes.ends_with(&[0; 2 * BLOCK]));
            bytes.truncate(bytes.len() - 2 * BLOCK);
            bytes
        });
        Self { bytes: base.clone() }.file("probe", 0o755, probe::bytes())
    }

    /// A regular file of root's.
    pub(crate) fn file(self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.entry(b'0', path, "", mode, content)
    }

    /// A directory of root's.
    pub(crate) fn dir(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    /// A symbolic link.
    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    /// A hard link.
    pub(crate) fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, 0o644, b"")
    }

    /// PAX records for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            body.extend(format!("{length} {key}=").bytes());
            body.extend(*value);
            body.push(b'\n');
        }
        self.entry(b'x', "pax", "", 0o644, &body)
    }

    /// Any entry; names over 100 bytes go ahead as GNU long names.
    pub(crate) fn entry(
        mut self,
        kind: u8,
        path: &str,
        link: &str,
        mode: u32,
        content: &[u8],
    ) -> Self {
        if path.len() > 100 {
            self = self.entry(b'L', "././@LongLink", "", 0, format!("{path}\0").as_bytes());
        }
        if link.len() > 100 {
            self = self.entry(b'K', "././@LongLink", "", 0, format!("{link}\0").as_bytes());
        }
        let mut header = [0_u8; BLOCK];
        put(&mut header, 0, &path.as_bytes()[..path.len().min(100)]);
        put(&mut header, 100, format!("{mode:07o}").as_bytes());
        put(&mut header, 108, b"0000000");
        put(&mut header, 116, b"0000000");
        put(&mut header, 124, format!("{:011o}", content.len()).as_bytes());
        put(&mut header, 136, b"00000000000");
        put(&mut header, 148, b"        ");
        put(&mut header, 156, &[kind]);
        put(&mut header, 157, &link.as_bytes()[..link.len().min(100)]);
        put(&mut header, 257, b"ustar\x0000");
        // Device numbers 0:0, which mark a whiteout of overlayfs.
        put(&mut header, 329, b"0000000");
        put(&mut header, 337, b"0000000");
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        put(&mut header, 148, format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend(header);
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// All bytes, with the end of archive.
    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        bytes
    }
}

fn put(header: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}
