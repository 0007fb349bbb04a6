//! The event log of a store: what happened, one JSON object a line, in the order it was written.
//!
//! Engines and supervisors append to `events/log`; when that is full it becomes `events/log.1`,
//! in place of the one before. Writers take turns by a lock that dies with them, and no writer
//! waits long for another: a line is one write(2) at the end of the file in any case. A line that
//! a killed writer left torn is ended by the next writer and skipped by readers.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use minidock_sys::lock::{self, Mode};
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// The directory in the store.
pub const DIRECTORY: &str = "events";
/// The file that grows.
pub const LOG: &str = "log";
/// The one before it.
pub const OLDER: &str = "log.1";
/// One file grows to this size.
pub const LARGEST: u64 = 4 << 20;
const LOCK: &str = "lock";
/// How often, and how long each time, a writer waits for its turn.
const TURNS: u32 = 50;
const TURN: Duration = Duration::from_millis(1);

/// What an event is about, by docker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A volume.
    Volume,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, nanoseconds since 1970-01-01 UTC.
    pub time: i64,
    /// To what.
    pub subject: Subject,
    /// What: docker's name for it, `start`.
    pub action: String,
    /// The id of the container or image, the name of the volume.
    pub id: String,
    /// More about it, by docker's names.
    pub attributes: BTreeMap<String, String>,
}

/// Where a supervisor writes the events of its container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sink {
    /// The directory of the log.
    pub directory: Bytes,
    /// What every event of the container says: its image, name and labels.
    pub attributes: BTreeMap<String, String>,
}

/// Appends an event to the log in `directory`, which is made where it is missing.
pub fn append(directory: &Path, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event).map_err(io::Error::from)?;
    line.push(b'\n');
    match std::fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let lock = open(&directory.join(LOCK))?;
    let mut turn = lock::try_lock(&lock, Mode::Exclusive)?;
    for _ in 0..TURNS {
        if turn {
            break;
        }
        std::thread::sleep(TURN);
        turn = lock::try_lock(&lock, Mode::Exclusive)?;
    }
    let path = directory.join(LOG);
    let mut file = open(&path)?;
    if turn && file.metadata()?.len() >= LARGEST {
        std::fs::rename(&path, directory.join(OLDER))?;
        file = open(&path)?;
    }
    let size = file.metadata()?.len();
    if ends_torn(&file, size)? {
        line.insert(0, b'\n');
    }
    let written = file.write_all(&line);
    if written.is_err() && turn {
        // A full disk: half a line helps nobody.
        file.set_len(size)?;
    }
    written
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn ends_torn(file: &File, size: u64) -> io::Result<bool> {
    let Some(last) = size.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 1 && byte != *b"\n")
}

/// The files of the log in `directory`, the oldest first.
#[must_use]
pub fn files(directory: &Path) -> [PathBuf; 2] {
    [directory.join(OLDER), directory.join(LOG)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Event {
        Event {
            time: i64::try_from(number).unwrap(),
            subject: Subject::Container,
            action: "start".to_owned(),
            id: format!("{number:064}"),
            attributes: BTreeMap::from([("name".to_owned(), "a\nb".to_owned())]),
        }
    }

    fn read(directory: &Path) -> Vec<Event> {
        let texts = files(directory).map(|path| std::fs::read_to_string(path).unwrap_or_default());
        texts.concat().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    #[test]
    fn writers_do_not_mix_and_the_log_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join(DIRECTORY);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let events = &events;
                scope.spawn(move || {
                    for number in 0..100 {
                        append(events, &event(writer * 100 + number)).unwrap();
                    }
                });
            }
        });
        let mut times: Vec<i64> = read(&events).iter().map(|event| event.time).collect();
        times.sort_unstable();
        assert_eq!(times, (0..400).collect::<Vec<i64>>());
        // A full file makes room.
        std::fs::File::options()
            .write(true)
            .open(events.join(LOG))
            .and_then(|file| file.set_len(LARGEST))
            .unwrap();
        append(&events, &event(7)).unwrap();
        assert_eq!(std::fs::read_to_string(events.join(LOG)).unwrap().lines().count(), 1);
        assert_eq!(std::fs::metadata(events.join(OLDER)).unwrap().len(), LARGEST);
    }

    #[test]
    fn a_torn_line_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &event(1)).unwrap();
        let mut log = OpenOptions::new().append(true).open(dir.path().join(LOG)).unwrap();
        log.write_all(b"{\"time\":2,\"subj").unwrap();
        append(dir.path(), &event(3)).unwrap();
        let times: Vec<i64> = read(dir.path()).iter().map(|event| event.time).collect();
        assert_eq!(times, [1, 3]);
    }
}
