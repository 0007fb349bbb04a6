//! Manifests and indexes: bounded, and nothing that was kept is lost when they are written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_image::manifest::{Manifest, ManifestOrIndex};
use minidock_image::media;

fuzz_target!(|bytes: &[u8]| {
    for media_type in media::ACCEPT {
        match ManifestOrIndex::from_json(bytes, media_type) {
            Ok(ManifestOrIndex::Manifest(manifest)) => {
                if manifest.check_is_image().is_ok() {
                    let json = manifest.to_json().unwrap_or_default();
                    let again = Manifest::from_json(&json, media_type);
                    assert_eq!(again.ok(), Some(*manifest));
                }
            }
            Ok(ManifestOrIndex::Index(index)) => {
                let json = index.to_json().unwrap_or_default();
                assert!(ManifestOrIndex::from_json(&json, media_type).is_ok());
            }
            Err(_) => {}
        }
    }
});
