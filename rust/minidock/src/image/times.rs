//! Times of images: RFC 3339 text in configs, seconds in the store.

use jiff::Timestamp;

/// Now, as configs write it.
pub(crate) fn now_text() -> String {
    Timestamp::now().to_string()
}

/// Seconds since 1970 of what a config says; images hold odd texts, which count as 1970.
pub(crate) fn seconds_of(created: Option<&str>) -> i64 {
    created.and_then(|text| text.parse::<Timestamp>().ok()).map_or(0, |time| time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times_are_no_errors() {
        for (text, seconds) in [
            (Some("2024-02-29T00:00:01.5Z"), 1_709_164_801),
            (Some("2024-02-29T01:00:01+01:00"), 1_709_164_801),
            (Some("1969-12-31T23:59:59Z"), -1),
            (Some("0001-01-01T00:00:00Z"), -62_135_596_800),
            (Some("yesterday"), 0),
            (Some(""), 0),
            (None, 0),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text:?}");
        }
        assert!(seconds_of(Some(&now_text())) > 1_700_000_000);
    }
}
