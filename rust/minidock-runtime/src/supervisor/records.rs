//! The records of a supervisor: written beside their place and renamed into it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use minidock_proto::record::{self, Exit, State};
use serde::Serialize;

use crate::failure::{Context, Result};

/// Nanoseconds since 1970-01-01 UTC.
pub(super) fn now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

/// Room that an exit record needs at most.
const ROOM: usize = 512;

/// Takes the records of an earlier run away, and takes the room for the exit record of this one,
/// if it writes one: a container that fills the disk must be able to end.
pub(super) fn prepare(directory: &Path, writes_exit: bool) -> Result<()> {
    for name in [record::STATE, record::EXIT] {
        match std::fs::remove_file(directory.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(|| format!("remove {name}")),
        }
    }
    if !writes_exit {
        return Ok(());
    }
    let room = temporary(directory, record::EXIT);
    std::fs::write(room, [b' '; ROOM]).context(|| format!("make {}", record::EXIT))
}

pub(super) fn write_state(directory: &Path, started_at: i64, mapping: String) -> Result<()> {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .context(|| "read the boot id".into())?;
    let state = State { boot_id: boot_id.trim().to_owned(), started_at, mapping };
    write(directory, record::STATE, &state).map(drop)
}

/// Writes the exit record, without waiting for the disk.
pub(super) fn write_exit(directory: &Path, exit: &Exit) -> Result<File> {
    write(directory, record::EXIT, exit)
}

/// Waits until the exit record is on the disk.
pub(super) fn sync_exit(record: &File) -> Result<()> {
    record.sync_data().context(|| format!("flush {}", record::EXIT))
}

fn temporary(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!(".{name}.new"))
}

fn write(directory: &Path, name: &str, value: &impl Serialize) -> Result<File> {
    let what = || format!("write {name}");
    let temporary = temporary(directory, name);
    let text = serde_json::to_vec(value).map_err(std::io::Error::from).context(what)?;
    // What is there already is room that was taken; it is given back only beyond the text.
    let mut file =
        File::options().write(true).create(true).truncate(false).open(&temporary).context(what)?;
    file.write_all(&text).context(what)?;
    file.set_len(text.len() as u64).context(what)?;
    std::fs::rename(&temporary, directory.join(name)).context(what)?;
    Ok(file)
}
