//! Archives as tar streams: one pass, every file into the sink, names only remembered.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use super::contents::{Contents, Stored};
use super::{
    ArchiveError, BlobSink, INDEX_JSON, LoadedImage, MANIFEST_JSON, OCI_LAYOUT, docker, oci,
};
use crate::compression::{Decoder, Limits};
use crate::descriptor::Platform;
use crate::digest::DigestWriter;
use crate::layer::EntryPath;
use crate::tar::TarError;
use crate::tar::members::{Member, Members};
use crate::tar::name::{normalise, shown};

/// What the caller allows an archive to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Most members.
    pub max_members: usize,
    /// What unpacking a compressed archive may cost.
    pub compression: Limits,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { max_members: 100_000, compression: Limits::default() }
    }
}

/// Reads a docker archive or an OCI archive, compressed or not, from a stream that need not
/// be seekable. Where both lists of images are there, the OCI one is used: it keeps digests.
///
/// Blobs that no image refers to are in the sink too. Layers are not unpacked:
/// [`verify_layers`](super::verify_layers) does that, or whoever makes trees of them.
pub fn read_archive<R: Read, S: BlobSink>(
    inner: R,
    sink: &mut S,
    platform: &Platform,
    limits: &ArchiveLimits,
) -> Result<Vec<LoadedImage>, ArchiveError> {
    let decoder = Decoder::new(inner, limits.compression)?;
    let mut contents = Spooled { sink, files: HashMap::new() };
    contents.fill(decoder, limits.max_members)?;
    let has = |contents: &Spooled<'_, S>, name: &str| contents.files.contains_key(name.as_bytes());
    if has(&contents, OCI_LAYOUT) && has(&contents, INDEX_JSON) {
        return oci::load(&mut contents, platform);
    }
    if has(&contents, MANIFEST_JSON) {
        return docker::load(&mut contents);
    }
    if has(&contents, INDEX_JSON) {
        return Err(ArchiveError::Missing { name: OCI_LAYOUT.to_owned() });
    }
    Err(ArchiveError::NotAnArchive)
}

/// What a name in the archive is.
enum Named {
    Directory,
    File(Stored),
    /// A symbolic link to this name, which older docker archives have for layers.
    Symlink(Vec<u8>),
}

struct Spooled<'s, S> {
    sink: &'s mut S,
    files: HashMap<Vec<u8>, Named>,
}

impl<S: BlobSink> Spooled<'_, S> {
    fn fill<R: Read>(&mut self, inner: R, max: usize) -> Result<(), ArchiveError> {
        let mut members = Members::new(inner);
        while let Some(member) = members.next().map_err(tar_error)? {
            if self.files.len() >= max {
                return Err(ArchiveError::TooManyMembers { max });
            }
            self.member(&mut members, &member)?;
        }
        let mut rest = members.into_inner();
        io::copy(&mut rest, &mut io::sink()).map_err(|source| ArchiveError::Read { source })?;
        Ok(())
    }

    fn member<R: Read>(
        &mut self,
        members: &mut Members<R>,
        member: &Member,
    ) -> Result<(), ArchiveError> {
        let path = normalise(&member.name)
            .map_err(|source| ArchiveError::Name { name: shown(&member.name), source })?;
        let name = path.as_bytes().to_vec();
        let named = match member.flag {
            0 if member.name.ends_with(b"/") => Named::Directory,
            b'5' => Named::Directory,
            0 | b'0' | b'7' => Named::File(self.spool(members)?),
            b'1' => self.hard_link(member)?,
            b'2' => Named::Symlink(link_target(&path, &member.link)),
            _ => return Err(ArchiveError::NotAFile { name: shown(&member.name) }),
        };
        match (self.files.insert(name, named), member.flag) {
            (None, _) | (Some(Named::Directory), b'5') => Ok(()),
            (Some(_), _) => Err(ArchiveError::Duplicate { name: shown(&member.name) }),
        }
    }

    fn hard_link(&self, member: &Member) -> Result<Named, ArchiveError> {
        let target = normalise(&member.link)
            .map_err(|source| ArchiveError::Name { name: shown(&member.link), source })?;
        match self.files.get(target.as_bytes()) {
            Some(Named::File(stored)) => Ok(Named::File(*stored)),
            _ => Err(ArchiveError::Missing { name: shown(&member.link) }),
        }
    }

    fn spool<R: Read>(&mut self, members: &mut Members<R>) -> Result<Stored, ArchiveError> {
        let store = |source| ArchiveError::Store { source };
        let mut blob = DigestWriter::new(self.sink.begin().map_err(store)?);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match members.read_content(&mut chunk) {
                Ok(0) => break,
                Ok(read) => blob.write_all(&chunk[..read]).map_err(store)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(tar_error(members.lift(error))),
            }
        }
        let (blob, digest, size) = blob.into_parts().map_err(store)?;
        self.sink.commit(blob, &digest, size).map_err(store)?;
        Ok(Stored { digest, size })
    }
}

impl<S: BlobSink> Contents for Spooled<'_, S> {
    type Sink = S;

    fn sink(&mut self) -> &mut S {
        self.sink
    }

    fn store(&mut self, name: &str, _max: u64) -> Result<Option<Stored>, ArchiveError> {
        let is_layer = name.ends_with("/layer.tar") && !name.starts_with("blobs/");
        match self.files.get(name.as_bytes()) {
            None => Ok(None),
            Some(Named::File(stored)) => Ok(Some(*stored)),
            Some(Named::Symlink(target)) if is_layer => match self.files.get(target) {
                Some(Named::File(stored)) => Ok(Some(*stored)),
                _ => Err(ArchiveError::Missing { name: shown(target) }),
            },
            Some(_) => Err(ArchiveError::NotAFile { name: name.to_owned() }),
        }
    }
}

/// The name that a link means within the archive; what climbs out means nothing that is there.
fn link_target(link: &EntryPath, target: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = link.components().collect();
    parts.pop();
    if target.first() == Some(&b'/') {
        parts.clear();
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join(&b'/')
}

fn tar_error(error: TarError) -> ArchiveError {
    ArchiveError::Tar { source: Box::new(error) }
}
