//! Format 1: frozen bytes, and that reading gives back what was written.

use super::*;
use crate::digest::Digest;
use crate::layer::LayerIndex;

const CONTENT: &[u8] = b"some content";

fn file(at: &str) -> Entry {
    let kind = EntryKind::File { size: CONTENT.len() as u64, digest: Digest::of(CONTENT) };
    Entry::new(path(at), kind)
}

fn entry(at: &str, kind: EntryKind) -> Entry {
    Entry::new(path(at), kind)
}

/// Every kind, and every reason for a PAX record.
fn sample() -> LayerIndex {
    let dir = |opaque, implied| EntryKind::Directory { opaque, implied };
    let mut rich = file("bin/rich");
    (rich.mode, rich.uid, rich.gid) = (0o6755, 3_000_000_000, u32::MAX);
    rich.mtime = Mtime { secs: 1_700_000_000, nanos: 120 };
    rich.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2, b'\n', b'=']);
    rich.xattrs.insert(b"user.empty".to_vec(), Vec::new());
    let mut late = file("late");
    late.mtime = Mtime::from_secs(9_000_000_000);
    let bytes = Entry::new(EntryPath::parse(&[0xff; 120]).unwrap(), EntryKind::Fifo);
    let split = format!("{}/{}", "p".repeat(150), "n".repeat(90));
    let deep = "d/".repeat(150) + "deep";
    let mut entries = vec![
        entry("", dir(true, false)),
        entry("bin", dir(false, false)),
        rich,
        entry("bin/gone", EntryKind::Whiteout),
        entry("c", EntryKind::CharDevice { major: 5, minor: 1 }),
        entry("b", EntryKind::BlockDevice { major: 259, minor: 1_048_575 }),
        entry("implied", dir(true, true)),
        late,
        entry("link", EntryKind::Symlink { target: vec![b't'; 101] }),
        entry("other", EntryKind::Hardlink { target: path(&deep) }),
        bytes,
        file(&deep),
        file(&split),
        entry(&"w".repeat(251), EntryKind::Whiteout),
    ];
    for at in 1..=150 {
        let parent = "d/".repeat(at);
        entries.push(entry(parent.trim_end_matches('/'), dir(false, true)));
    }
    entries.push(entry(&"p".repeat(150), dir(false, true)));
    LayerIndex::from_entries(entries).unwrap()
}

fn written(index: &LayerIndex) -> Vec<u8> {
    write_layer(index, Vec::new(), |_| Ok(CONTENT)).unwrap()
}

/// FROZEN: if this fails, bytes changed that must not; a new format needs a new number.
#[test]
fn golden_bytes() {
    assert_eq!(TAR_FORMAT, 1);
    let bytes = written(&sample());
    assert_eq!(Digest::of(&bytes).to_string(), GOLDEN);
    assert_eq!(Digest::of(&written(&LayerIndex::default())), Digest::of(&[0; 1024]));
}

const GOLDEN: &str = "sha256:1af09d16b85b733570f2f0122d142e26703e48f6d0b7470024c2ea0024a89095";

#[test]
fn reading_gives_back_what_was_written() {
    let index = sample();
    let mut builder = LayerIndexBuilder::new();
    for entry in read_all(&written(&index)).unwrap() {
        builder.insert(entry).unwrap();
    }
    assert_eq!(builder.finish().unwrap(), index);
}

#[test]
fn an_index_of_the_builder_is_stable() {
    let members = [
        Made::file("z/file", b"x"),
        Made::new("a", b'1').link("z/file"),
        Made::new("m", b'1').link("a"),
        Made::new("z/.wh..wh..opq", b'0'),
        Made::new("z", b'5').number(100, 8, 0o700),
    ];
    let build = |bytes: &[u8]| {
        let mut builder = LayerIndexBuilder::new();
        for entry in read_all(bytes).unwrap() {
            builder.insert(entry).unwrap();
        }
        builder.finish().unwrap()
    };
    let index = build(&stream(&members));
    let bytes = write_layer(&index, Vec::new(), |_| Ok(&b"x"[..])).unwrap();
    assert_eq!(build(&bytes), index);
}

#[test]
fn refusals() {
    let mut reserved = file(".wh.x");
    reserved.mode = 0;
    let mut equals = file("f");
    equals.xattrs.insert(b"user.a=b".to_vec(), Vec::new());
    let mut heavy = file("f");
    heavy.xattrs = (0..16).map(|n| (vec![b'a' + n], vec![0; 64 * 1024])).collect();
    let mut mode = file("f");
    mode.mode = 1 << 20;
    for (bad, expected) in [
        (reserved, "names that begin with .wh."),
        (entry("d/.wh.d/x", EntryKind::Fifo), "names that begin with .wh."),
        (equals, "\"user.a=b\""),
        (heavy, "bytes of extended attributes"),
        (mode, "not allowed"),
        (entry("c", EntryKind::CharDevice { major: 1 << 21, minor: 0 }), "2097152:0"),
    ] {
        let error = LayerTarWriter::new(Vec::new()).append(&bad, CONTENT).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for content in [&b""[..], b"some", b"some contend", b"some content and more"] {
        let error = LayerTarWriter::new(Vec::new()).append(&file("f"), content).unwrap_err();
        assert!(error.to_string().contains("was changed or is damaged"), "{error}");
    }
    let mut writer = LayerTarWriter::new(Vec::new());
    writer.append(&file("b"), CONTENT).unwrap();
    let error = writer.append(&file("a"), CONTENT).unwrap_err();
    assert!(matches!(error, TarWriteError::Order { .. }));
}
