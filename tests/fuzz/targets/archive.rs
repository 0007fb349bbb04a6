//! Archives of images (docker and OCI): every blob that an image names is in the sink, under its
//! digest.
#![no_main]

use std::collections::HashMap;
use std::io::{self, Cursor};

use libfuzzer_sys::fuzz_target;
use minidock_image::archive::{ArchiveLimits, BlobSink, read_archive, verify_layers};
use minidock_image::compression::Limits;
use minidock_image::descriptor::Platform;
use minidock_image::digest::Digest;

#[derive(Default)]
struct Memory(HashMap<Digest, Vec<u8>>);

impl BlobSink for Memory {
    type Blob = Vec<u8>;
    type Reader = Cursor<Vec<u8>>;

    fn begin(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn commit(&mut self, blob: Vec<u8>, digest: &Digest, size: u64) -> io::Result<()> {
        assert_eq!(blob.len() as u64, size);
        self.0.insert(*digest, blob);
        Ok(())
    }

    fn open(&mut self, digest: &Digest) -> io::Result<Cursor<Vec<u8>>> {
        self.0.get(digest).cloned().map(Cursor::new).ok_or(io::ErrorKind::NotFound.into())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let compression = Limits { max_unpacked: 1 << 20, ..Limits::default() };
    let limits = ArchiveLimits { max_members: 100, compression };
    let mut sink = Memory::default();
    let Ok(images) = read_archive(bytes, &mut sink, &Platform::default(), &limits) else { return };
    for image in images {
        assert!(sink.0.contains_key(&image.config));
        assert!(image.layers.iter().all(|layer| sink.0.contains_key(&layer.blob)));
        let _refused_or_not = verify_layers(&image, compression, |digest| sink.open(digest));
    }
});
