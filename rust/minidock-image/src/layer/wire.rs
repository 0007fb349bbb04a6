//! The byte layout of an index file, shared by its writer and its reader.
//!
//! `MAGIC`, the format number as u32 little endian, then records. A record begins with a tag
//! byte: 0 ends the entries, 1 to 9 name a kind. Numbers are LEB128; signed ones are zigzagged.
//!
//! An entry is: tag, length shared with the path before, length of the rest, the rest, mode,
//! uid, gid, mtime seconds (signed), nanoseconds, number of xattrs, each as length, name,
//! length, value; then what the kind needs. After the end tag come the number of entries as
//! u64 little endian and the SHA-256 of everything before the sum itself.

pub(super) const MAGIC: [u8; 8] = *b"\x89MDLIDX\n";

pub(super) const END: u8 = 0;
pub(super) const DIRECTORY: u8 = 1;
pub(super) const FILE: u8 = 2;
pub(super) const SYMLINK: u8 = 3;
pub(super) const HARDLINK: u8 = 4;
pub(super) const CHAR_DEVICE: u8 = 5;
pub(super) const BLOCK_DEVICE: u8 = 6;
pub(super) const FIFO: u8 = 7;
pub(super) const WHITEOUT: u8 = 8;
pub(super) const FILE_SHA512: u8 = 9;

/// Flags of a directory.
pub(super) const OPAQUE: u64 = 1;
pub(super) const IMPLIED: u64 = 2;

pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Appends `value` in LEB128.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zigzag_is_its_own_inverse() {
        for value in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!(zigzag(-1), 1);
    }
}
