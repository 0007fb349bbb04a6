//! Image configs: what was read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_image::config::ImageConfig;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = ImageConfig::from_json(bytes) {
        let json = config.to_json().unwrap_or_default();
        assert_eq!(ImageConfig::from_json(&json).ok(), Some(config));
    }
});
