//! Reads as much of an ELF file as tells a static executable from a dynamic one
//! (System V gABI, "Program Header"; elf(5)). 64-bit little endian only, as all our targets are.

use std::fs;
use std::path::Path;

use crate::error::{Error, file};

const PT_INTERP: u32 = 3;
const HEADER: usize = 64;

/// Fails unless `path` is an executable that names no program interpreter.
pub(crate) fn require_static(path: &Path) -> Result<(), Error> {
    let bytes = fs::read(path).map_err(file("read", path))?;
    match interpreter(&bytes) {
        Some(false) => Ok(()),
        Some(true) => Err(Error::Executable {
            path: path.to_owned(),
            problem: "it is not static: it names a program interpreter (PT_INTERP)",
        }),
        None => Err(Error::Executable {
            path: path.to_owned(),
            problem: "it is not a 64-bit little-endian ELF file",
        }),
    }
}

/// Whether the file asks for an interpreter; `None` when it is no such ELF file or is cut short.
fn interpreter(bytes: &[u8]) -> Option<bool> {
    let header = bytes.get(..HEADER)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let offset = usize::try_from(u64::from_le_bytes(header[32..40].try_into().ok()?)).ok()?;
    let size = usize::from(u16::from_le_bytes(header[54..56].try_into().ok()?));
    let count = usize::from(u16::from_le_bytes(header[56..58].try_into().ok()?));
    for index in 0..count {
        let at = offset.checked_add(index.checked_mul(size)?)?;
        let kind = bytes.get(at..at.checked_add(4)?)?;
        if u32::from_le_bytes(kind.try_into().ok()?) == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(kinds: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = u8::try_from(kinds.len()).unwrap();
        for kind in kinds {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    #[test]
    fn an_interpreter_is_found() {
        for (bytes, expected) in [
            (elf(&[1, 2]), Some(false)),
            (elf(&[1, PT_INTERP]), Some(true)),
            (elf(&[])[..60].to_vec(), None),
            (elf(&[1, 1])[..100].to_vec(), None),
            (b"#!/bin/sh\n".to_vec(), None),
        ] {
            assert_eq!(interpreter(&bytes), expected);
        }
    }
}
