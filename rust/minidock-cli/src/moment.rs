//! Moments that a user gives: `--since 10m`, `--until 2026-01-02T03:04:05Z`, `1767322800.5`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::failure::{Failure, Result};
use crate::human;

/// Nanoseconds since 1970-01-01 UTC.
pub(crate) fn parse(flag: &str, text: &str) -> Result<i64> {
    let found = unix(text).or_else(|| absolute(text)).or_else(|| relative(text));
    found.ok_or_else(|| {
        Failure::usage(
            format!("{flag} {text:?} is not a time"),
            "write a span as 10m or 1h30m, a date as 2026-01-02T03:04:05, or seconds since 1970",
        )
    })
}

/// Seconds with up to nine decimals.
fn unix(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// RFC 3339, or a date with or without a time in the zone of this host.
fn absolute(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(human::nanoseconds(time));
    }
    let local: DateTime = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == 10 => date.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse().ok()?,
    };
    let zoned = local.to_zoned(TimeZone::system()).ok()?;
    Some(human::nanoseconds(zoned.timestamp()))
}

/// A span before now, in Go's notation: `1h30m`, `1.5h`, `300ms`.
fn relative(text: &str) -> Option<i64> {
    // A plain number is seconds since 1970, which was tried first.
    let span: SignedDuration = text.parse().ok()?;
    let nanos = i64::try_from(span.as_nanos()).ok()?;
    human::now().checked_sub(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(parse("--since", "0").unwrap(), 0);
        assert_eq!(parse("--since", "1.5").unwrap(), 1_500_000_000);
        assert_eq!(parse("--since", "1970-01-01T00:00:02Z").unwrap(), 2_000_000_000);
        assert_eq!(parse("--since", "1970-01-01T01:00:02+01:00").unwrap(), 2_000_000_000);
        assert!(parse("--since", "2026-01-02").is_ok());
        assert!(parse("--since", "2026-01-02T03:04").is_ok());
        for (text, seconds) in [("10m", 600), ("1h30m", 5400), ("90s", 90)] {
            let before = human::now() - seconds * 1_000_000_000;
            let found = parse("--since", text).unwrap();
            assert!((found - before).abs() < 5_000_000_000, "{text}");
        }
        for text in ["", "x", "10x", "-", "1.1.1", "2026-13-01", "99999999999999999999"] {
            assert!(parse("--since", text).is_err(), "{text}");
        }
    }
}
