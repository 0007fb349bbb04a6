//! The records of a supervisor: written beside their place and renamed into it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
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

/// Takes the records of an earlier run away.
pub(super) fn forget(directory: &Path) -> Result<()> {
    for name in [record::STATE, record::EXIT] {
        match std::fs::remove_file(directory.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(|| format!("remove {name}")),
        }
    }
    Ok(())
}

pub(super) fn write_state(directory: &Path, started_at: i64, mapping: String) -> Result<()> {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .context(|| "read the boot id".into())?;
    let state = State { boot_id: boot_id.trim().to_owned(), started_at, mapping };
    write(directory, record::STATE, &state, false)
}

/// Writes the exit record; `durable` waits until it is on the disk.
pub(super) fn write_exit(directory: &Path, exit: &Exit, durable: bool) -> Result<()> {
    write(directory, record::EXIT, exit, durable)
}

fn write(directory: &Path, name: &str, value: &impl Serialize, durable: bool) -> Result<()> {
    let what = || format!("write {name}");
    let temporary = directory.join(format!(".{name}.new"));
    let text = serde_json::to_vec(value).map_err(std::io::Error::from).context(what)?;
    let mut file = File::create(&temporary).context(what)?;
    file.write_all(&text).context(what)?;
    if durable {
        file.sync_data().context(what)?;
    }
    std::fs::rename(&temporary, directory.join(name)).context(what)
}
