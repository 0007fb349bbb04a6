//! Owns the database: its one file, its connection, its transactions and its schema.
//!
//! SQLite's own file locks are off (VFS `unix-none`): POSIX locks belong to the process, and two
//! copies of SQLite in one process would drop each other's. Every transaction runs under the lock
//! on `meta.lock` instead, readers shared and writers alone.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::MutexGuard;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rustix::process::{Pid, getpid};

use crate::error::{Error, ErrorKind, Result};

use super::lock::{Lock, Mode};
use super::{Access, Store, files, version};

mod failure;
mod schema;

pub(crate) use failure::sql;
pub(crate) use schema::{make, make_tables, require_known_format};

pub(crate) const FILE: &str = "meta.sqlite";
pub(crate) const JOURNAL: &str = "meta.sqlite-journal";
const VFS: &std::ffi::CStr = c"unix-none";

/// Seconds since 1970; a clock before that counts as 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The connection of a store handle, made at its first use.
#[derive(Default)]
pub(crate) struct Cached(Option<Open>);

struct Open {
    connection: Option<Connection>,
    /// Device and inode: a database that was replaced by a mended one is opened anew.
    file: (u64, u64),
    owner: Pid,
}

impl Drop for Open {
    fn drop(&mut self) {
        // Closing rolls a transaction back: in a forked child that would write into the parent's.
        if self.owner != getpid() {
            std::mem::forget(self.connection.take());
        }
    }
}

impl Store {
    /// Runs a reading transaction.
    pub(crate) fn read<T>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.require_ours()?;
        let mut cached = self.cached();
        let path = self.dir("meta.lock");
        let mut lock = Lock::wait(&path, Mode::Shared)?;
        // A journal left by a kill is played back by the first who opens the database, which is
        // writing: nobody else may read meanwhile.
        if files::exists(&self.dir(JOURNAL))? && self.access() == Access::ReadWrite {
            drop(lock);
            lock = Lock::wait(&path, Mode::Exclusive)?;
        }
        let result = self.transact(&mut cached, TransactionBehavior::Deferred, run);
        drop(lock);
        result
    }

    /// Runs a writing transaction; it is on the disk when this returns, or did not happen.
    pub(crate) fn write<T>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.require_write()?;
        let mut cached = self.cached();
        let lock = Lock::wait(&self.dir("meta.lock"), Mode::Exclusive)?;
        let result = self.transact(&mut cached, TransactionBehavior::Immediate, run);
        drop(lock);
        result
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        // A panic within a transaction rolled it back: what the mutex guards is sound.
        self.inner.database.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    fn transact<T>(
        &self,
        cached: &mut Cached,
        behavior: TransactionBehavior,
        run: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let connection = cached.connection(self)?;
        let failed = |e| self.database_error(e);
        let tx = Transaction::new_unchecked(connection, behavior).map_err(failed)?;
        let value = run(&tx).map_err(|error| self.explain(error))?;
        tx.commit().map_err(failed)?;
        Ok(value)
    }

    /// Forgets the connection; the next transaction opens the file anew.
    pub(crate) fn close_database(&self) {
        *self.cached() = Cached::default();
    }
}

impl Cached {
    fn connection(&mut self, store: &Store) -> Result<&Connection> {
        let path = store.dir(FILE);
        let file = match std::fs::metadata(&path) {
            Ok(meta) => (meta.dev(), meta.ino()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(failure::corrupt("the database meta.sqlite is missing"));
            }
            Err(error) => return Err(Error::at("examine", &path, error)),
        };
        if self.0.as_ref().is_none_or(|open| open.file != file) {
            let writes = store.access() == Access::ReadWrite;
            let connection = connect(&path, writes).map_err(|e| store.database_error(e))?;
            schema::verify(&connection).map_err(|e| store.explain(e))?;
            self.0 = Some(Open { connection: Some(connection), file, owner: getpid() });
        }
        let open = self.0.as_ref().and_then(|open| open.connection.as_ref());
        open.ok_or_else(|| Error::new(ErrorKind::Io, "the database was closed meanwhile"))
    }
}

/// Opens the database, which must exist.
pub(crate) fn connect(path: &Path, writes: bool) -> rusqlite::Result<Connection> {
    let access = match writes {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = access
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags_and_vfs(path, flags, VFS)?;
    // EXTRA: the directory is flushed after the journal went too, so that a commit stays one.
    connection.execute_batch(
        "PRAGMA synchronous=EXTRA; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;
         PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
    )?;
    Ok(connection)
}

/// The number that the schema carries: the write number of the store's format.
const FORMAT: u32 = version::WRITE;
