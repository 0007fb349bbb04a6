//! The stream as members: blocks, checksums, extension headers gathered before their member.
//! It knows nothing of layers. Where tar programs would read a stream differently, it refuses.

use std::io::{self, Read};

use ::tar::Header;

use super::name::shown;
use super::pax::{self, Records};
use super::{BLOCK_LEN, MAX_EXTENSION_LEN, TarError, number};

/// One member, with everything that extension headers say already applied.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) header: Box<Header>,
    pub(crate) offset: u64,
    pub(crate) flag: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) records: Records,
}

impl Member {
    /// A numeric field of the header.
    pub(crate) fn number(&self, field: &[u8], what: &'static str) -> Result<i64, TarError> {
        number::field(field).ok_or(TarError::Header { offset: self.offset, what })
    }

    pub(crate) fn bad(&self, what: &'static str) -> TarError {
        TarError::Header { offset: self.offset, what }
    }

    pub(crate) fn shown(&self) -> String {
        shown(&self.name)
    }
}

/// Extension headers that wait for their member.
#[derive(Debug, Default)]
struct Pending {
    records: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.records.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

/// Reads members; the content of each must be read or skipped before the next.
#[derive(Debug)]
pub(crate) struct Members<R> {
    inner: R,
    offset: u64,
    content: u64,
    padding: u64,
    done: bool,
}

impl<R: Read> Members<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, offset: 0, content: 0, padding: 0, done: false }
    }

    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    /// The next member, or `None` at the end of the archive.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, TarError> {
        if self.done {
            return Ok(None);
        }
        let next = self.gather();
        self.done = !matches!(next, Ok(Some(_)));
        next
    }

    /// Reads content of the current member.
    pub(crate) fn read_content(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.content).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..wanted])?;
        if read == 0 {
            let offset = self.offset;
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                TarError::Truncated { offset },
            ));
        }
        self.content -= read as u64;
        self.offset += read as u64;
        Ok(read)
    }

    fn gather(&mut self) -> Result<Option<Member>, TarError> {
        let mut pending = Pending::default();
        loop {
            self.skip_rest()?;
            let offset = self.offset;
            let bad = |what| TarError::Header { offset, what };
            let Some(block) = self.block()? else {
                if pending.is_empty() {
                    return Ok(None);
                }
                return Err(bad("an extended header without a member after it"));
            };
            let header = Box::new(Header::from_byte_slice(&block).clone());
            check_sum(&block).map_err(bad)?;
            let size = number::field(&header.as_old().size)
                .and_then(|size| u64::try_from(size).ok())
                .ok_or_else(|| bad("its size is no number that a file can have"))?;
            let flag = header.as_old().linkflag[0];
            match flag {
                b'x' => fill(&mut pending.records, || self.records(size, offset))
                    .map_err(|e| e.at(offset))?,
                b'L' => fill(&mut pending.long_name, || self.long(size, offset))
                    .map_err(|e| e.at(offset))?,
                b'K' => fill(&mut pending.long_link, || self.long(size, offset))
                    .map_err(|e| e.at(offset))?,
                b'g' => check_global(&self.records(size, offset)?).map_err(bad)?,
                _ => return self.member(header, offset, flag, size, pending).map(Some),
            }
        }
    }

    fn member(
        &mut self,
        header: Box<Header>,
        offset: u64,
        flag: u8,
        header_size: u64,
        pending: Pending,
    ) -> Result<Member, TarError> {
        let bad = |what| TarError::Header { offset, what };
        let mut records = pending.records.unwrap_or_default();
        let name = header_name(&header).map_err(bad)?;
        let name = choose(name, pending.long_name, records.remove(&b"path"[..])).map_err(bad)?;
        let link = until_nul(&header.as_old().linkname).to_vec();
        let link =
            choose(link, pending.long_link, records.remove(&b"linkpath"[..])).map_err(bad)?;
        let mut size = pax_size(header_size, records.remove(&b"size"[..])).map_err(bad)?;
        if flag == b'S' || records.keys().any(|key| key.starts_with(b"GNU.sparse.")) {
            return Err(TarError::Sparse { name: shown(&name) });
        }
        // A hard link's size is that of the file it leads to; both GNU tar and Go read no content.
        if flag == b'1' {
            size = 0;
        }
        self.expect_content(size, offset)?;
        Ok(Member { header, offset, flag, name, link, size, records })
    }

    fn expect_content(&mut self, size: u64, offset: u64) -> Result<(), TarError> {
        let padded = size.checked_next_multiple_of(BLOCK_LEN as u64);
        let end = padded.and_then(|padded| offset.checked_add(padded));
        let (Some(padded), Some(_)) = (padded, end.filter(|end| *end < 1 << 62)) else {
            let what = "its size is larger than any archive";
            return Err(TarError::Header { offset, what });
        };
        (self.content, self.padding) = (size, padded - size);
        Ok(())
    }

    fn records(&mut self, size: u64, offset: u64) -> Result<Records, TarError> {
        let bytes = self.extension(size, offset)?;
        pax::parse(&bytes).map_err(|what| TarError::Header { offset, what })
    }

    /// A GNU long name: up to a NUL, nothing but NULs after it.
    fn long(&mut self, size: u64, offset: u64) -> Result<Vec<u8>, TarError> {
        let mut bytes = self.extension(size, offset)?;
        let len = until_nul(&bytes).len();
        if bytes[len..].iter().any(|byte| *byte != 0) {
            return Err(TarError::Header { offset, what: "a long name has a NUL byte inside" });
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    fn extension(&mut self, size: u64, offset: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_EXTENSION_LEN {
            return Err(TarError::ExtensionTooLong { offset, found: size });
        }
        self.expect_content(size, offset)?;
        let mut bytes = Vec::new();
        let mut chunk = [0; 8 * BLOCK_LEN];
        while self.content > 0 {
            match self.read_content(&mut chunk) {
                Ok(read) => bytes.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lift(error)),
            }
        }
        Ok(bytes)
    }

    /// A whole header block; `None` at the end-of-archive mark or a clean end of the stream.
    fn block(&mut self) -> Result<Option<[u8; BLOCK_LEN]>, TarError> {
        let offset = self.offset;
        let mut block = [0; BLOCK_LEN];
        if !self.fill_block(&mut block)? {
            return Ok(None);
        }
        if block != [0; BLOCK_LEN] {
            return Ok(Some(block));
        }
        if self.fill_block(&mut block)? && block != [0; BLOCK_LEN] {
            let what = "a block of zeros is followed by more members";
            return Err(TarError::Header { offset, what });
        }
        Ok(None)
    }

    fn fill_block(&mut self, block: &mut [u8; BLOCK_LEN]) -> Result<bool, TarError> {
        let mut filled = 0;
        while filled < BLOCK_LEN {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(TarError::Truncated { offset: self.offset }),
                Ok(read) => {
                    filled += read;
                    self.offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(TarError::Io { source }),
            }
        }
        Ok(true)
    }

    /// Passes over what is left of the current member.
    fn skip_rest(&mut self) -> Result<(), TarError> {
        self.content += std::mem::take(&mut self.padding);
        let mut block = [0; BLOCK_LEN];
        let mut chunk = Vec::new();
        // Mostly it is padding alone.
        if self.content > BLOCK_LEN as u64 {
            chunk.resize(64 * 1024, 0);
        }
        while self.content > 0 {
            match self.read_content(if chunk.is_empty() { &mut block } else { &mut chunk }) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lift(error)),
            }
        }
        Ok(())
    }

    /// Our own error that went through an `io::Error` comes out again as itself.
    pub(crate) fn lift(&self, error: io::Error) -> TarError {
        match error.downcast::<TarError>() {
            Ok(own) => own,
            Err(source) => TarError::Io { source },
        }
    }
}

/// A second extension header of one kind, or what went wrong in reading it.
enum FillError {
    Twice,
    Read(TarError),
}

impl FillError {
    fn at(self, offset: u64) -> TarError {
        match self {
            Self::Twice => {
                TarError::Header { offset, what: "two extended headers of one kind for one member" }
            }
            Self::Read(error) => error,
        }
    }
}

fn fill<T>(
    slot: &mut Option<T>,
    read: impl FnOnce() -> Result<T, TarError>,
) -> Result<(), FillError> {
    if slot.is_some() {
        return Err(FillError::Twice);
    }
    *slot = Some(read().map_err(FillError::Read)?);
    Ok(())
}

/// GNU tar applies global records and Go does not: only those without effect are taken.
fn check_global(records: &Records) -> Result<(), &'static str> {
    const ACTIVE: [&[u8]; 6] = [b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"];
    let active = |key: &[u8]| {
        ACTIVE.contains(&key)
            || key.starts_with(super::XATTR_PREFIX.as_bytes())
            || key.starts_with(b"GNU.sparse.")
    };
    if records.keys().any(|key| active(key)) {
        return Err("a global PAX header changes members, which tar programs read differently");
    }
    Ok(())
}

/// PAX and GNU extensions may repeat each other, but not disagree.
fn choose(
    header: Vec<u8>,
    gnu: Option<Vec<u8>>,
    pax: Option<Vec<u8>>,
) -> Result<Vec<u8>, &'static str> {
    let pax = pax.filter(|name| !name.is_empty());
    if pax.as_ref().is_some_and(|name| name.contains(&0)) {
        return Err("a PAX path has a NUL byte inside");
    }
    match (gnu, pax) {
        (Some(gnu), Some(pax)) if gnu != pax => Err("its GNU long name and its PAX path differ"),
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Ok(header),
    }
}

/// A PAX size may only stand for one that the header cannot hold, or repeat it.
fn pax_size(header: u64, pax: Option<Vec<u8>>) -> Result<u64, &'static str> {
    const HEADER_MAX: u64 = 0o777_7777_7777;
    let Some(text) = pax.filter(|text| !text.is_empty()) else {
        return Ok(header);
    };
    let size = number::decimal(&text).and_then(|size| u64::try_from(size).ok());
    let size = size.ok_or("its PAX size is no number that a file can have")?;
    if size != header && size <= HEADER_MAX {
        return Err("its PAX size and the size in its header differ");
    }
    Ok(size)
}

fn header_name(header: &Header) -> Result<Vec<u8>, &'static str> {
    let name = until_nul(&header.as_old().name);
    let Some(ustar) = header.as_ustar() else {
        check_gnu_times(header)?;
        return Ok(name.to_vec());
    };
    let star = header.as_bytes().ends_with(b"tar\0");
    let prefix = until_nul(if star { &ustar.prefix[..131] } else { &ustar.prefix });
    if prefix.is_empty() {
        return Ok(name.to_vec());
    }
    Ok([prefix, b"/", name].concat())
}

/// Go before 1.8 could write a name prefix where GNU headers have times; GNU tar misses it.
fn check_gnu_times(header: &Header) -> Result<(), &'static str> {
    if let Some(gnu) = header.as_gnu()
        && (number::field(&gnu.atime).is_none() || number::field(&gnu.ctime).is_none())
    {
        return Err("its GNU header has a name prefix or damaged times");
    }
    Ok(())
}

/// The sum counts its own field as spaces; old programs summed signed bytes.
fn check_sum(block: &[u8; BLOCK_LEN]) -> Result<(), &'static str> {
    const FIELD: std::ops::Range<usize> = 148..156;
    let stored = number::field(&block[FIELD]).ok_or("its checksum is no number")?;
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if FIELD.contains(&index) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if stored == unsigned || stored == signed {
        return Ok(());
    }
    Err("its checksum does not match: this is no tar, or it is damaged")
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    &bytes[..len]
}
