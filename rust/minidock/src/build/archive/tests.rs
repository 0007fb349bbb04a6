//! Tests of what ADD takes for an archive.

use std::io::Seek;

use minidock_image::compression::gzip;
use minidock_image::tar::LayerTarWriter;

use super::*;

fn tar(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names {
        let path = EntryPath::parse(name.as_bytes()).unwrap();
        let kind = EntryKind::File { size: 4, digest: Digest::of(b"text") };
        LayerTarWriter::new(&mut out).append(&Entry::new(path, kind), &b"text"[..]).unwrap();
    }
    LayerTarWriter::new(out).finish().unwrap()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn path() -> EntryPath {
    EntryPath::parse(b"a.tar").unwrap()
}

#[test]
fn told_by_content() {
    let plain = tar(&["a"]);
    let mut broken = plain.clone();
    broken[0] ^= 1;
    let mut cut = gzip(&plain).unwrap();
    cut.truncate(12);
    for (what, bytes, want) in [
        ("a tar", plain.clone(), Some(true)),
        ("gzip of a tar", gzip(&plain).unwrap(), Some(true)),
        ("zstd of a tar", zstd(&plain), Some(true)),
        ("text", b"hello".to_vec(), Some(false)),
        ("nothing", Vec::new(), Some(false)),
        ("zeros", vec![0; 1024], Some(false)),
        ("a wrong checksum", broken, Some(false)),
        ("gzip of text", gzip(b"hello").unwrap(), Some(false)),
        ("gzip that is cut off", cut, Some(false)),
        ("half a header", plain[..511].to_vec(), Some(false)),
        ("xz", b"\xfd7zXZ\0rest".to_vec(), None),
        ("bzip2", b"BZh91AY".to_vec(), None),
    ] {
        let found = detect(file(&bytes), &path());
        match want {
            Some(want) => assert_eq!(found.unwrap(), want, "{what}"),
            None => {
                let error = found.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what}");
                assert!(error.to_string().contains(what), "{error}");
            }
        }
    }
}

/// A zstd frame of one raw block (RFC 8878): no encoder is needed for a test.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    let block = (bytes.len() as u32) << 3 | 1;
    frame.extend_from_slice(&block.to_le_bytes()[..3]);
    frame.extend_from_slice(bytes);
    frame
}

#[test]
fn members_are_sent_as_they_were_read() {
    let cancel = CancelToken::default();
    let packed = gzip(&tar(&["b", "a"])).unwrap();
    let archive = Archive::read(&path(), || Ok(file(&packed)), &cancel).unwrap();
    assert_eq!(*archive.digest(), Digest::of(&packed));
    let mut out = Vec::new();
    archive.send(file(&packed), &mut out, &cancel).unwrap();
    out.extend_from_slice(&[0; 1024]);
    let mut reader = LayerTarReader::new(out.as_slice());
    let mut names = Vec::new();
    while let Some(TarEntry::File(file)) = reader.next_entry().unwrap() {
        names.push(file.into_entry().unwrap().path.display());
    }
    assert_eq!(names, ["/b", "/a"]);
    for other in [tar(&["b"]), tar(&["b", "a", "c"]), tar(&["a", "b"])] {
        let error = archive.send(file(&other), &mut Vec::new(), &cancel).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
}

#[test]
fn markers_of_deletion_are_refused() {
    let mut out = Vec::new();
    let entry = Entry::new(EntryPath::parse(b"x").unwrap(), EntryKind::Whiteout);
    LayerTarWriter::new(&mut out).append(&entry, io::empty()).unwrap();
    let bytes = LayerTarWriter::new(out).finish().unwrap();
    let read = Archive::read(&path(), || Ok(file(&bytes)), &CancelToken::default());
    assert!(read.unwrap_err().to_string().contains(".wh."));
}
