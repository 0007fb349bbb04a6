//! Owns how a failure of SQLite becomes an error of the engine.

use std::io::Write;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, Result};

use super::super::files;
use super::super::ids::random_hex;
use super::Store;

/// The error of a damaged database.
pub(super) fn corrupt(how: &str) -> Error {
    Error::new(ErrorKind::Corrupt, how)
        .with_hint("run `minidock system check --repair`: images and tags are kept in records/")
}

/// Marks an error of one statement within a transaction; [`Store::explain`] gives it its kind.
pub(crate) fn sql(error: rusqlite::Error) -> Error {
    let kind = kind_of(&error);
    match kind {
        ErrorKind::Corrupt => corrupt("the database meta.sqlite is damaged").with_source(error),
        kind => Error::new(kind, "the database meta.sqlite failed").with_source(error),
    }
}

fn kind_of(error: &rusqlite::Error) -> ErrorKind {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
            ErrorCode::DiskFull => ErrorKind::NoSpace,
            ErrorCode::ReadOnly => ErrorKind::ReadOnly,
            ErrorCode::PermissionDenied => ErrorKind::Permission,
            // "no such table" and the like: the schema is checked at opening.
            ErrorCode::Unknown => ErrorKind::Corrupt,
            _ => ErrorKind::Io,
        },
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

impl Store {
    pub(super) fn database_error(&self, error: rusqlite::Error) -> Error {
        self.explain(sql(error))
    }

    /// SQLite reports a quota or a lack of inodes as a plain failure of input or output. A small
    /// write tells what is the matter.
    pub(super) fn explain(&self, error: Error) -> Error {
        let from_database =
            std::error::Error::source(&error).is_some_and(|cause| cause.is::<rusqlite::Error>());
        if !from_database || !matches!(error.kind(), ErrorKind::Io | ErrorKind::NoSpace) {
            return error;
        }
        match self.probe_space() {
            Err(cause) if cause.kind() == ErrorKind::NoSpace => cause,
            _ if error.kind() == ErrorKind::NoSpace => error
                .with_hint("free space on the disk of the store, or run `minidock system prune`"),
            _ => error,
        }
    }

    fn probe_space(&self) -> Result<()> {
        const PROBE: usize = 64 * 1024;
        let path = self.dir("ingest").join(format!("{}{}", random_hex::<8>()?, files::TEMP_SUFFIX));
        let written = files::create_new(&path).and_then(|mut file| {
            file.write_all(&[0; PROBE]).map_err(|e| Error::at("write", &path, e))
        });
        files::remove_file(&path)?;
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_codes_become_kinds() {
        for (code, kind) in [
            (rusqlite::ffi::SQLITE_FULL, ErrorKind::NoSpace),
            (rusqlite::ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
            (rusqlite::ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
            (rusqlite::ffi::SQLITE_READONLY, ErrorKind::ReadOnly),
            (rusqlite::ffi::SQLITE_IOERR, ErrorKind::Io),
        ] {
            let failure = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(sql(failure).kind(), kind, "code {code}");
        }
    }
}
