//! Tests of the index file and of the index in memory.

use super::*;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::layer::Mtime;

fn path(text: &str) -> EntryPath {
    EntryPath::try_from(text).unwrap()
}

fn entry(at: &str, kind: EntryKind) -> Entry {
    Entry::new(path(at), kind)
}

fn file(at: &str, content: &[u8]) -> Entry {
    entry(at, EntryKind::File { size: content.len() as u64, digest: Digest::of(content) })
}

fn directory(at: &str) -> Entry {
    entry(at, EntryKind::Directory { opaque: false, implied: false })
}

/// One entry of each kind, with each field at its limits somewhere.
fn every_kind() -> Vec<Entry> {
    let mut wide = entry("a/wide", EntryKind::File { size: u64::MAX, digest: Digest::of(b"x") });
    (wide.mode, wide.uid, wide.gid) = (0o7777, u32::MAX, u32::MAX);
    wide.mtime = Mtime { secs: i64::MIN, nanos: 999_999_999 };
    wide.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2]);
    wide.xattrs.insert(b"user.\xff".to_vec(), vec![7; 64 * 1024]);
    let sha512 = Hasher::new(Algorithm::Sha512).finish();
    let mut late = file("late", b"");
    late.mtime.secs = i64::MAX;
    let odd = Entry::new(
        EntryPath::parse(b"odd\xff\n\x1b").unwrap(),
        EntryKind::Symlink { target: b"/../\xfe".to_vec() },
    );
    vec![
        directory(""),
        entry("a", EntryKind::Directory { opaque: true, implied: true }),
        entry("a/wh", EntryKind::Whiteout),
        wide,
        entry("b", EntryKind::BlockDevice { major: u32::MAX, minor: 0 }),
        entry("c", EntryKind::CharDevice { major: 1, minor: u32::MAX }),
        entry("d512", EntryKind::File { size: 0, digest: sha512 }),
        entry("fifo", EntryKind::Fifo),
        entry("hard", EntryKind::Hardlink { target: path("a/wide") }),
        late,
        odd,
    ]
}

#[test]
fn round_trip() {
    for entries in [Vec::new(), every_kind()] {
        let index = LayerIndex::from_entries(entries.into_iter().rev().collect()).unwrap();
        let bytes = index.write(Vec::new()).unwrap();
        assert_eq!(bytes, index.write(Vec::new()).unwrap());
        assert_eq!(LayerIndex::read(bytes.as_slice()).unwrap(), index);
    }
}

/// The format is frozen: a change of these bytes needs a new `INDEX_FORMAT`.
#[test]
fn golden_bytes() {
    let bytes = LayerIndex::from_entries(every_kind()).unwrap().write(Vec::new()).unwrap();
    assert_eq!(bytes[..12], *b"\x89MDLIDX\n\x01\0\0\0");
    assert_eq!(Digest::of(&bytes).to_string(), GOLDEN);
}

const GOLDEN: &str = "sha256:2e7121c253dec7bbd11246396507a73c36cc9fb913aa24986de7aab90e00976e";

#[test]
fn every_cut_is_found() {
    let mut entries = every_kind();
    entries.retain(|entry| entry.xattrs.is_empty());
    let bytes = LayerIndex::from_entries(entries).unwrap().write(Vec::new()).unwrap();
    for len in 0..bytes.len() {
        let error = LayerIndex::read(&bytes[..len]).unwrap_err();
        assert!(matches!(error, IndexError::Truncated { offset } if offset == len as u64), "{len}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(LayerIndex::read(&longer[..]), Err(IndexError::Corrupt { .. })));
}

#[test]
fn every_flipped_bit_is_found() {
    let mut entries = every_kind();
    entries.retain(|entry| entry.xattrs.is_empty());
    let bytes = LayerIndex::from_entries(entries).unwrap().write(Vec::new()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(LayerIndex::read(&flipped[..]).is_err(), "bit {bit}");
    }
}

#[test]
fn noise_never_panics() {
    let mut state = 1_u64;
    for round in 0..20_000_usize {
        let mut bytes = b"\x89MDLIDX\n\x01\0\0\0".to_vec();
        for _ in 0..round % 80 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            bytes.push((state >> 56) as u8 % if round % 2 == 0 { 16 } else { 255 });
        }
        assert!(LayerIndex::read(&bytes[..]).is_err());
    }
}

#[test]
fn refusals() {
    let twice = LayerIndex::from_entries(vec![directory("a"), file("a", b"")]).unwrap_err();
    assert_eq!(twice.to_string(), "layer index has \"/a\" out of order or twice");
    let unsorted = LayerIndex::from_sorted(vec![directory("b"), directory("a")]);
    assert!(matches!(unsorted, Err(IndexError::Order { .. })));
    let mut writer = IndexWriter::new(Vec::new()).unwrap();
    writer.write(&directory("b")).unwrap();
    assert!(matches!(writer.write(&directory("a")), Err(IndexError::Order { .. })));
    assert!(matches!(LayerIndex::read(&b"PK\x03\x04 something else"[..]), Err(IndexError::Magic)));
    let newer = LayerIndex::read(&b"\x89MDLIDX\n\x02\0\0\0"[..]).unwrap_err().to_string();
    assert!(newer.contains("has format 2, this version reads 1"), "{newer}");
    let mut mode = file("m", b"");
    mode.mode = 0o10000;
    let mut nanos = file("n", b"");
    nanos.mtime.nanos = 1_000_000_000;
    let mut name = file("x", b"");
    name.xattrs.insert(vec![b'n'; 256], Vec::new());
    let mut empty = file("x", b"");
    empty.xattrs.insert(Vec::new(), Vec::new());
    let mut value = file("v", b"");
    value.xattrs.insert(b"user.v".to_vec(), vec![0; 64 * 1024 + 1]);
    let mut many = file("y", b"");
    many.xattrs = (0..1025).map(|n| (format!("user.{n}").into_bytes(), Vec::new())).collect();
    for (bad, expected) in [
        (file("", b""), "root of a layer must be a directory"),
        (entry("", EntryKind::Whiteout), "root of a layer must be a directory"),
        (mode, "beyond 7777"),
        (nanos, "has 1000000000 nanoseconds"),
        (name, "name of 256 bytes"),
        (empty, "name of 0 bytes"),
        (value, "\"user.v\" of \"/v\" has 65537 bytes"),
        (many, "1025 extended attributes"),
        (entry("s", EntryKind::Symlink { target: Vec::new() }), "target of 0 bytes"),
        (entry("s", EntryKind::Symlink { target: vec![b'x'; 4096] }), "target of 4096 bytes"),
        (entry("s", EntryKind::Symlink { target: b"a\0".to_vec() }), "target of 2 bytes"),
        (entry("h", EntryKind::Hardlink { target: path("h") }), "leads to itself"),
        (entry("h", EntryKind::Hardlink { target: path("") }), "leads to itself or to the"),
    ] {
        let line = bad.validate().unwrap_err().to_string();
        assert!(line.contains(expected), "{line}");
        assert!(LayerIndex::from_entries(vec![bad]).is_err());
    }
}

#[test]
fn lookups() {
    let mut entries = every_kind();
    entries.push(entry("z", EntryKind::Hardlink { target: path("hard") }));
    entries.push(entry("y", EntryKind::Hardlink { target: path("x") }));
    entries.push(entry("x", EntryKind::Hardlink { target: path("y") }));
    let index = LayerIndex::from_entries(entries).unwrap();
    assert_eq!(index.get(&path("fifo")).unwrap().kind, EntryKind::Fifo);
    assert_eq!(index.get(&path("nothing")), None);
    assert_eq!(index.resolve(&path("z")).unwrap().path, path("a/wide"));
    assert_eq!(index.resolve(&path("x")), None);
    let below: Vec<_> = index.subtree(&path("a")).iter().map(|e| e.path.display()).collect();
    assert_eq!(below, ["/a", "/a/wh", "/a/wide"]);
    assert_eq!(index.subtree(&path("")).len(), index.len());
    assert!(index.subtree(&path("nope")).is_empty());
    assert_eq!(index.total_size(), u64::MAX);
}

/// 100,000 entries: a release build reads them in a few milliseconds; the bound here only
/// catches work that grows with the square, also in a debug build on a busy machine.
#[test]
fn many_entries_are_quick() {
    let entries: Vec<_> = (0..100_000)
        .map(|n| file(&format!("usr/lib/d{:03}/some-file-name-{n:06}", n % 300), b"x"))
        .collect();
    let index = LayerIndex::from_entries(entries).unwrap();
    let bytes = index.write(std::io::BufWriter::new(Vec::new())).unwrap().into_inner().unwrap();
    let begun = std::time::Instant::now();
    let read = LayerIndex::read(&bytes[..]).unwrap();
    let took = begun.elapsed();
    eprintln!("{} bytes in {took:?}", bytes.len());
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    assert_eq!(read.len(), 100_000);
    assert!(bytes.len() < 100_000 * 80, "{}", bytes.len());
}
