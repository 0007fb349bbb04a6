//! What a COPY or ADD is going to send: entries with their digests, gathered in a first pass over
//! the files; a second pass sends the very same bytes or fails. Small files are kept in between:
//! opening them once more would take longer than anything else that is done with them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use minidock_dockerfile::Heredoc;
use minidock_image::digest::Digest;
use minidock_image::layer::{Entry, EntryKind, EntryPath};
use minidock_image::tar::{LayerTarWriter, TarWriteError};

use super::walk::Walk;
use super::{Context, changed, opening, unusable};
use crate::build::archive::{self, Archive};
use crate::build::key::KeyBuilder;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result, quoted};
use rustix::fs::FileType;

/// The sources of one instruction, in order.
#[derive(Debug, Default)]
pub(in crate::build) struct Manifest {
    /// Archives of the context, each after the files that were named before it.
    archives: Vec<(Plain, Archive)>,
    /// Files after the last archive; all of them where there is none.
    files: Plain,
    /// Bytes of small files that are kept for the second pass.
    kept: u64,
    /// Sockets that are not copied, for a warning each.
    pub(in crate::build) skipped: Vec<String>,
}

/// Files by their path in the stream.
#[derive(Debug, Default)]
pub(super) struct Plain(BTreeMap<EntryPath, Item>);

/// One entry and where its content is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) entry: Entry,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) enum Origin {
    /// A file of the context.
    Context(EntryPath),
    /// The content itself: of a heredoc, or of a small file as it was hashed.
    Text(Vec<u8>),
    /// It has no content.
    Nothing,
}

impl Plain {
    /// Notes that contents of directories are copied: the stream begins with its root.
    pub(super) fn contents(&mut self) {
        let item = Item { entry: root_entry(), origin: Origin::Nothing };
        self.0.insert(EntryPath::root(), item);
    }

    pub(super) fn has(&self, path: &EntryPath) -> bool {
        self.0.contains_key(path)
    }

    /// A later source replaces a file of an earlier one, as copying one by one would.
    pub(super) fn put(&mut self, item: Item) -> Result<()> {
        let path = item.entry.path.clone();
        if let Some(known) = self.0.get(&path)
            && known.entry.is_directory() != item.entry.is_directory()
        {
            let message = format!(
                "two sources would both become {}: one is a directory and one is not",
                quoted(&path.display())
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        self.0.insert(path, item);
        Ok(())
    }
}

impl Manifest {
    /// Adds what a path or pattern names; archives of an ADD are unpacked.
    pub(in crate::build) fn add_path(
        &mut self,
        context: &Context,
        asked: &str,
        unpack: bool,
        cancel: &CancelToken,
    ) -> Result<()> {
        for source in context.sources(asked)? {
            if unpack && source.found.kind == FileType::RegularFile {
                let path = &source.found.path;
                let open = || context.open_file(path).map_err(|error| opening(path, error));
                if archive::detect(open()?, path)? {
                    let archive = Archive::read(path, open, cancel)?;
                    self.archives.push((std::mem::take(&mut self.files), archive));
                    continue;
                }
            }
            let (kept, skipped) = (&mut self.kept, &mut self.skipped);
            let mut walk = Walk { context, cancel, kept, skipped };
            match (source.found.kind, &source.name) {
                (FileType::Directory, _) => walk.directory(&source.found.path, &mut self.files)?,
                (_, Some(name)) => walk.file(&source.found, name, &mut self.files)?,
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Adds a file with a heredoc's body.
    pub(in crate::build) fn add_heredoc(&mut self, heredoc: &Heredoc) -> Result<()> {
        let name = heredoc.name.as_bytes();
        let path = EntryPath::root().join(name).map_err(|error| unusable(name, &error))?;
        let text = heredoc.body().into_bytes();
        let kind = EntryKind::File { size: text.len() as u64, digest: Digest::of(&text) };
        self.files.put(Item { entry: Entry::new(path, kind), origin: Origin::Text(text) })
    }

    /// A stream of its root alone: it makes the destination a directory.
    pub(in crate::build) fn root_only() -> Self {
        let mut manifest = Self::default();
        manifest.files.contents();
        manifest
    }

    /// Whether an archive is among the sources: the destination is a directory then.
    pub(in crate::build) fn has_archive(&self) -> bool {
        !self.archives.is_empty()
    }

    /// Adds what the copied files are to a key: names, kinds, modes, attributes and contents, but
    /// no times, as docker does.
    pub(in crate::build) fn hash_into(&self, key: &mut KeyBuilder) {
        let files = |plain: &Plain, key: &mut KeyBuilder| {
            key.field("files", plain.0.len().to_le_bytes());
            plain.0.values().for_each(|item| hash_entry(&item.entry, key));
        };
        for (plain, archive) in &self.archives {
            files(plain, key);
            key.field("archive", archive.digest().to_string());
        }
        files(&self.files, key);
    }

    /// Writes the tar stream.
    pub(in crate::build) fn send(
        &self,
        context: Option<&Context>,
        mut out: impl Write,
        cancel: &CancelToken,
    ) -> Result<()> {
        if self.has_archive() {
            // The stream's root first: the destination is a directory whatever comes then.
            append(&mut out, &root_entry(), io::empty())?;
        }
        for (plain, archive) in &self.archives {
            send_plain(plain, true, context, &mut out, cancel)?;
            let context = context.ok_or_else(no_context)?;
            let path = archive.path();
            let file = context.open_file(path).map_err(|error| opening(path, error))?;
            archive.send(file, &mut out, cancel)?;
        }
        send_plain(&self.files, self.has_archive(), context, &mut out, cancel)?;
        LayerTarWriter::new(&mut out).finish().map_err(|error| writing(error, cancel))?;
        Ok(())
    }
}

fn root_entry() -> Entry {
    Entry::new(EntryPath::root(), EntryKind::Directory { opaque: false, implied: false })
}

fn send_plain(
    plain: &Plain,
    root_sent: bool,
    context: Option<&Context>,
    out: &mut impl Write,
    cancel: &CancelToken,
) -> Result<()> {
    for item in plain.0.values() {
        cancel.check()?;
        match &item.origin {
            Origin::Nothing if root_sent && item.entry.path.is_root() => {}
            Origin::Nothing => append(out, &item.entry, io::empty())?,
            Origin::Text(text) => append(out, &item.entry, text.as_slice())?,
            Origin::Context(path) => {
                let context = context.ok_or_else(no_context)?;
                let file = context.open_file(path).map_err(|error| opening(path, error))?;
                match write(out, &item.entry, Watched { inner: file, cancel }) {
                    Err(TarWriteError::Mismatch { .. }) => return Err(changed(path)),
                    other => other.map_err(|error| writing(error, cancel))?,
                }
            }
        }
    }
    Ok(())
}

/// Writes one entry; the order of a stream that is only read again is free.
fn write(out: &mut impl Write, entry: &Entry, content: impl Read) -> Result<(), TarWriteError> {
    LayerTarWriter::new(out).append(entry, content)
}

pub(in crate::build) fn append(
    out: &mut impl Write,
    entry: &Entry,
    content: impl Read,
) -> Result<()> {
    write(out, entry, content).map_err(|error| writing(error, &CancelToken::default()))
}

fn writing(error: TarWriteError, cancel: &CancelToken) -> Error {
    if let Err(cancelled) = cancel.check() {
        return cancelled;
    }
    match error {
        TarWriteError::Io { source } => Error::io("cannot hand the files over", source),
        TarWriteError::Mismatch { path, .. } => {
            let message = format!("the source of {} changed during the build", quoted(&path));
            Error::new(ErrorKind::Conflict, message)
                .with_hint("build again when nothing writes there")
        }
        TarWriteError::Reserved { path } => {
            let message = format!(
                "{} cannot be copied: names that begin with .wh. mean deletion in an image",
                quoted(&path)
            );
            Error::new(ErrorKind::InvalidInput, message)
                .with_hint("leave it out with a line in .dockerignore, or rename it")
        }
        error => Error::new(ErrorKind::InvalidInput, "a file cannot be copied").with_source(error),
    }
}

fn no_context() -> Error {
    Error::new(ErrorKind::InvalidInput, "the build has no context")
        .with_hint("give a directory, for example `.`")
}

/// Ends reading when the build is cancelled.
pub(in crate::build) struct Watched<'a, R> {
    pub(in crate::build) inner: R,
    pub(in crate::build) cancel: &'a CancelToken,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.inner.read(buffer)
    }
}

fn hash_entry(entry: &Entry, key: &mut KeyBuilder) {
    let mode = entry.mode.to_le_bytes();
    key.field("path", entry.path.as_bytes()).field("mode", mode);
    match &entry.kind {
        EntryKind::Directory { .. } => key.field("type", "directory"),
        EntryKind::File { digest, .. } => key.field("file", digest.to_string()),
        EntryKind::Symlink { target } => key.field("link", target),
        _ => key.field("type", "fifo"),
    };
    key.list("attributes", entry.xattrs.iter().flat_map(|(name, value)| [name, value]));
}
