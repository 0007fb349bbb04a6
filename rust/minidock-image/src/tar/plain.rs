//! Tars of plain files, for what is copied in and out of containers: names are just names (`.wh.`
//! means nothing), contents are not hashed, and nothing is kept of what passed by.
//!
//! The reader is as careful as that of layers, by the same members: a path can never lead outside.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::header::{self, Member as Header};
use super::members::{Member, Members};
use super::name::normalise;
use super::reader::{device, id, mtime};
use super::{BLOCK_LEN, TarError, TarWriteError, XATTR_PREFIX};
use crate::layer::{Entry, EntryKind, EntryPath, Mtime};

/// What a plain entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainKind {
    /// A directory.
    Directory,
    /// A regular file of this many bytes, which follow.
    File {
        /// Its length.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads, byte exact.
        target: Vec<u8>,
    },
    /// Another name of an entry before it.
    Hardlink {
        /// Which.
        target: EntryPath,
    },
    /// A character device with its numbers.
    CharDevice(u32, u32),
    /// A block device with its numbers.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainEntry {
    /// Where it is; the root stands for the directory that is copied itself.
    pub path: EntryPath,
    /// What it is.
    pub kind: PlainKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// When it was modified.
    pub mtime: Mtime,
    /// Extended attributes by their full name.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Reads entries one by one from an uncompressed stream, in memory that is bounded whatever it
/// holds. What is read through [`Read`] is the content of the entry that came last.
///
/// ```
/// use minidock_image::tar::PlainTarReader;
/// let mut reader = PlainTarReader::new(&[0; 1024][..]);
/// assert!(reader.next_entry()?.is_none());
/// # Ok::<(), minidock_image::tar::TarError>(())
/// ```
#[derive(Debug)]
pub struct PlainTarReader<R> {
    members: Members<R>,
}

impl<R: Read> PlainTarReader<R> {
    /// Reads from `inner`, which should be buffered.
    pub fn new(inner: R) -> Self {
        Self { members: Members::new(inner) }
    }

    /// The next entry, or `None` at the end; content that was not read is passed over.
    pub fn next_entry(&mut self) -> Result<Option<PlainEntry>, TarError> {
        let Some(member) = self.members.next()? else { return Ok(None) };
        entry(&member).map(Some)
    }

    /// The stream; padding may follow the last member.
    pub fn into_inner(self) -> R {
        self.members.into_inner()
    }
}

impl<R: Read> Read for PlainTarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.members.read_content(buffer)
    }
}

fn entry(member: &Member) -> Result<PlainEntry, TarError> {
    let path = normalise(&member.name)
        .map_err(|source| TarError::Path { name: member.shown(), source })?;
    let kind = kind(member)?;
    if path.is_root() && kind != PlainKind::Directory {
        return Err(member.bad("something else than a directory has no name"));
    }
    let old = member.header.as_old();
    let mode = member.number(&old.mode, "its mode is no number")?;
    let records = member.records.iter();
    let xattrs = records.filter_map(|(key, value)| {
        let name = key.strip_prefix(XATTR_PREFIX.as_bytes())?;
        Some((name.to_vec(), value.clone()))
    });
    Ok(PlainEntry {
        path,
        kind,
        mode: (mode & 0o7777) as u32,
        uid: id(member, b"uid", &old.uid, "its user id is none that Linux has")?,
        gid: id(member, b"gid", &old.gid, "its group id is none that Linux has")?,
        mtime: mtime(member, &old.mtime)?,
        xattrs: xattrs.collect(),
    })
}

fn kind(member: &Member) -> Result<PlainKind, TarError> {
    let slash = member.name.ends_with(b"/");
    let kind = match member.flag {
        0 if slash => PlainKind::Directory,
        b'0' | b'7' if slash => {
            return Err(member.bad("a file has a name with a slash at its end"));
        }
        0 | b'0' | b'7' => return Ok(PlainKind::File { size: member.size }),
        b'1' => PlainKind::Hardlink {
            target: normalise(&member.link)
                .map_err(|source| TarError::LinkPath { name: member.shown(), source })?,
        },
        b'2' if member.link.is_empty() || member.link.contains(&0) => {
            return Err(member.bad("a symbolic link leads nowhere"));
        }
        b'2' => PlainKind::Symlink { target: member.link.clone() },
        b'3' => {
            let (major, minor) = device(member)?;
            PlainKind::CharDevice(major, minor)
        }
        b'4' => {
            let (major, minor) = device(member)?;
            PlainKind::BlockDevice(major, minor)
        }
        b'5' => PlainKind::Directory,
        b'6' => PlainKind::Fifo,
        flag => return Err(TarError::Type { name: member.shown(), flag: char::from(flag) }),
    };
    // GNU tar skips such content and Go reads it as the next header.
    if member.size != 0 {
        return Err(member.bad("something else than a file has a size"));
    }
    Ok(kind)
}

/// Writes entries in any order, with the headers of the frozen format.
#[derive(Debug)]
pub struct PlainTarWriter<W> {
    inner: W,
}

impl<W: Write> PlainTarWriter<W> {
    /// Writes to `inner`, which should be buffered.
    pub fn new(inner: W) -> Self {
        Self { inner }
    }

    /// Adds an entry. Of a file exactly its size is read from `content`: one that grew meanwhile
    /// is copied as it was, one that became shorter is an error.
    pub fn append(
        &mut self,
        entry: &PlainEntry,
        mut content: impl Read,
        buffer: &mut [u8],
    ) -> Result<(), TarWriteError> {
        self.head(entry)?;
        let PlainKind::File { size } = entry.kind else { return Ok(()) };
        let failed = |source| TarWriteError::Content { path: entry.path.display(), source };
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            match content.read(&mut buffer[..wanted]) {
                Ok(0) => {
                    let text = "it became shorter while it was copied";
                    return Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
                }
                Ok(read) => {
                    self.inner.write_all(&buffer[..read])?;
                    left -= read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let padding = size.next_multiple_of(BLOCK_LEN as u64) - size;
        self.inner.write_all(&[0; BLOCK_LEN][..padding as usize])?;
        Ok(())
    }

    /// Writes the end of the archive, flushes, and gives the writer back.
    pub fn finish(mut self) -> Result<W, TarWriteError> {
        self.inner.write_all(&[0; 2 * BLOCK_LEN])?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn head(&mut self, entry: &PlainEntry) -> Result<(), TarWriteError> {
        let path = entry.path.as_bytes();
        let (mut name, mut link) = (path.to_vec(), Vec::new());
        let (mut size, mut numbers) = (0, (0, 0));
        let flag = match &entry.kind {
            PlainKind::Directory => {
                name = if path.is_empty() { b"./".to_vec() } else { [path, b"/"].concat() };
                b'5'
            }
            PlainKind::File { size: length } => {
                size = *length;
                b'0'
            }
            PlainKind::Symlink { target } => {
                link.clone_from(target);
                b'2'
            }
            PlainKind::Hardlink { target } => {
                link = target.as_bytes().to_vec();
                b'1'
            }
            PlainKind::CharDevice(major, minor) => {
                numbers = (*major, *minor);
                b'3'
            }
            PlainKind::BlockDevice(major, minor) => {
                numbers = (*major, *minor);
                b'4'
            }
            PlainKind::Fifo => b'6',
        };
        if !header::device_fits(numbers) {
            let (major, minor) = numbers;
            return Err(TarWriteError::Device { path: entry.path.display(), major, minor });
        }
        let mut described = Entry::new(entry.path.clone(), EntryKind::Fifo);
        (described.mode, described.mtime) = (entry.mode & 0o7777, entry.mtime);
        (described.uid, described.gid) = (entry.uid, entry.gid);
        // A name with an equals sign cannot be in a PAX record.
        let named = entry.xattrs.iter().filter(|(name, _)| !name.contains(&b'='));
        described.xattrs = named.map(|(name, value)| (name.clone(), value.clone())).collect();
        let member = Header { flag, name: &name, link: &link, size, device: numbers };
        Ok(self.inner.write_all(&header::encode(&described, &member))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: PlainKind) -> PlainEntry {
        PlainEntry {
            path: EntryPath::try_from(path).unwrap(),
            kind,
            mode: 0o4751,
            uid: 1000,
            gid: 3_000_000,
            mtime: Mtime { secs: 7, nanos: 5 },
            xattrs: BTreeMap::from([(b"user.x".to_vec(), b"\0y".to_vec())]),
        }
    }

    fn written(entries: &[(PlainEntry, &[u8])]) -> Vec<u8> {
        let mut writer = PlainTarWriter::new(Vec::new());
        for (entry, content) in entries {
            writer.append(entry, *content, &mut [0; 700]).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let long = format!("d/{}", "n".repeat(250));
        let all = [
            (entry("", PlainKind::Directory), &b""[..]),
            (entry("d", PlainKind::Directory), b""),
            (entry(&long, PlainKind::File { size: 3 }), b"abcdef"),
            (entry("d/.wh.x", PlainKind::File { size: 2000 }), &[7; 2000]),
            (entry("d/.wh..wh..opq", PlainKind::File { size: 0 }), b""),
            (entry("s", PlainKind::Symlink { target: b"../../\xff".to_vec() }), b""),
            (
                entry("h", PlainKind::Hardlink { target: EntryPath::try_from("d/.wh.x").unwrap() }),
                b"",
            ),
            (entry("c", PlainKind::CharDevice(5, 1)), b""),
            (entry("b", PlainKind::BlockDevice(8, 0)), b""),
            (entry("p", PlainKind::Fifo), b""),
        ];
        let bytes = written(&all);
        let mut reader = PlainTarReader::new(&bytes[..]);
        for (wanted, content) in &all {
            let found = reader.next_entry().unwrap().unwrap();
            assert_eq!(&found, wanted);
            let PlainKind::File { size } = found.kind else { continue };
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, content[..size as usize]);
        }
        assert!(reader.next_entry().unwrap().is_none());
    }

    #[test]
    fn names_that_lead_outside_are_refused() {
        let mut bytes = written(&[(entry("xx/y", PlainKind::Fifo), b"")]);
        // PAX header and its content come first.
        let at = bytes.windows(4).position(|part| part == b"xx/y").unwrap();
        bytes[at..at + 4].copy_from_slice(b"../y");
        let block = &mut bytes[at..at + 512];
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let error = PlainTarReader::new(&bytes[..]).next_entry().unwrap_err();
        assert!(matches!(error, TarError::Path { .. }), "{error:?}");
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let mut writer = PlainTarWriter::new(io::sink());
        let short = entry("f", PlainKind::File { size: 5 });
        let error = writer.append(&short, &b"1234"[..], &mut [0; 8]).unwrap_err();
        assert!(matches!(error, TarWriteError::Content { .. }), "{error:?}");
    }
}
