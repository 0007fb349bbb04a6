//! Owns the tables, and the check that a file has them.

use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};

use super::super::files;
use super::failure::{corrupt, sql};
use super::{FILE, FORMAT, connect};

/// "mdck", so that `file` and a curious eye can tell.
const APPLICATION: i64 = 0x6d64_636b;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY NOT NULL,
    config BLOB NOT NULL,
    created INTEGER NOT NULL,
    size INTEGER NOT NULL,
    manifest TEXT,
    manifest_type TEXT,
    manifest_size INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS image_layers (
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer TEXT NOT NULL,
    PRIMARY KEY (image, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_layers_by_layer ON image_layers (layer);
CREATE TABLE IF NOT EXISTS image_blobs (
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    blob TEXT NOT NULL,
    PRIMARY KEY (image, blob)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refs (
    reference TEXT PRIMARY KEY NOT NULL,
    image TEXT NOT NULL REFERENCES images(id) ON DELETE RESTRICT,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refs_by_image ON refs (image);
CREATE TABLE IF NOT EXISTS cache (
    key TEXT PRIMARY KEY NOT NULL,
    layer TEXT NOT NULL,
    parent TEXT,
    description TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Makes the database, or finishes one whose making was cut short. The caller holds the store
/// lock alone.
pub(crate) fn make(root: &Path) -> Result<()> {
    let path = root.join(FILE);
    if !files::exists(&path)? {
        drop(files::create_new(&path)?);
    }
    make_tables(&path).map_err(|error| no_room(root).unwrap_or(error))
}

/// Whether no further file can be made: SQLite reports that as a database that does not open.
fn no_room(root: &Path) -> Option<Error> {
    let path = root.join(format!("{FILE}{}", files::TEMP_SUFFIX));
    let made = files::create_new(&path).map(drop);
    drop(files::remove_file(&path));
    made.err().filter(|error| error.kind() == ErrorKind::NoSpace)
}

/// Makes the tables in an existing file.
pub(crate) fn make_tables(path: &Path) -> Result<()> {
    let connection = connect(path, true).map_err(sql)?;
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES}
             PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}; COMMIT;"
        ))
        .map_err(sql)
}

/// Checks that a file is ours and of our format.
pub(super) fn verify(connection: &Connection) -> Result<()> {
    let number = |pragma: &str| -> Result<i64> {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).map_err(sql)
    };
    match number("application_id")? == APPLICATION && number("user_version")? > 0 {
        true => Ok(()),
        false => Err(corrupt("the database meta.sqlite is empty or not minidock's")),
    }
}

/// Refuses a database of a newer format, where the version file cannot say it any more.
///
/// Offset 60 of the header is the user version (SQLite's file format, "User version number").
pub(crate) fn require_known_format(root: &Path) -> Result<()> {
    const OFFSET: usize = 60;
    let path = root.join(FILE);
    let mut header = [0u8; 100];
    let read = match std::fs::File::open(&path) {
        Ok(mut file) => file.read_exact(&mut header),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::at("open", &path, error)),
    };
    if read.is_err() || !header.starts_with(b"SQLite format 3\0") {
        // Empty or damaged: it says nothing, and opening it will say so.
        return Ok(());
    }
    let mut number = [0u8; 4];
    number.copy_from_slice(&header[OFFSET..OFFSET + 4]);
    match u32::from_be_bytes(number) <= FORMAT {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Incompatible,
            format!("the store {} was written by a newer version", root.display()),
        )
        .with_hint("use the newer minidock, or another store (MINIDOCK_ROOT)")),
    }
}
