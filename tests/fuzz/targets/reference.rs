//! Names of images as users type them: no text may end the process, and what was understood is
//! understood the same when it is shown and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_image::reference::{ImageQuery, Reference};

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        let shown = reference.to_string();
        let again = shown.parse::<Reference>();
        assert_eq!(again.ok(), Some(reference), "{text:?} is shown as {shown:?}");
    }
    if let Ok(query) = ImageQuery::parse(text) {
        assert!(
            query.reference().is_some()
                || query.id_prefix().is_some()
                || query.exact_id().is_some()
        );
    }
});
