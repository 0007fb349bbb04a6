//! Owns the `version` file: which formats can read and write this store, and the store's uuid.
//!
//! Decides nothing about what the formats are; [`READ`] and [`WRITE`] rise with them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::files::{self, Flush};
use super::ids::random_hex;

/// Rises when an older version could no longer read the store.
pub(crate) const READ: u32 = 1;
/// Rises when an older version could read, but would damage what it writes.
pub(crate) const WRITE: u32 = 1;

/// The content of the `version` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) read: u32,
    pub(crate) write: u32,
    pub(crate) uuid: String,
}

/// What this program may do with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    ReadWrite,
    /// A newer version writes here: reading only.
    NewerWriter {
        /// The write number of the store.
        write: u32,
    },
    /// The file system is mounted read-only.
    ReadOnlyMount,
}

/// What was found at `path`.
#[derive(Debug)]
pub(crate) enum Found {
    Absent,
    Damaged,
    Version(Version),
}

/// Reads the version file; a file that does not parse is damaged, which the caller can mend.
pub(crate) fn read(path: &Path) -> Result<Found> {
    Ok(match files::read_optional(path)? {
        None => Found::Absent,
        Some(bytes) => serde_json::from_slice(&bytes).map_or(Found::Damaged, Found::Version),
    })
}

/// Writes the numbers of this program, durably.
pub(crate) fn write(path: &Path) -> Result<Version> {
    let version = Version { read: READ, write: WRITE, uuid: random_hex::<16>()? };
    let text = format!(
        "{{\"read\":{},\"write\":{},\"uuid\":\"{}\"}}\n",
        version.read, version.write, version.uuid
    );
    files::write_atomic(path, text.as_bytes(), Flush::Now)?;
    Ok(version)
}

/// Compares the store's numbers with this program's.
pub(crate) fn judge(root: &Path, version: &Version) -> Result<Access> {
    if version.read > READ {
        return Err(Error::new(
            ErrorKind::Incompatible,
            format!(
                "the store {} has format {}, this version reads up to {READ}",
                root.display(),
                version.read
            ),
        )
        .with_hint("use the newer minidock that wrote it, or another store (MINIDOCK_ROOT)"));
    }
    Ok(match version.write > WRITE {
        true => Access::NewerWriter { write: version.write },
        false => Access::ReadWrite,
    })
}

/// The error of a write where `access` forbids it.
pub(crate) fn require_write(root: &Path, access: Access) -> Result<()> {
    let (kind, reason, hint) = match access {
        Access::ReadWrite => return Ok(()),
        Access::NewerWriter { write } => (
            ErrorKind::Incompatible,
            format!("a newer version writes it (format {write}, this one writes {WRITE})"),
            "use the newer minidock, or another store (MINIDOCK_ROOT)",
        ),
        Access::ReadOnlyMount => (
            ErrorKind::ReadOnly,
            "its file system is mounted read-only".to_owned(),
            "remount it, or choose another store (MINIDOCK_ROOT)",
        ),
    };
    let message = format!("the store {} can only be read: {reason}", root.display());
    Err(Error::new(kind, message).with_hint(hint))
}
