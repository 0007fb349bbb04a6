//! Entries and contents to a tar whose bytes depend on nothing else.

use std::io::{self, Read, Write};

use super::header::{self, Member};
use super::name::is_reserved;
use super::{BLOCK_LEN, OPAQUE_MARKER, WHITEOUT_PREFIX};
use crate::digest::{Digest, DigestReader};
use crate::layer::{Entry, EntryError, EntryKind, EntryPath, LayerIndex};

/// Why a layer tar cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarWriteError {
    /// The tar could not be written.
    #[error("the tar cannot be written")]
    Io {
        /// What the system said.
        #[from]
        source: io::Error,
    },
    /// A file's content could not be read.
    #[error("content of {path:?} cannot be read")]
    Content {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file's content is not what the entry says: it was changed or is damaged.
    #[error(
        "content of {path:?} is {found} of {found_size} bytes, not {expected} of {expected_size}: it was changed or is damaged"
    )]
    Mismatch {
        /// Which file.
        path: String,
        /// Digest in the entry.
        expected: Box<Digest>,
        /// Size in the entry.
        expected_size: u64,
        /// Digest of what was read.
        found: Box<Digest>,
        /// Number of bytes read; reading stops one byte after the expected size.
        found_size: u64,
    },
    /// Entries are not in ascending order, or one came twice.
    #[error("layer has {path:?} out of order or twice")]
    Order {
        /// The entry that is not after the one before it.
        path: String,
    },
    /// A path has a component that begins with `.wh.`, which would hide files.
    #[error(
        "layer has {path:?}: names that begin with .wh. mean deletion in an image and cannot be stored"
    )]
    Reserved {
        /// The entry.
        path: String,
    },
    /// A device number is too large for a tar header.
    #[error("device {path:?} has number {major}:{minor}, which no tar header can hold")]
    Device {
        /// The entry.
        path: String,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// An extended attribute's name cannot be in a PAX record.
    #[error("{path:?} has an extended attribute {name:?}, whose = sign no tar header can hold")]
    XattrName {
        /// The entry.
        path: String,
        /// The attribute.
        name: String,
    },
    /// Extended attributes are together larger than readers take.
    #[error("{path:?} has {found} bytes of extended attributes: at most {max} fit in a layer tar", max = MAX_XATTR_BYTES)]
    XattrsTooLong {
        /// The entry.
        path: String,
        /// Their size.
        found: usize,
    },
    /// An entry is not valid.
    #[error("layer has an entry that is not allowed")]
    Entry {
        /// What is wrong with it.
        #[from]
        source: EntryError,
    },
}

/// Go's archive/tar reads PAX headers of 1 MiB, and so does our reader; paths need some of it.
const MAX_XATTR_BYTES: usize = (1 << 20) - 32 * 1024;
/// Longest piece of a content that is read at once.
const CHUNK_LEN: usize = 64 * 1024;

/// Writes tar format 1 ([`TAR_FORMAT`](super::TAR_FORMAT)): the same entries and contents always
/// give the same bytes.
///
/// Entries come in ascending order of paths. Directories end in a slash, the root is `./`.
/// Implied directories are not written. A whiteout is an empty file `.wh.NAME` and an opaque
/// directory is followed by an empty file `.wh..wh..opq`, both with mode, owner and time 0.
#[derive(Debug)]
pub struct LayerTarWriter<W> {
    inner: W,
    last: Option<EntryPath>,
    /// Contents pass through it; as large as was needed so far.
    chunk: Vec<u8>,
}

impl<W: Write> LayerTarWriter<W> {
    /// Writes to `inner`, which should be buffered.
    pub fn new(inner: W) -> Self {
        Self { inner, last: None, chunk: Vec::new() }
    }

    /// Adds an entry; `content` is read for files only, and must be what the entry says.
    pub fn append(&mut self, entry: &Entry, content: impl Read) -> Result<(), TarWriteError> {
        self.check(entry)?;
        let path = entry.path.as_bytes();
        match &entry.kind {
            EntryKind::Directory { opaque, implied } => {
                if !implied {
                    let name = if path.is_empty() { b"./".to_vec() } else { [path, b"/"].concat() };
                    self.put(entry, b'5', &name, b"", (0, 0))?;
                }
                if *opaque {
                    self.marker(&entry.path, OPAQUE_MARKER)?;
                }
            }
            EntryKind::File { size, digest } => {
                self.put(entry, b'0', path, b"", (0, 0))?;
                self.content(entry, *size, *digest, content)?;
            }
            EntryKind::Symlink { target } => self.put(entry, b'2', path, target, (0, 0))?,
            EntryKind::Hardlink { target } => {
                self.put(entry, b'1', path, target.as_bytes(), (0, 0))?;
            }
            EntryKind::CharDevice { major, minor } => {
                self.put(entry, b'3', path, b"", (*major, *minor))?;
            }
            EntryKind::BlockDevice { major, minor } => {
                self.put(entry, b'4', path, b"", (*major, *minor))?;
            }
            EntryKind::Fifo => self.put(entry, b'6', path, b"", (0, 0))?,
            EntryKind::Whiteout => {
                let parent = entry.path.parent().unwrap_or_default();
                let name = entry.path.file_name().unwrap_or_default();
                self.marker(&parent, &[WHITEOUT_PREFIX, name].concat())?;
            }
        }
        self.last = Some(entry.path.clone());
        Ok(())
    }

    /// Writes the end of the archive, flushes, and gives the writer back.
    pub fn finish(mut self) -> Result<W, TarWriteError> {
        self.inner.write_all(&[0; 2 * BLOCK_LEN])?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn check(&self, entry: &Entry) -> Result<(), TarWriteError> {
        entry.validate()?;
        let path = || entry.path.display();
        if self.last.as_ref().is_some_and(|last| *last >= entry.path) {
            return Err(TarWriteError::Order { path: path() });
        }
        if is_reserved(&entry.path) {
            return Err(TarWriteError::Reserved { path: path() });
        }
        if let EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } =
            entry.kind
            && !header::device_fits((major, minor))
        {
            return Err(TarWriteError::Device { path: path(), major, minor });
        }
        if let Some(name) = entry.xattrs.keys().find(|name| name.contains(&b'=')) {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(TarWriteError::XattrName { path: path(), name });
        }
        let found = entry.xattrs.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        if found > MAX_XATTR_BYTES {
            return Err(TarWriteError::XattrsTooLong { path: path(), found });
        }
        Ok(())
    }

    fn put(
        &mut self,
        entry: &Entry,
        flag: u8,
        name: &[u8],
        link: &[u8],
        device: (u32, u32),
    ) -> Result<(), TarWriteError> {
        let member = Member { flag, name, link, size: entry.size(), device };
        Ok(self.inner.write_all(&header::encode(entry, &member))?)
    }

    /// An empty file whose name alone says something.
    fn marker(&mut self, directory: &EntryPath, name: &[u8]) -> Result<(), TarWriteError> {
        let mut full = directory.as_bytes().to_vec();
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(name);
        self.put(&Entry::new(EntryPath::root(), EntryKind::Whiteout), b'0', &full, b"", (0, 0))
    }

    fn content(
        &mut self,
        entry: &Entry,
        size: u64,
        digest: Digest,
        content: impl Read,
    ) -> Result<(), TarWriteError> {
        let mut source = DigestReader::with_algorithm(content, digest.algorithm());
        let wanted = usize::try_from(size).unwrap_or(CHUNK_LEN).clamp(1, CHUNK_LEN);
        if self.chunk.len() < wanted {
            self.chunk.resize(wanted, 0);
        }
        let chunk = &mut self.chunk;
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            let read = read_some(&mut source, &mut chunk[..wanted], entry)?;
            if read == 0 {
                break;
            }
            self.inner.write_all(&chunk[..read])?;
            left -= read as u64;
        }
        let more = read_some(&mut source, &mut chunk[..1], entry)?;
        let (found, found_size) = source.finish();
        if left > 0 || more > 0 || found != digest {
            return Err(TarWriteError::Mismatch {
                path: entry.path.display(),
                expected: Box::new(digest),
                expected_size: size,
                found: Box::new(found),
                found_size,
            });
        }
        let padding = size.next_multiple_of(BLOCK_LEN as u64) - size;
        self.inner.write_all(&[0; BLOCK_LEN][..padding as usize])?;
        Ok(())
    }
}

fn read_some(
    source: &mut impl Read,
    buffer: &mut [u8],
    entry: &Entry,
) -> Result<usize, TarWriteError> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(TarWriteError::Content { path: entry.path.display(), source });
            }
            Ok(read) => return Ok(read),
        }
    }
}

/// Writes a whole layer; `open` gives the content of each file.
pub fn write_layer<W: Write, C: Read>(
    index: &LayerIndex,
    inner: W,
    mut open: impl FnMut(&Entry) -> io::Result<C>,
) -> Result<W, TarWriteError> {
    let mut writer = LayerTarWriter::new(inner);
    for entry in index.entries() {
        if let EntryKind::File { .. } = entry.kind {
            let content = open(entry)
                .map_err(|source| TarWriteError::Content { path: entry.path.display(), source })?;
            writer.append(entry, content)?;
        } else {
            writer.append(entry, io::empty())?;
        }
    }
    writer.finish()
}
