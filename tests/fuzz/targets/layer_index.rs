//! Layer indexes as they lie on disk: whatever the bytes, what is accepted is a whole, sorted index,
//! and writing it gives one that reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_image::layer::LayerIndex;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(index) = LayerIndex::read(bytes) {
        for entry in index.entries() {
            assert_eq!(index.get(&entry.path), Some(entry));
            assert!(entry.validate().is_ok());
        }
        let written = index.write(Vec::new());
        let again = written.ok().and_then(|bytes| LayerIndex::read(bytes.as_slice()).ok());
        assert_eq!(again, Some(index));
    }
});
