//! Owns the build cache: which layer a step with a key gave.
//!
//! What goes into a key is the build's business.

use minidock_image::digest::Digest;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::error::Result;

use super::ids::LocalId;
use super::images::rows::parsed;
use super::meta::{now, sql};
use super::roots::Roots;
use super::{Lease, Store};

/// A step's result to be remembered.
#[derive(Clone, Debug)]
pub struct NewCacheEntry<'a> {
    /// The digest of everything the step depends on.
    pub key: Digest,
    /// The layer that it made.
    pub layer: &'a LocalId,
    /// The key of the step before, if any.
    pub parent: Option<Digest>,
    /// The instruction, for people.
    pub description: &'a str,
}

/// A remembered step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// The digest of everything the step depends on.
    pub key: Digest,
    /// The layer that it made.
    pub layer: LocalId,
    /// The key of the step before, if any.
    pub parent: Option<Digest>,
    /// The instruction, for people.
    pub description: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it was last used, in seconds since 1970.
    pub last_used: i64,
}

const COLUMNS: &str = "key, layer, parent, description, created, last_used";

type Raw = (String, String, Option<String>, String, i64, i64);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn entry((key, layer, parent, description, created, last_used): Raw) -> Result<CacheEntry> {
    Ok(CacheEntry {
        key: parsed(&key)?,
        layer: parsed(&layer)?,
        parent: parent.map(|parent| parsed(&parent)).transpose()?,
        description,
        created,
        last_used,
    })
}

impl Lease {
    /// The remembered step with this key, if its layer is still there; the lease keeps that layer.
    pub fn cached_step(&self, key: &Digest) -> Result<Option<CacheEntry>> {
        let held = self.store().hold()?;
        let Some(found) = self.store().read(|db| find(db, key))? else {
            return Ok(None);
        };
        if !self.store().has_layer(&found.layer)? {
            return Ok(None);
        }
        self.mark_layer(&held, &found.layer)?;
        Ok(Some(found))
    }
}

fn find(db: &Transaction<'_>, key: &Digest) -> Result<Option<CacheEntry>> {
    let query = format!("SELECT {COLUMNS} FROM cache WHERE key = ?1");
    let found = db.query_row(&query, [key.to_string()], raw).optional().map_err(sql)?;
    found.map(entry).transpose()
}

impl Store {
    /// Remembers steps, in one transaction. Their layers must be there, and need not be flushed:
    /// a step whose layer a crash took is not found.
    pub fn put_cache(&self, entries: &[NewCacheEntry<'_>]) -> Result<()> {
        self.require_write()?;
        let held = self.hold()?;
        for entry in entries {
            self.require_layer(&held, entry.layer)?;
        }
        let now = now();
        self.write(|db| {
            let mut insert = db
                .prepare("INSERT OR REPLACE INTO cache VALUES (?1, ?2, ?3, ?4, ?5, ?5)")
                .map_err(sql)?;
            for entry in entries {
                let parent = entry.parent.map(|parent| parent.to_string());
                let key = entry.key.to_string();
                insert
                    .execute(params![key, entry.layer.as_str(), parent, entry.description, now])
                    .map_err(sql)?;
            }
            Ok(())
        })
    }

    /// Notes that steps were used, in one transaction.
    pub fn touch_cache(&self, keys: &[Digest]) -> Result<()> {
        let now = now();
        self.write(|db| {
            let mut update =
                db.prepare("UPDATE cache SET last_used = ?2 WHERE key = ?1").map_err(sql)?;
            for key in keys {
                update.execute(params![key.to_string(), now]).map_err(sql)?;
            }
            Ok(())
        })
    }

    /// All remembered steps, the last used first.
    pub fn cache_entries(&self) -> Result<Vec<CacheEntry>> {
        self.read(|db| {
            let mut query = db
                .prepare(&format!("SELECT {COLUMNS} FROM cache ORDER BY last_used DESC, key"))
                .map_err(sql)?;
            let rows = query.query_map([], raw).map_err(sql)?;
            rows.map(|row| entry(row.map_err(sql)?)).collect()
        })
    }

    /// Forgets all steps, or those whose layer is named.
    pub(crate) fn forget_cache(&self, layers: Option<&[LocalId]>) -> Result<usize> {
        self.with_reserve(|| {
            self.write(|db| match layers {
                None => db.execute("DELETE FROM cache", []).map_err(sql),
                Some(layers) => {
                    let mut count = 0;
                    for layer in layers {
                        count += db
                            .execute("DELETE FROM cache WHERE layer = ?1", [layer.as_str()])
                            .map_err(sql)?;
                    }
                    Ok(count)
                }
            })
        })
    }

    /// Adds what the build cache needs.
    pub(crate) fn mark_cache(db: &Transaction<'_>, roots: &mut Roots) -> Result<()> {
        let mut query = db.prepare("SELECT DISTINCT layer FROM cache").map_err(sql)?;
        let rows = query.query_map([], |row| row.get::<_, String>(0)).map_err(sql)?;
        for row in rows {
            roots.layers.insert(parsed(&row.map_err(sql)?)?);
        }
        Ok(())
    }
}
