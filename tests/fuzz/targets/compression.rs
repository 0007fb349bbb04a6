//! Packed streams: gzip, zstd and plain ones are read within their limits, broken ones are refused.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use minidock_image::compression::{Decoder, Limits};

const MOST: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_unpacked: MOST, ..Limits::default() };
    let Ok(mut decoder) = Decoder::new(bytes, limits) else { return };
    let mut buffer = [0; 4096];
    let mut total = 0;
    while let Ok(read @ 1..) = decoder.read(&mut buffer) {
        total += read as u64;
        assert!(total <= MOST);
        assert_eq!(total, decoder.unpacked());
    }
});
