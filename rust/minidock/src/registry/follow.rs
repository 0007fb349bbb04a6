//! A blob that is read while it is still being written: unpacking begins with the first bytes.
//!
//! The end comes only after the blob was compared with its digest, so that nobody takes a part,
//! or another blob, for the whole.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, PoisonError};

/// How far a blob has come.
#[derive(Debug, Default)]
pub(super) struct Growing {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    written: u64,
    ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
}

impl Growing {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// So many bytes can be read.
    pub(super) fn grown(&self, written: u64) {
        self.change(|state| state.written = written);
    }

    /// It is whole and what was promised, or will never be.
    pub(super) fn end(&self, well: bool) {
        let ended = if well { Ended::Well } else { Ended::Badly };
        self.change(|state| state.ended = Some(ended));
    }

    /// Waits until there is something after `at`; gives how far it can be read.
    fn beyond(&self, at: u64) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match state.ended {
                Some(Ended::Badly) => return Err(io::Error::other(Abandoned)),
                Some(Ended::Well) => return Ok(state.written),
                None if state.written > at => return Ok(state.written),
                None => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// The transfer failed, which says why: who only read along has nothing to add.
#[derive(Debug, thiserror::Error)]
#[error("the transfer was given up")]
pub(super) struct Abandoned;

/// Reads a growing blob from its start.
#[derive(Debug)]
pub(super) struct Follower<'g> {
    file: File,
    at: u64,
    growing: &'g Growing,
}

impl<'g> Follower<'g> {
    pub(super) fn new(file: File, growing: &'g Growing) -> Self {
        Self { file, at: 0, growing }
    }
}

impl Read for Follower<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let until = self.growing.beyond(self.at)?;
        let left = usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        match read {
            // It was begun anew: what was read is not what it will be.
            0 => Err(io::Error::other(Abandoned)),
            _ => {
                self.at += read as u64;
                Ok(read)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_is_read_until_its_end_is_told() {
        let mut file = tempfile::tempfile().unwrap();
        let growing = Growing::default();
        let reading = file.try_clone().unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut all = Vec::new();
                Follower::new(reading, &growing).read_to_end(&mut all).map(|_| all)
            });
            for (number, piece) in [b"one".as_slice(), b"two", b"three"].into_iter().enumerate() {
                file.write_all(piece).unwrap();
                growing.grown([3, 6, 11][number]);
            }
            growing.end(true);
            assert_eq!(reader.join().unwrap().unwrap(), b"onetwothree");
        });
    }

    #[test]
    fn a_transfer_that_fails_or_begins_anew_is_no_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"part").unwrap();
        let growing = Growing::default();
        growing.grown(4);
        let mut follower = Follower::new(file.try_clone().unwrap(), &growing);
        let mut four = [0; 4];
        follower.read_exact(&mut four).unwrap();
        growing.end(false);
        assert!(follower.read(&mut four).is_err());

        let growing = Growing::default();
        growing.grown(8);
        file.set_len(0).unwrap();
        assert!(Follower::new(file, &growing).read(&mut four).is_err());
    }
}
