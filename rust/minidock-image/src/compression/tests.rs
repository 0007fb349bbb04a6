//! Row U11 for streams: what is told apart, unpacked, refused and bounded.

use std::io::Read as _;

use super::*;

fn unpack(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, String> {
    let mut decoder = Decoder::new(bytes, limits).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).map_err(|error| error.to_string())?;
    assert_eq!((decoder.unpacked(), decoder.packed()), (out.len() as u64, bytes.len() as u64));
    assert!(decoder.into_inner().is_empty());
    Ok(out)
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn unpacks_what_it_recognises() {
    let text = b"hello ".repeat(50_000);
    let twice = [text.clone(), text.clone()].concat();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd_of(&text)].concat();
    for (packed, expected) in [
        (text.clone(), &text),
        (gzip(&text).unwrap(), &text),
        ([gzip(&text).unwrap(), gzip(&text).unwrap()].concat(), &twice),
        (zstd_of(&text), &text),
        ([zstd_of(&text), zstd_of(&text)].concat(), &twice),
        (skippable, &text),
        (Vec::new(), &Vec::new()),
        (vec![0x1f], &vec![0x1f]),
        (vec![0x1f, 0x8b], &vec![0x1f, 0x8b]),
    ] {
        assert!(unpack(&packed, Limits::default()).as_ref() == Ok(expected));
    }
}

#[test]
fn refuses_what_it_does_not_support() {
    for (start, name) in [(&b"\xfd7zXZ\0rest"[..], "xz"), (b"BZh91AY&SY", "bzip2")] {
        let line = unpack(start, Limits::default()).unwrap_err();
        assert_eq!(line, format!("{name} is not supported for layers: compress with gzip or zstd"));
    }
    assert_eq!(Compression::sniff(b"BZ"), Compression::None);
}

#[test]
fn cut_off_damaged_and_trailing_data_are_errors() {
    let text: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
    for packed in [gzip(&text).unwrap(), zstd_of(&text)] {
        for len in (7..packed.len()).step_by(97).chain([packed.len() - 1]) {
            assert!(unpack(&packed[..len], Limits::default()).is_err(), "{len}");
        }
        let trailing = [&packed[..], b"garbage"].concat();
        assert!(unpack(&trailing, Limits::default()).is_err());
    }
    let mut damaged = gzip(&text).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    assert!(unpack(&damaged, Limits::default()).is_err());
}

#[test]
fn limits_hold() {
    let zeros = vec![0; 4 << 20];
    let by_size = Limits { max_unpacked: 1 << 20, ..Limits::default() };
    let by_ratio = Limits { max_ratio: 100, ratio_from: 1 << 20, ..Limits::default() };
    for packed in [gzip(&zeros).unwrap(), zstd_of(&zeros)] {
        assert!(unpack(&packed, Limits::default()).is_ok());
        let line = unpack(&packed, by_size).unwrap_err();
        assert!(line.contains("more than 1048576 bytes"), "{line}");
        let line = unpack(&packed, by_ratio).unwrap_err();
        assert!(line.contains("more than 100 times its size"), "{line}");
    }
    assert!(unpack(&zeros, by_ratio).is_ok());
    // A frame that asks for a window of 2 GiB (RFC 8878, 3.1.1.1.2: exponent 21).
    let window = b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    assert!(unpack(window, Limits::default()).is_err());
}

/// FROZEN with the compressor's version: a change here means pushed layers get new digests.
#[test]
fn gzip_is_deterministic() {
    let text: Vec<u8> = (0..50_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let packed = gzip(&text).unwrap();
    assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    assert_eq!(packed, gzip(&text).unwrap());
}
