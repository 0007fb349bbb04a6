//! Times as docker writes them: RFC 3339 in UTC.

use jiff::Timestamp;

/// Docker's word for a time that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Seconds since 1970.
pub(super) fn of_seconds(seconds: Option<i64>) -> String {
    shown(seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}

/// Nanoseconds since 1970.
pub(super) fn of_nanoseconds(nanoseconds: Option<i64>) -> String {
    shown(nanoseconds.and_then(|time| Timestamp::from_nanosecond(i128::from(time)).ok()))
}

fn shown(time: Option<Timestamp>) -> String {
    time.map_or_else(|| NEVER.to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (given, want) in [
            (None, NEVER),
            (Some(0), "1970-01-01T00:00:00Z"),
            (Some(1_700_000_000_123_456_789), "2023-11-14T22:13:20.123456789Z"),
        ] {
            assert_eq!(of_nanoseconds(given), want);
        }
        assert_eq!(of_seconds(Some(i64::MAX)), NEVER);
        assert_eq!(of_seconds(Some(1)), "1970-01-01T00:00:01Z");
    }
}
