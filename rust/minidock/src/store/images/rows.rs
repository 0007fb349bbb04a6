//! Owns the statements about images and references. Each runs within a transaction of the caller.

use std::collections::HashMap;

use minidock_image::digest::Digest;
use minidock_image::reference::{IdPrefix, Reference};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::error::{Error, ErrorKind, Result};

use super::super::Store;
use super::super::ids::LocalId;
use super::super::meta::sql;
use super::super::roots::Roots;
use super::{ImageRecord, ManifestRecord, NewImage};

pub(crate) fn insert(
    db: &Transaction<'_>,
    id: &Digest,
    image: &NewImage<'_>,
    size: u64,
) -> Result<()> {
    let key = id.to_string();
    let manifest = image.manifest.as_ref();
    db.execute(
        "INSERT INTO images VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET created = ?3, size = ?4, manifest = coalesce(?5, manifest),
         manifest_type = coalesce(?6, manifest_type), manifest_size = coalesce(?7, manifest_size)",
        params![
            key,
            image.config,
            image.created,
            stored(size),
            manifest.map(|m| m.digest.to_string()),
            manifest.map(|m| m.media_type.as_str()),
            manifest.map(|m| stored(m.size)),
        ],
    )
    .map_err(sql)?;
    db.execute("DELETE FROM image_layers WHERE image = ?1", [&key]).map_err(sql)?;
    let mut layers = db.prepare("INSERT INTO image_layers VALUES (?1, ?2, ?3)").map_err(sql)?;
    for (position, layer) in (0_i64..).zip(image.layers) {
        layers.execute(params![key, position, layer.as_str()]).map_err(sql)?;
    }
    let mut blobs = db.prepare("INSERT OR IGNORE INTO image_blobs VALUES (?1, ?2)").map_err(sql)?;
    for blob in image.blobs {
        blobs.execute(params![key, blob.to_string()]).map_err(sql)?;
    }
    Ok(())
}

/// SQLite's integers are signed; no size comes near the limit.
fn stored(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn exists(db: &Transaction<'_>, id: &Digest) -> Result<bool> {
    let mut found = db.prepare_cached("SELECT 1 FROM images WHERE id = ?1").map_err(sql)?;
    found.exists([id.to_string()]).map_err(sql)
}

pub(super) fn target(db: &Transaction<'_>, reference: &Reference) -> Result<Option<Digest>> {
    let found: Option<String> = db
        .query_row("SELECT image FROM refs WHERE reference = ?1", [reference.to_string()], |row| {
            row.get(0)
        })
        .optional()
        .map_err(sql)?;
    found.map(|text| parsed(&text)).transpose()
}

pub(crate) fn point(
    db: &Transaction<'_>,
    reference: &Reference,
    image: &Digest,
    now: i64,
) -> Result<()> {
    db.execute(
        "INSERT INTO refs VALUES (?1, ?2, ?3)
         ON CONFLICT (reference) DO UPDATE SET image = ?2, created = ?3",
        params![reference.to_string(), image.to_string(), now],
    )
    .map_err(sql)
    .map(drop)
}

pub(super) fn forget(db: &Transaction<'_>, reference: &Reference) -> Result<()> {
    db.execute("DELETE FROM refs WHERE reference = ?1", [reference.to_string()])
        .map_err(sql)
        .map(drop)
}

pub(crate) fn delete(db: &Transaction<'_>, id: &Digest) -> Result<()> {
    let key = id.to_string();
    db.execute("DELETE FROM refs WHERE image = ?1", [&key]).map_err(sql)?;
    db.execute("DELETE FROM images WHERE id = ?1", [&key]).map_err(sql).map(drop)
}

pub(super) fn with_prefix(db: &Transaction<'_>, prefix: &IdPrefix) -> Result<Vec<Digest>> {
    // Hex digits only: nothing in it means anything to GLOB.
    let pattern = format!("sha256:{}*", prefix.as_str());
    let mut query =
        db.prepare("SELECT id FROM images WHERE id GLOB ?1 ORDER BY id LIMIT 10").map_err(sql)?;
    let rows = query.query_map([pattern], |row| row.get::<_, String>(0)).map_err(sql)?;
    rows.map(|text| parsed(&text.map_err(sql)?)).collect()
}

pub(crate) fn all(db: &Transaction<'_>) -> Result<Vec<ImageRecord>> {
    let mut query = db
        .prepare(&format!("SELECT {COLUMNS} FROM images ORDER BY created DESC, id"))
        .map_err(sql)?;
    let rows = query.query_map([], Raw::read).map_err(sql)?;
    let mut images = rows
        .map(|raw| raw.map_err(sql).and_then(Raw::parse))
        .collect::<Result<Vec<ImageRecord>>>()?;
    let mut layers = grouped(db, "SELECT image, layer FROM image_layers ORDER BY image, position")?;
    let mut refs = grouped(db, "SELECT image, reference FROM refs ORDER BY image, reference")?;
    for image in &mut images {
        let key = image.id.to_string();
        image.layers = parsed_all(layers.remove(&key).unwrap_or_default())?;
        image.references = parsed_all(refs.remove(&key).unwrap_or_default())?;
    }
    Ok(images)
}

pub(crate) fn one(db: &Transaction<'_>, id: &Digest) -> Result<Option<ImageRecord>> {
    let key = id.to_string();
    let raw = db
        .query_row(&format!("SELECT {COLUMNS} FROM images WHERE id = ?1"), [&key], Raw::read)
        .optional()
        .map_err(sql)?;
    let Some(mut image) = raw.map(Raw::parse).transpose()? else {
        return Ok(None);
    };
    image.layers =
        column(db, "SELECT layer FROM image_layers WHERE image = ?1 ORDER BY position", &key)?;
    image.references =
        column(db, "SELECT reference FROM refs WHERE image = ?1 ORDER BY reference", &key)?;
    Ok(Some(image))
}

/// The blobs of an image.
pub(crate) fn blobs(db: &Transaction<'_>, id: &Digest) -> Result<Vec<Digest>> {
    column(db, "SELECT blob FROM image_blobs WHERE image = ?1", &id.to_string())
}

/// Every image with each of its blobs.
pub(crate) fn all_blobs(db: &Transaction<'_>) -> Result<Vec<(Digest, Digest)>> {
    let mut pairs = Vec::new();
    for (image, blobs) in grouped(db, "SELECT image, blob FROM image_blobs")? {
        let image: Digest = parsed(&image)?;
        for blob in parsed_all(blobs)? {
            pairs.push((image, blob));
        }
    }
    pairs.sort_unstable();
    Ok(pairs)
}

/// Lets an image go on without one of its blobs, and without its manifest if it was that.
pub(crate) fn drop_blob(db: &Transaction<'_>, image: &Digest, blob: &Digest) -> Result<()> {
    let pair = (image.to_string(), blob.to_string());
    db.execute("DELETE FROM image_blobs WHERE image = ?1 AND blob = ?2", params![pair.0, pair.1])
        .map_err(sql)?;
    db.execute(
        "UPDATE images SET manifest = NULL, manifest_type = NULL, manifest_size = NULL
         WHERE id = ?1 AND manifest = ?2",
        params![pair.0, pair.1],
    )
    .map_err(sql)
    .map(drop)
}

/// Every reference with its image and time.
pub(crate) fn references(db: &Transaction<'_>) -> Result<Vec<(Reference, Digest, i64)>> {
    let mut query =
        db.prepare("SELECT reference, image, created FROM refs ORDER BY reference").map_err(sql)?;
    let rows = query
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .map_err(sql)?;
    rows.map(|row| {
        let (reference, image, created) = row.map_err(sql)?;
        Ok((parsed(&reference)?, parsed(&image)?, created))
    })
    .collect()
}

const COLUMNS: &str = "id, config, created, size, manifest, manifest_type, manifest_size";

struct Raw {
    id: String,
    config: Vec<u8>,
    created: i64,
    size: i64,
    manifest: Option<(String, String, i64)>,
}

impl Raw {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let digest: Option<String> = row.get(4)?;
        let manifest = match digest {
            None => None,
            Some(digest) => Some((digest, row.get(5)?, row.get(6)?)),
        };
        Ok(Self {
            id: row.get(0)?,
            config: row.get(1)?,
            created: row.get(2)?,
            size: row.get(3)?,
            manifest,
        })
    }

    fn parse(self) -> Result<ImageRecord> {
        let manifest = match self.manifest {
            None => None,
            Some((digest, media_type, size)) => Some(ManifestRecord {
                digest: parsed(&digest)?,
                media_type,
                size: size.unsigned_abs(),
            }),
        };
        Ok(ImageRecord {
            id: parsed(&self.id)?,
            config: self.config,
            created: self.created,
            size: self.size.unsigned_abs(),
            layers: Vec::new(),
            manifest,
            references: Vec::new(),
        })
    }
}

fn grouped(db: &Transaction<'_>, query: &str) -> Result<HashMap<String, Vec<String>>> {
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    let mut query = db.prepare(query).map_err(sql)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sql)?;
    for row in rows {
        let (key, value) = row.map_err(sql)?;
        groups.entry(key).or_default().push(value);
    }
    Ok(groups)
}

fn column<T>(db: &Transaction<'_>, query: &str, key: &str) -> Result<Vec<T>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let mut query = db.prepare(query).map_err(sql)?;
    let rows = query.query_map([key], |row| row.get::<_, String>(0)).map_err(sql)?;
    parsed_all(rows.collect::<Result<_, _>>().map_err(sql)?)
}

fn parsed_all<T>(texts: Vec<String>) -> Result<Vec<T>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    texts.iter().map(|text| parsed(text)).collect()
}

/// What the database holds was parsed once: text that does not parse now was damaged.
pub(crate) fn parsed<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error: T::Err| {
        Error::new(ErrorKind::Corrupt, format!("the database holds a damaged name {text:?}"))
            .with_hint("run `minidock system check --repair`")
            .with_source(error)
    })
}

impl Store {
    /// Adds what images need.
    pub(crate) fn mark_images(db: &Transaction<'_>, roots: &mut Roots) -> Result<()> {
        for layers in
            grouped(db, "SELECT DISTINCT '', layer FROM image_layers").map(HashMap::into_values)?
        {
            roots.layers.extend(parsed_all::<LocalId>(layers)?);
        }
        for blobs in
            grouped(db, "SELECT DISTINCT '', blob FROM image_blobs").map(HashMap::into_values)?
        {
            roots.blobs.extend(parsed_all::<Digest>(blobs)?);
        }
        Ok(())
    }

    /// Whether some image has this layer.
    pub(crate) fn layer_is_in_an_image(db: &Transaction<'_>, layer: &LocalId) -> Result<bool> {
        let mut query =
            db.prepare_cached("SELECT 1 FROM image_layers WHERE layer = ?1").map_err(sql)?;
        query.exists([layer.as_str()]).map_err(sql)
    }
}
