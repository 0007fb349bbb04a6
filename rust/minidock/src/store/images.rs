//! Owns images and references: what an id is made of and which names lead to it.
//!
//! It does not read configs or manifests: bytes in, bytes out.

use minidock_image::digest::Digest;
use minidock_image::reference::{ImageQuery, Reference};

use crate::error::{Error, ErrorKind, Result, quoted};

use super::ids::LocalId;
use super::{Held, Store, meta};

mod remove;
pub(super) mod rows;

pub use remove::RemovedImage;

/// The manifest an image came with, or was pushed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// An image to be put into the store.
#[derive(Clone, Debug, Default)]
pub struct NewImage<'a> {
    /// The config, byte for byte; its digest becomes the image's id.
    pub config: &'a [u8],
    /// The layers, lowest first.
    pub layers: &'a [LocalId],
    /// Blobs that belong to it: manifest, config, compressed layers. They stay as long as it does.
    pub blobs: &'a [Digest],
    /// The manifest, if there is one.
    pub manifest: Option<ManifestRecord>,
    /// When it was made, in seconds since 1970, as the config says.
    pub created: i64,
    /// Names that lead to it from the moment it is there: no prune comes between.
    pub references: &'a [Reference],
}

/// An image of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// The digest of the config.
    pub id: Digest,
    /// The config, byte for byte.
    pub config: Vec<u8>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Bytes of its layers' files and its config.
    pub size: u64,
    /// The layers, lowest first.
    pub layers: Vec<LocalId>,
    /// The manifest, if there is one.
    pub manifest: Option<ManifestRecord>,
    /// Names that lead to it, sorted; none means that it is dangling.
    pub references: Vec<Reference>,
}

/// What a tag did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The image that had the reference before, if it was another one. It is dangling now, if it
    /// had no other reference.
    pub moved_from: Option<Digest>,
}

impl Store {
    /// Puts an image into the store, with its references, and gives its id. Its layers are flushed
    /// first; one that is there already gets these layers, and keeps the references it had.
    ///
    /// An image without references is dangling, and any prune may take it: what is to have a name
    /// gets it here, not by [`Store::tag`] afterwards.
    pub fn put_image(&self, image: &NewImage<'_>) -> Result<Digest> {
        self.require_write()?;
        let id = Digest::of(image.config);
        // References go in last: nothing on the disk may name what is not on it.
        self.sync_pending()?;
        let held = self.hold()?;
        let size = self.size_of(&held, image)?;
        self.write(|db| {
            rows::insert(db, &id, image, size)?;
            let now = meta::now();
            image.references.iter().try_for_each(|name| rows::point(db, name, &id, now))
        })?;
        self.record_image(&held, &id)?;
        self.record_refs(&held)?;
        Ok(id)
    }

    fn size_of(&self, held: &Held, image: &NewImage<'_>) -> Result<u64> {
        let mut size = image.config.len() as u64;
        for layer in image.layers {
            self.require_layer(held, layer)?;
            size = size.saturating_add(self.layer(layer)?.size);
        }
        image.blobs.iter().try_for_each(|blob| self.require_blob(blob))?;
        Ok(size)
    }

    /// Points a reference at an image.
    pub fn tag(&self, reference: &Reference, image: &Digest) -> Result<Tagged> {
        self.require_write()?;
        let held = self.hold()?;
        let moved_from = self.write(|db| {
            if !rows::exists(db, image)? {
                return Err(no_image(&image.to_string()));
            }
            let before = rows::target(db, reference)?;
            rows::point(db, reference, image, meta::now())?;
            Ok(before.filter(|before| before != image))
        })?;
        self.record_refs(&held)?;
        self.image_event(&image.to_string(), "tag", &reference.familiar());
        Ok(Tagged { moved_from })
    }

    /// Removes a reference and gives the image it led to, which stays.
    pub fn untag(&self, reference: &Reference) -> Result<Digest> {
        self.require_write()?;
        let held = self.hold()?;
        let image = self.with_reserve(|| {
            self.write(|db| {
                let image =
                    rows::target(db, reference)?.ok_or_else(|| no_image(&reference.familiar()))?;
                rows::forget(db, reference)?;
                Ok(image)
            })
        })?;
        self.record_refs(&held)?;
        self.image_event(&image.to_string(), "untag", &reference.familiar());
        Ok(image)
    }

    /// All images, the newest first.
    pub fn images(&self) -> Result<Vec<ImageRecord>> {
        self.read(rows::all)
    }

    /// One image by its id.
    pub fn image(&self, id: &Digest) -> Result<ImageRecord> {
        self.read(|db| rows::one(db, id))
            .and_then(|found| found.ok_or_else(|| no_image(&id.to_string())))
    }

    /// The image that a reference leads to, if any.
    pub fn image_of(&self, reference: &Reference) -> Result<Option<Digest>> {
        self.read(|db| rows::target(db, reference))
    }

    /// When an image got its newest name, in seconds since 1970; `None` without one.
    pub fn tagged_at(&self, id: &Digest) -> Result<Option<i64>> {
        let references = self.read(rows::references)?;
        let own = references.into_iter().filter(|(_, image, _)| image == id);
        Ok(own.map(|(_, _, time)| time).max())
    }

    /// The id of the image that a user means: a whole id, a reference, or the start of an id, in
    /// docker's order.
    pub fn resolve_image(&self, query: &str) -> Result<Digest> {
        let parsed = ImageQuery::parse(query).map_err(|error| {
            let message = error.to_string();
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        self.read(|db| {
            if let Some(id) = parsed.exact_id()
                && rows::exists(db, &id)?
            {
                return Ok(id);
            }
            if let Some(reference) = parsed.reference()
                && let Some(id) = rows::target(db, reference)?
            {
                return Ok(id);
            }
            match parsed.id_prefix() {
                None => Err(no_image(query)),
                Some(prefix) => one_of(query, rows::with_prefix(db, prefix)?),
            }
        })
    }

    /// The layers of an image that are gone or cannot be trusted: none, unless the store is
    /// damaged. Whoever pulls it again gets them anew.
    pub fn missing_layers(&self, image: &ImageRecord) -> Result<Vec<LocalId>> {
        let mut missing = Vec::new();
        for layer in &image.layers {
            if !self.has_layer(layer)? || !files_exist(self, layer)? {
                missing.push(layer.clone());
            }
        }
        Ok(missing)
    }
}

fn files_exist(store: &Store, layer: &LocalId) -> Result<bool> {
    super::files::exists(&store.layer_index_path(layer))
}

fn one_of(query: &str, ids: Vec<Digest>) -> Result<Digest> {
    match ids.as_slice() {
        [] => Err(no_image(query)),
        [id] => Ok(*id),
        several => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{} is the start of {} image ids", quoted(query), several.len()),
        )
        .with_hint(format!("give more digits: {}", shorts(several)))),
    }
}

fn shorts(ids: &[Digest]) -> String {
    ids.iter().map(Digest::short).collect::<Vec<_>>().join(", ")
}

pub(crate) fn no_image(query: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such image: {}", quoted(query)))
        .with_hint("`minidock images` lists them; import, load or build it first")
}
