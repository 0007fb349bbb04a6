//! OCI layouts as directories, beneath a descriptor that the caller opened. No link is followed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::contents::{Contents, Stored};
use super::{ArchiveError, BlobSink, INDEX_JSON, LoadedImage, OCI_LAYOUT, oci};
use crate::descriptor::Platform;
use crate::digest::DigestWriter;

/// Reads an OCI layout (OCI image specification, image-layout.md); what its images for this
/// platform need is copied to the sink.
pub fn read_layout<S: BlobSink>(
    directory: BorrowedFd<'_>,
    sink: &mut S,
    platform: &Platform,
) -> Result<Vec<LoadedImage>, ArchiveError> {
    let mut contents = Beneath { directory, sink, known: HashMap::new() };
    for name in [OCI_LAYOUT, INDEX_JSON] {
        if open_file(directory, name)?.is_none() {
            return Err(ArchiveError::Missing { name: name.to_owned() });
        }
    }
    oci::load(&mut contents, platform)
}

struct Beneath<'s, S> {
    directory: BorrowedFd<'s>,
    sink: &'s mut S,
    /// Files that are in the sink already.
    known: HashMap<String, Stored>,
}

impl<S: BlobSink> Contents for Beneath<'_, S> {
    type Sink = S;

    fn sink(&mut self) -> &mut S {
        self.sink
    }

    fn store(&mut self, name: &str, max: u64) -> Result<Option<Stored>, ArchiveError> {
        if let Some(stored) = self.known.get(name) {
            return Ok(Some(*stored));
        }
        let Some(file) = open_file(self.directory, name)? else {
            return Ok(None);
        };
        let found = file.metadata().map_err(|source| ArchiveError::Read { source })?.len();
        if found > max {
            return Err(ArchiveError::TooLong { name: name.to_owned(), found, max });
        }
        // One byte more than is allowed shows that the file grew meanwhile.
        let mut file = file.take(max.saturating_add(1));
        let store = |source| ArchiveError::Store { source };
        let mut blob = DigestWriter::new(self.sink.begin().map_err(store)?);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => blob.write_all(&chunk[..read]).map_err(store)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ArchiveError::Read { source }),
            }
        }
        let (blob, digest, size) = blob.into_parts().map_err(store)?;
        self.sink.commit(blob, &digest, size).map_err(store)?;
        let stored = Stored { digest, size };
        self.known.insert(name.to_owned(), stored);
        Ok(Some(stored))
    }
}

/// Opens a regular file component by component; `None` if it is not there.
fn open_file(directory: BorrowedFd<'_>, name: &str) -> Result<Option<File>, ArchiveError> {
    let not_a_file = || ArchiveError::NotAFile { name: name.to_owned() };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut parts = name.split('/').peekable();
    let mut parent: Option<OwnedFd> = None;
    while let Some(part) = parts.next() {
        let at = parent.as_ref().map_or(directory, AsFd::as_fd);
        let is_last = parts.peek().is_none();
        let kind = if is_last { OFlags::NONBLOCK } else { OFlags::DIRECTORY };
        match openat(at, part, flags | kind, Mode::empty()) {
            Ok(opened) => parent = Some(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Err(not_a_file()),
            Err(errno) => return Err(ArchiveError::Read { source: errno.into() }),
        }
    }
    let Some(opened) = parent else {
        return Ok(None);
    };
    let stat = fstat(&opened).map_err(|errno| ArchiveError::Read { source: errno.into() })?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    Ok(Some(File::from(opened)))
}
