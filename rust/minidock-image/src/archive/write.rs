//! Writing archives: an OCI layout in a tar, with docker's list beside it where wanted.
//! The same images always give the same bytes.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use super::contents::blob_name;
use super::docker::Listed;
use super::oci::Layout;
use super::{
    ArchiveError, INDEX_JSON, MANIFEST_JSON, NAME_ANNOTATION, OCI_LAYOUT, REF_NAME_ANNOTATION,
};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::layer::{Entry, EntryKind, EntryPath};
use crate::manifest::{Index, Manifest};
use crate::media;
use crate::reference::Reference;
use crate::tar::{LayerTarWriter, TarWriteError};

/// Which lists an archive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `manifest.json` beside an OCI layout, as `docker save` writes it.
    Docker,
    /// An OCI layout alone.
    Oci,
}

/// An image to be written.
#[derive(Debug, Clone)]
pub struct SaveImage {
    /// Its names, each with a tag; none is allowed.
    pub references: Vec<Reference>,
    /// Its manifest's bytes.
    pub manifest: Vec<u8>,
    /// What the manifest is.
    pub media_type: String,
}

/// Writes images to a tar; `open` gives each blob that a manifest refers to. Blobs are checked
/// on the way: one that is damaged is an error.
pub fn write_archive<W: Write, R: Read>(
    format: ArchiveFormat,
    images: &[SaveImage],
    inner: W,
    mut open: impl FnMut(&Digest) -> std::io::Result<R>,
) -> Result<W, ArchiveError> {
    let plan = Plan::new(images)?;
    let mut tar = LayerTarWriter::new(inner);
    for name in ["blobs", "blobs/sha256"] {
        let kind = EntryKind::Directory { opaque: false, implied: false };
        append(&mut tar, name, kind, std::io::empty())?;
    }
    for (digest, blob) in &plan.blobs {
        let name = blob_name(digest)?;
        match blob {
            Blob::Here(bytes) => append_bytes(&mut tar, &name, bytes)?,
            Blob::Elsewhere(size) => {
                let content = open(digest).map_err(|source| ArchiveError::Store { source })?;
                append(&mut tar, &name, EntryKind::File { size: *size, digest: *digest }, content)?;
            }
        }
    }
    append_bytes(&mut tar, INDEX_JSON, &Index::new(media::OCI_INDEX, plan.index).to_json()?)?;
    if format == ArchiveFormat::Docker {
        append_bytes(&mut tar, MANIFEST_JSON, &json(MANIFEST_JSON, &plan.listed)?)?;
    }
    append_bytes(&mut tar, OCI_LAYOUT, &json(OCI_LAYOUT, &Layout::default())?)?;
    tar.finish().map_err(write_error)
}

enum Blob<'i> {
    Here(&'i [u8]),
    Elsewhere(u64),
}

/// What the archive will hold; each blob once, sorted.
struct Plan<'i> {
    blobs: BTreeMap<Digest, Blob<'i>>,
    index: Vec<Descriptor>,
    listed: Vec<Listed>,
}

impl<'i> Plan<'i> {
    fn new(images: &'i [SaveImage]) -> Result<Self, ArchiveError> {
        let mut plan = Self { blobs: BTreeMap::new(), index: Vec::new(), listed: Vec::new() };
        if images.is_empty() {
            return Err(ArchiveError::Empty);
        }
        for image in images {
            plan.add(image)?;
        }
        Ok(plan)
    }

    fn add(&mut self, image: &'i SaveImage) -> Result<(), ArchiveError> {
        let size = image.manifest.len() as u64;
        let manifest = Manifest::from_json(&image.manifest, &image.media_type)?;
        manifest.check_is_image()?;
        let descriptor = Descriptor::new(&image.media_type, Digest::of(&image.manifest), size);
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            blob_name(&blob.digest)?;
            self.blobs.insert(blob.digest, Blob::Elsewhere(blob.size));
        }
        self.blobs.insert(descriptor.digest, Blob::Here(&image.manifest));
        if image.references.is_empty() {
            self.index.push(descriptor.clone());
        }
        for reference in &image.references {
            self.index.push(named(&descriptor, reference)?);
        }
        let layers = manifest.layers.iter().map(|layer| blob_name(&layer.digest));
        self.listed.push(Listed {
            config: blob_name(&manifest.config.digest)?,
            // Whole names: docker shortens them again, podman puts short ones under localhost/.
            repo_tags: Some(image.references.iter().map(ToString::to_string).collect()),
            layers: layers.collect::<Result<_, _>>()?,
        });
        Ok(())
    }
}

fn named(descriptor: &Descriptor, reference: &Reference) -> Result<Descriptor, ArchiveError> {
    let (Some(tag), None) = (reference.tag(), reference.digest()) else {
        return Err(ArchiveError::SaveReference { reference: reference.familiar() });
    };
    let mut named = descriptor.clone();
    named.annotations.insert(NAME_ANNOTATION.to_owned(), reference.to_string());
    named.annotations.insert(REF_NAME_ANNOTATION.to_owned(), tag.to_owned());
    Ok(named)
}

fn json(name: &'static str, value: &impl serde::Serialize) -> Result<Vec<u8>, ArchiveError> {
    serde_json::to_vec(value).map_err(|source| ArchiveError::Json { name, source })
}

fn append_bytes<W: Write>(
    tar: &mut LayerTarWriter<W>,
    name: &str,
    bytes: &[u8],
) -> Result<(), ArchiveError> {
    let kind = EntryKind::File { size: bytes.len() as u64, digest: Digest::of(bytes) };
    append(tar, name, kind, bytes)
}

fn append<W: Write>(
    tar: &mut LayerTarWriter<W>,
    name: &str,
    kind: EntryKind,
    content: impl Read,
) -> Result<(), ArchiveError> {
    let path = EntryPath::parse(name.as_bytes())
        .map_err(|source| ArchiveError::Name { name: name.to_owned(), source })?;
    tar.append(&Entry::new(path, kind), content).map_err(write_error)
}

fn write_error(error: TarWriteError) -> ArchiveError {
    ArchiveError::Write { source: Box::new(error) }
}
