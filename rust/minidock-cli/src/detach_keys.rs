//! The keys that leave a terminal without ending what runs in it.

use crate::failure::{Failure, Result};

/// Docker's: ctrl-p, ctrl-q.
const DEFAULT: [u8; 2] = [0x10, 0x11];

/// A sequence of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<u8>);

impl Default for DetachKeys {
    fn default() -> Self {
        Self(DEFAULT.to_vec())
    }
}

impl DetachKeys {
    /// Parses `ctrl-p,ctrl-q`: single characters, or `ctrl-` and one of `a-z @ [ \ ] ^ _`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let keys: Option<Vec<u8>> = text.split(',').map(key).collect();
        keys.map(Self).ok_or_else(|| {
            Failure::usage(
                format!("--detach-keys {text:?} is not a sequence of keys"),
                "write characters or ctrl-x, separated by commas, as ctrl-p,ctrl-q or ctrl-a,d",
            )
        })
    }
}

fn key(text: &str) -> Option<u8> {
    if let [byte @ 0x20..=0x7e] = text.as_bytes() {
        return Some(*byte);
    }
    match text.strip_prefix("ctrl-")?.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        b"@" => Some(0),
        b"[" => Some(27),
        b"\\" => Some(28),
        b"]" => Some(29),
        b"^" => Some(30),
        b"_" => Some(31),
        _ => None,
    }
}

/// Looks for the keys in what is typed. Keys that may begin the sequence are held back until
/// the next one tells.
#[derive(Debug)]
pub(crate) struct Scanner {
    keys: DetachKeys,
    matched: usize,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// These bytes go on.
    Forward(Vec<u8>),
    /// These go on, then the sequence was complete.
    Detach(Vec<u8>),
}

impl Scanner {
    pub(crate) fn new(keys: DetachKeys) -> Self {
        Self { keys, matched: 0 }
    }

    /// Takes what was typed.
    pub(crate) fn scan(&mut self, typed: &[u8]) -> Scanned {
        let mut forward = Vec::with_capacity(typed.len());
        for byte in typed {
            if self.keys.0.get(self.matched) == Some(byte) {
                self.matched += 1;
                if self.matched == self.keys.0.len() {
                    self.matched = 0;
                    return Scanned::Detach(forward);
                }
                continue;
            }
            // The held keys were meant for the program; this one may begin anew.
            forward.extend_from_slice(&self.keys.0[..self.matched]);
            self.matched = 0;
            match self.keys.0.first() == Some(byte) {
                true => self.matched = 1,
                false => forward.push(*byte),
            }
        }
        Scanned::Forward(forward)
    }

    /// What is held back, at the end of the input.
    pub(crate) fn held(&self) -> &[u8] {
        &self.keys.0[..self.matched]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences() {
        for (text, keys) in [
            ("ctrl-p,ctrl-q", vec![16, 17]),
            ("a", vec![b'a']),
            ("ctrl-a,d", vec![1, b'd']),
            ("ctrl-@,ctrl-[,ctrl-_", vec![0, 27, 31]),
        ] {
            assert_eq!(DetachKeys::parse(text).unwrap().0, keys, "{text}");
        }
        for text in ["", "ctrl-", "ctrl-A", "ctrl-1", "ab", "a,,b", "é", "a,"] {
            assert!(DetachKeys::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn typing() {
        let forward = |bytes: &[u8]| Scanned::Forward(bytes.to_vec());
        let mut scanner = Scanner::new(DetachKeys::default());
        assert_eq!(scanner.scan(b"ls\r"), forward(b"ls\r"));
        assert_eq!(scanner.scan(b"\x10"), forward(b""));
        assert_eq!(scanner.held(), b"\x10");
        assert_eq!(scanner.scan(b"x"), forward(b"\x10x"));
        assert_eq!(scanner.scan(b"\x10\x10"), forward(b"\x10"));
        assert_eq!(scanner.scan(b"\x11more"), Scanned::Detach(Vec::new()));
        assert_eq!(scanner.scan(b"a\x10\x11"), Scanned::Detach(b"a".to_vec()));
    }
}
