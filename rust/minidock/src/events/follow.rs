//! Reading a log that grows and is replaced by a new file when it is full.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use minidock_proto::event::{self, Event};

use crate::error::{Error, Result};

/// A place in the log.
#[derive(Debug)]
pub(super) struct Follower {
    log: PathBuf,
    /// Read before the current one.
    older: Option<File>,
    current: Option<File>,
    /// What was read and not handed out.
    pending: Vec<u8>,
    taken: usize,
}

impl Follower {
    /// From the first event that is kept, or from what comes next.
    pub(super) fn open(directory: &Path, from_start: bool) -> Result<Self> {
        let [older, log] = event::files(directory);
        let mut current = open(&log)?;
        if !from_start && let Some(file) = &mut current {
            file.seek(SeekFrom::End(0)).map_err(|error| Error::at("read", &log, error))?;
        }
        let older = if from_start { open(&older)? } else { None };
        Ok(Self { log, older, current, pending: Vec::new(), taken: 0 })
    }

    /// The next event; `None` when nothing whole is there for now.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        loop {
            while let Some(line) = self.line() {
                // A line that a killed writer left torn, or one of a later version.
                if let Ok(event) = serde_json::from_slice(&line) {
                    return Ok(Some(event));
                }
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let rest = self.pending.get(self.taken..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = rest[..end].to_vec();
        self.taken += end + 1;
        Some(line)
    }

    /// Reads on; `false` when there is no more.
    fn read(&mut self) -> Result<bool> {
        self.pending.drain(..self.taken);
        self.taken = 0;
        let failed = |log: &Path, error| Error::at("read", log, error);
        if let Some(older) = &mut self.older {
            if fill(older, &mut self.pending).map_err(|error| failed(&self.log, error))? {
                return Ok(true);
            }
            self.older = None;
        }
        if self.current.is_none() {
            self.current = open(&self.log)?;
        }
        let Some(current) = &mut self.current else { return Ok(false) };
        // Before the read: what is written before the change of files is read by it.
        let replaced = is_replaced(&self.log, current)?;
        if fill(current, &mut self.pending).map_err(|error| failed(&self.log, error))? {
            return Ok(true);
        }
        if replaced {
            self.current = None;
        }
        Ok(replaced)
    }
}

fn fill(file: &mut File, pending: &mut Vec<u8>) -> std::io::Result<bool> {
    let before = pending.len();
    file.take(64 << 10).read_to_end(pending)?;
    Ok(pending.len() > before)
}

fn is_replaced(path: &Path, file: &File) -> Result<bool> {
    let failed = |error| Error::at("examine", path, error);
    let open = file.metadata().map_err(failed)?;
    match std::fs::metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) != (open.dev(), open.ino())),
        // Between the two names; the next look finds the new one.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::at("open", path, error)),
    }
}
