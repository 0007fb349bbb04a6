//! Sizes, times and spans as docker's listings say them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const NANOS: i64 = 1_000_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Bytes in powers of 1000 with three digits: `7.8MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // What would be rounded to four digits belongs to the next unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{}", UNITS[unit])
}

/// A span in docker's words: `3 minutes`, `About an hour`.
pub(crate) fn span(seconds: i64) -> String {
    let hours = (seconds + HOUR / 2) / HOUR;
    match seconds {
        ..1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..MINUTE => format!("{seconds} seconds"),
        _ if seconds < 2 * MINUTE => "About a minute".to_owned(),
        _ if seconds < HOUR => format!("{} minutes", seconds / MINUTE),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

/// How long ago a time was: `4 weeks ago`.
pub(crate) fn ago(seconds: i64) -> String {
    format!("{} ago", span(now() / NANOS - seconds))
}

/// Seconds from a time in nanoseconds until now.
pub(crate) fn since(nanoseconds: i64) -> i64 {
    (now() - nanoseconds) / NANOS
}

/// Now, nanoseconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    nanoseconds(Timestamp::now())
}

/// The next i64 for times beyond the year 2262.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// A time as docker's `.CreatedAt` has it: `2026-01-02 03:04:05 +0100 CET`.
pub(crate) fn time(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%F %T %z %Z").to_string(),
        Err(_) => seconds.to_string(),
    }
}

/// A time in RFC 3339, UTC with nine digits, as docker's log times.
pub(crate) fn rfc3339(nanoseconds: i64) -> String {
    let time = Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%FT%T.%9fZ").to_string()
}

/// At most `width` characters, the last an ellipsis where something was cut.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1234, "1.23kB"),
            (7_800_000, "7.8MB"),
            (7_804_000, "7.8MB"),
            (77_990_000, "78MB"),
            (142_400_000, "142MB"),
            (999_499, "999kB"),
            (999_600, "1MB"),
            (1_230_000_000, "1.23GB"),
            (u64::MAX, "18447PB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn spans() {
        for (seconds, text) in [
            (-5, "Less than a second"),
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (180, "3 minutes"),
            (3600, "About an hour"),
            (7200, "2 hours"),
            (3 * 86400, "3 days"),
            (28 * 86400, "4 weeks"),
            (100 * 86400, "3 months"),
            (800 * 86400, "2 years"),
        ] {
            assert_eq!(span(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn times_and_cuts() {
        assert_eq!(rfc3339(1_500_000_000), "1970-01-01T00:00:01.500000000Z");
        assert!(time(0).starts_with("19"));
        assert_eq!(ellipsis("abcdef", 4), "abc…");
        assert_eq!(ellipsis("abcd", 4), "abcd");
    }
}
