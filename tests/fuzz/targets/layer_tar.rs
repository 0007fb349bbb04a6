//! Layers as tar streams: no entry leads outside, limits hold, and an index made of one writes a tar
//! that reads as the same index.
#![no_main]

use std::collections::HashMap;
use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use minidock_image::layer::{Entry, EntryPath, LayerIndex, LayerIndexBuilder};
use minidock_image::tar::{LayerTarReader, TarEntry, TarLimits, write_layer};

const LIMITS: TarLimits = TarLimits { max_entries: 1000, max_total_size: 1 << 20 };

/// The index, and the content of each file; nothing if the stream or the layer is refused.
fn read(bytes: &[u8]) -> Option<(LayerIndex, HashMap<EntryPath, Vec<u8>>)> {
    let mut reader = LayerTarReader::with_limits(bytes, LIMITS);
    let mut builder = LayerIndexBuilder::new();
    let mut contents = HashMap::new();
    while let Some(next) = reader.next_entry().ok()? {
        let entry: Entry = match next {
            TarEntry::Entry(entry) => entry,
            TarEntry::File(mut file) => {
                let mut content = Vec::new();
                file.read_to_end(&mut content).ok()?;
                let place = builder.place(file.path()).ok()?;
                contents.insert(place, content);
                file.into_entry().ok()?
            }
        };
        assert!(!entry.path.components().any(|name| matches!(name, b"." | b".." | b"")));
        builder.insert(entry).ok()?;
    }
    Some((builder.finish().ok()?, contents))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((index, contents)) = read(bytes) else { return };
    let written = write_layer(&index, Vec::new(), |entry| {
        Ok(Cursor::new(contents.get(&entry.path).cloned().unwrap_or_default()))
    });
    let Ok(written) = written else { return };
    let again = read(&written).map(|(index, _)| index);
    assert_eq!(again, Some(index));
});
