//! Headers of tar format 1. FROZEN: a change of any byte needs a new `TAR_FORMAT`.
//!
//! A member is a ustar header when everything fits, with a PAX header before it when not.
//! Owner names are empty, owners numeric; octal fields are filled with zeros and end in NUL.
//! The time is whole seconds in the header; PAX `mtime` comes only for a fraction, for times
//! before 1970 and for those beyond 11 octal digits. PAX records are sorted by key.

use std::collections::BTreeMap;

use super::{BLOCK_LEN, XATTR_PREFIX, pax};
use crate::layer::{Entry, Mtime};

const MAX_ID: u32 = 0o777_7777;
const MAX_DEVICE: u32 = 0o777_7777;
const MAX_SIZE: u64 = 0o777_7777_7777;
const NAME_LEN: usize = 100;
const PREFIX_LEN: usize = 155;

/// What a header says beyond the entry's metadata.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) flag: u8,
    pub(super) name: &'a [u8],
    pub(super) link: &'a [u8],
    pub(super) size: u64,
    pub(super) device: (u32, u32),
}

/// Whether device numbers fit; there is no PAX record that all tar programs read.
pub(super) fn device_fits((major, minor): (u32, u32)) -> bool {
    major <= MAX_DEVICE && minor <= MAX_DEVICE
}

/// The blocks of a member's headers, up to its content.
pub(super) fn encode(entry: &Entry, member: &Member<'_>) -> Vec<u8> {
    let mut records = BTreeMap::new();
    let (prefix, name) = split_name(member.name).unwrap_or_else(|| {
        records.insert(b"path".to_vec(), member.name.to_vec());
        (&b""[..], &member.name[..NAME_LEN])
    });
    if member.link.len() > NAME_LEN {
        records.insert(b"linkpath".to_vec(), member.link.to_vec());
    }
    if records.values().any(|text| std::str::from_utf8(text).is_err()) {
        records.insert(b"hdrcharset".to_vec(), b"BINARY".to_vec());
    }
    let mut number = |key: &str, value: u64, max: u64| {
        if value <= max {
            return value;
        }
        records.insert(key.as_bytes().to_vec(), value.to_string().into_bytes());
        0
    };
    let uid = number("uid", entry.uid.into(), MAX_ID.into());
    let gid = number("gid", entry.gid.into(), MAX_ID.into());
    let size = number("size", member.size, MAX_SIZE);
    let (mtime, precise) = time(entry.mtime);
    if let Some(precise) = precise {
        records.insert(b"mtime".to_vec(), precise.into_bytes());
    }
    for (name, value) in &entry.xattrs {
        records.insert([XATTR_PREFIX.as_bytes(), name].concat(), value.clone());
    }
    let mut bytes = extension(&records);
    let mut block = [0; BLOCK_LEN];
    put_text(&mut block, 0, name);
    put_octal(&mut block, 100, 8, entry.mode.into());
    put_octal(&mut block, 108, 8, uid);
    put_octal(&mut block, 116, 8, gid);
    put_octal(&mut block, 124, 12, size);
    put_octal(&mut block, 136, 12, mtime);
    block[156] = member.flag;
    put_text(&mut block, 157, &member.link[..member.link.len().min(NAME_LEN)]);
    put_octal(&mut block, 329, 8, member.device.0.into());
    put_octal(&mut block, 337, 8, member.device.1.into());
    put_text(&mut block, 345, prefix);
    seal(&mut block);
    bytes.extend_from_slice(&block);
    bytes
}

/// The PAX header with these records, or nothing.
fn extension(records: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    if records.is_empty() {
        return Vec::new();
    }
    let mut content = Vec::new();
    for (key, value) in records {
        pax::put(&mut content, key, value);
    }
    let mut block = [0; BLOCK_LEN];
    put_text(&mut block, 0, b"PaxHeaders.0/entry");
    put_octal(&mut block, 100, 8, 0o644);
    put_octal(&mut block, 108, 8, 0);
    put_octal(&mut block, 116, 8, 0);
    put_octal(&mut block, 124, 12, content.len() as u64);
    put_octal(&mut block, 136, 12, 0);
    block[156] = b'x';
    put_octal(&mut block, 329, 8, 0);
    put_octal(&mut block, 337, 8, 0);
    seal(&mut block);
    let mut bytes = block.to_vec();
    bytes.extend_from_slice(&content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK_LEN), 0);
    bytes
}

/// Prefix and name, split at the first slash that lets both fit; `None` if none does.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME_LEN {
        return Some((b"", name));
    }
    let from = name.len() - NAME_LEN - 1;
    let slash = from + name[from..].iter().position(|byte| *byte == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!rest.is_empty() && !prefix.is_empty() && prefix.len() <= PREFIX_LEN).then_some((prefix, rest))
}

/// Seconds for the header, and the PAX record where the header is not enough.
fn time(mtime: Mtime) -> (u64, Option<String>) {
    match u64::try_from(mtime.secs) {
        Ok(secs) if secs <= MAX_SIZE && mtime.nanos == 0 => (secs, None),
        Ok(secs) => (secs.min(MAX_SIZE), Some(decimal(secs, mtime.nanos))),
        // -1 s and 250,000,000 ns is -0.75 s.
        Err(_) if mtime.nanos == 0 => (0, Some(mtime.secs.to_string())),
        Err(_) => {
            let secs = mtime.secs.unsigned_abs() - 1;
            (0, Some(format!("-{}", decimal(secs, 1_000_000_000 - mtime.nanos))))
        }
    }
}

fn decimal(secs: u64, nanos: u32) -> String {
    if nanos == 0 {
        return secs.to_string();
    }
    format!("{secs}.{nanos:09}").trim_end_matches('0').to_owned()
}

fn put_text(block: &mut [u8; BLOCK_LEN], at: usize, text: &[u8]) {
    block[at..at + text.len()].copy_from_slice(text);
}

/// Octal digits that fill `len - 1` bytes; the NUL is there already.
fn put_octal(block: &mut [u8; BLOCK_LEN], at: usize, len: usize, mut value: u64) {
    for byte in block[at..at + len - 1].iter_mut().rev() {
        *byte = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

/// Magic, version, and the checksum as six digits, NUL, space.
fn seal(block: &mut [u8; BLOCK_LEN]) {
    put_text(block, 257, b"ustar\x0000");
    put_text(block, 148, b"        ");
    let sum = block.iter().map(|byte| u64::from(*byte)).sum();
    put_octal(block, 148, 7, sum);
    block[154] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_both_parts_fit() {
        let long = |prefix: usize, name: usize| [vec![b'p'; prefix], vec![b'n'; name]].join(&b'/');
        assert_eq!(split_name(&[b'n'; 100]).map(|(p, n)| (p.len(), n.len())), Some((0, 100)));
        assert_eq!(split_name(&[b'n'; 101]), None);
        for (prefix, name, expected) in [
            (155, 100, Some((155, 100))),
            (156, 99, None),
            (1, 100, Some((1, 100))),
            (154, 101, None),
            (100, 0, None),
        ] {
            let name = long(prefix, name);
            assert_eq!(split_name(&name).map(|(p, n)| (p.len(), n.len())), expected);
        }
    }

    #[test]
    fn times() {
        let at = |secs, nanos| time(Mtime { secs, nanos });
        assert_eq!(at(0, 0), (0, None));
        assert_eq!(at(7, 120_000_000), (7, Some("7.12".to_owned())));
        assert_eq!(at(-1, 0), (0, Some("-1".to_owned())));
        assert_eq!(at(-1, 250_000_000), (0, Some("-0.75".to_owned())));
        assert_eq!(at(i64::MIN, 1).1.unwrap(), "-9223372036854775807.999999999");
        assert_eq!(at(1 << 33, 0), (MAX_SIZE, Some((1_u64 << 33).to_string())));
    }
}
