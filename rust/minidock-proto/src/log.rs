//! The output log of a container: binary exact, with time and stream of every piece.
//!
//! A record is: length of the payload (u32), stream (u8), time (i64, nanoseconds since
//! 1970-01-01 UTC), payload, the length again; integers little endian. The second length lets a
//! reader walk backwards for `logs --tail`. A torn last record (power loss, full disk) ends the
//! log. The supervisor alone writes.

/// Bytes before the payload.
pub const HEAD: usize = 13;
/// Bytes after the payload.
pub const TAIL: usize = 4;
/// The longest payload of one record.
pub const LONGEST: usize = 1 << 20;

/// Where output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The fixed part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Length of the payload in bytes.
    pub length: u32,
    /// Where it came from.
    pub stream: Stream,
    /// When it was read, nanoseconds since 1970-01-01 UTC.
    pub time: i64,
}

impl Head {
    /// The bytes before the payload.
    #[must_use]
    pub fn encode(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4] = match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        };
        bytes[5..].copy_from_slice(&self.time.to_le_bytes());
        bytes
    }

    /// Reads the bytes before a payload; `None` when they are no head.
    #[must_use]
    pub fn decode(bytes: &[u8; HEAD]) -> Option<Self> {
        let [a, b, c, d, stream, time @ ..] = *bytes;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length as usize > LONGEST {
            return None;
        }
        let stream = match stream {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            _ => return None,
        };
        Some(Self { length, stream, time: i64::from_le_bytes(time) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_survive() {
        let head = Head { length: 77, stream: Stream::Stderr, time: -5 };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        assert_eq!(Head::decode(&[0xff; HEAD]), None);
    }
}
