//! Owns `records/`: a second copy of images and references, from which a damaged database is
//! mended. The database is the truth; the copy is written after each change.
//!
//! `records/images/<hex>` is one line of JSON and then the config; `records/refs.json` holds all
//! references. Each begins with a line of its own digest, so that nothing wrong is put back.

use minidock_image::digest::Digest;
use minidock_image::reference::Reference;
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::files::{self, Flush};
use super::ids::LocalId;
use super::images::{ManifestRecord, NewImage, rows};
use super::{Held, HeldAlone, Store};

const REFS: &str = "records/refs.json";

#[derive(Serialize, Deserialize)]
struct ImageHead {
    created: i64,
    layers: Vec<LocalId>,
    blobs: Vec<Digest>,
    manifest: Option<(Digest, String, u64)>,
}

#[derive(Serialize, Deserialize)]
struct RefRow {
    reference: String,
    image: Digest,
    created: i64,
}

impl Store {
    fn image_record_path(&self, id: &Digest) -> std::path::PathBuf {
        self.dir("records/images").join(id.hex())
    }

    /// Writes the copy of one image. The database has it already.
    pub(crate) fn record_image(&self, _held: &Held, id: &Digest) -> Result<()> {
        // Read under the same lock as it is written, so that the newest state is what stays.
        self.read(|db| match image_bytes(db, id)? {
            Some(bytes) => files::write_atomic(&self.image_record_path(id), &bytes, Flush::Later),
            None => Ok(()),
        })
    }

    /// Writes the copy of all references, and the index of the OCI layout.
    pub(crate) fn record_refs(&self, _held: &Held) -> Result<()> {
        self.read(|db| {
            files::write_atomic(&self.dir(REFS), &ref_bytes(db)?, Flush::Later)?;
            self.write_layout_index(&rows::all(db)?)
        })
    }

    /// Whether the copies are what the database says.
    pub(crate) fn records_agree(&self) -> Result<bool> {
        let _held = self.hold()?;
        self.read(|db| {
            let images = rows::all(db)?;
            for image in &images {
                let copy = files::read_optional(&self.image_record_path(&image.id))?;
                if copy != image_bytes(db, &image.id)? {
                    return Ok(false);
                }
            }
            if files::names_in(&self.dir("records/images"))?.len() != images.len() {
                return Ok(false);
            }
            let refs = ref_bytes(db)?;
            // A new store has no references and no copy of them.
            Ok(match files::read_optional(&self.dir(REFS))? {
                Some(copy) => copy == refs,
                None => images.is_empty(),
            })
        })
    }

    /// Takes removed things out of the copy. On a full disk the references stay in it until the
    /// next change; mending asks the images, which are gone.
    pub(crate) fn forget_records(&self, held: &Held, images: &[Digest]) -> Result<()> {
        for id in images {
            files::remove_file(&self.image_record_path(id))?;
        }
        match self.with_reserve(|| self.record_refs(held)) {
            Err(error) if error.kind() == ErrorKind::NoSpace => files::remove_file(&self.dir(REFS)),
            other => other,
        }
    }

    /// Writes all copies anew and removes those of images that are gone.
    pub(crate) fn rewrite_records(&self, alone: &HeldAlone) -> Result<()> {
        for image in self.images()? {
            self.record_image(alone, &image.id)?;
        }
        self.sweep_records(alone)?;
        self.record_refs(alone)
    }

    /// Removes copies of images that are gone, and half-written ones: a removal or a write that
    /// was killed leaves one.
    pub(crate) fn sweep_records(&self, _alone: &HeldAlone) -> Result<()> {
        let images = self.images()?;
        for name in files::all_names_in(&self.dir("records/images"))? {
            if !images.iter().any(|image| image.id.hex() == name) {
                files::remove_file(&self.dir("records/images").join(name))?;
            }
        }
        Ok(())
    }

    /// Puts what the copies hold into a new database. What is damaged here too is left out; gives
    /// the names of those.
    pub(crate) fn restore_records(&self, db: &Transaction<'_>) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        for name in files::names_in(&self.dir("records/images"))? {
            if !self.restore_image(db, &name)? {
                lost.push(format!("image {name}"));
            }
        }
        let Some(refs) = files::read_optional(&self.dir(REFS))? else {
            // A store without images has none; with images it was lost.
            if !files::names_in(&self.dir("records/images"))?.is_empty() {
                lost.push("all references".to_owned());
            }
            return Ok(lost);
        };
        let rows: Option<Vec<RefRow>> =
            unsealed(&refs).and_then(|bytes| serde_json::from_slice(bytes).ok());
        if rows.is_none() {
            lost.push("all references".to_owned());
        }
        for row in rows.unwrap_or_default() {
            match row.reference.parse::<Reference>() {
                Ok(reference) if rows::one(db, &row.image)?.is_some() => {
                    rows::point(db, &reference, &row.image, row.created)?;
                }
                _ => lost.push(format!("reference {}", row.reference)),
            }
        }
        Ok(lost)
    }

    fn restore_image(&self, db: &Transaction<'_>, name: &str) -> Result<bool> {
        let path = self.dir("records/images").join(name);
        let bytes = files::read_optional(&path)?.unwrap_or_default();
        let Some(bytes) = unsealed(&bytes) else {
            return Ok(false);
        };
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return Ok(false);
        };
        let (head, config) = (&bytes[..end], &bytes[end + 1..]);
        let id = Digest::of(config);
        let Ok(head) = serde_json::from_slice::<ImageHead>(head) else {
            return Ok(false);
        };
        if id.hex() != name {
            return Ok(false);
        }
        let size = head.layers.iter().map(|id| self.layer(id).map_or(0, |layer| layer.size));
        let image = NewImage {
            config,
            layers: &head.layers,
            blobs: &head.blobs,
            manifest: head.manifest.map(|(digest, media_type, size)| ManifestRecord {
                digest,
                media_type,
                size,
            }),
            created: head.created,
            references: &[],
        };
        rows::insert(db, &id, &image, size.sum::<u64>() + config.len() as u64)?;
        Ok(true)
    }
}

fn image_bytes(db: &Transaction<'_>, id: &Digest) -> Result<Option<Vec<u8>>> {
    let Some(image) = rows::one(db, id)? else {
        return Ok(None);
    };
    let manifest = image.manifest.map(|m| (m.digest, m.media_type, m.size));
    let head = ImageHead {
        created: image.created,
        layers: image.layers,
        blobs: rows::blobs(db, id)?,
        manifest,
    };
    let mut bytes = serde_json::to_vec(&head).map_err(unwritable)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&image.config);
    Ok(Some(sealed(&bytes)))
}

fn ref_bytes(db: &Transaction<'_>) -> Result<Vec<u8>> {
    let row = |(reference, image, created): (Reference, Digest, i64)| RefRow {
        reference: reference.to_string(),
        image,
        created,
    };
    let rows: Vec<_> = rows::references(db)?.into_iter().map(row).collect();
    serde_json::to_vec(&rows).map_err(unwritable).map(|bytes| sealed(&bytes))
}

/// Puts a digest in front.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = format!("{}\n", Digest::of(bytes)).into_bytes();
    sealed.extend_from_slice(bytes);
    sealed
}

/// What was sealed, if it is still that.
fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let digest: Digest = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    let rest = &bytes[end + 1..];
    digest.matches(rest).then_some(rest)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot write a record").with_source(error)
}
