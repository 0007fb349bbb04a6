//! Go's duration text (`1h2m3.5s`), as HEALTHCHECK flags and the image config use it. Owns the
//! grammar of <https://pkg.go.dev/time#ParseDuration>.

use std::time::Duration;

use thiserror::Error;

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Not number and unit pairs.
    #[error("not a duration")]
    Syntax,
    /// A number without its unit.
    #[error("a unit is missing")]
    MissingUnit,
    /// Below zero.
    #[error("a duration cannot be negative here")]
    Negative,
    /// More than 63 bits of nanoseconds (292 years).
    #[error("the duration is too long")]
    TooLong,
    /// Above zero but below a millisecond, which docker refuses for health checks.
    #[error("the shortest duration is 1ms")]
    TooShort,
}

/// Reads a Go duration that is not negative.
///
/// ```
/// use minidock_dockerfile::parse_duration;
/// use std::time::Duration;
/// assert_eq!(parse_duration("1m30.5s"), Ok(Duration::from_millis(90_500)));
/// assert!(parse_duration("5").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text.starts_with('-') && text != "-0" {
        return Err(DurationError::Negative);
    }
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DurationError::Syntax);
        }
        let (unit, after) = unit(after)?;
        nanos = nanos
            .checked_add(scaled(whole, fraction, unit)?)
            .filter(|sum| *sum <= i64::MAX as u128)
            .ok_or(DurationError::TooLong)?;
        rest = after;
    }
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| DurationError::TooLong)
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn unit(text: &str) -> Result<(u128, &str), DurationError> {
    let end = text.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let nanos = match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err(DurationError::MissingUnit),
        _ => return Err(DurationError::Syntax),
    };
    Ok((nanos, rest))
}

fn scaled(whole: &str, fraction: &str, unit: u128) -> Result<u128, DurationError> {
    let whole: u128 = match whole {
        "" => 0,
        text => text.parse().map_err(|_| DurationError::TooLong)?,
    };
    // Digits past the fifteenth are below a nanosecond even for hours.
    let fraction = &fraction[..fraction.len().min(15)];
    let part: u128 = match fraction {
        "" => 0,
        text => text.parse().map_err(|_| DurationError::TooLong)?,
    };
    let scale = 10u128.pow(fraction.len() as u32);
    whole
        .checked_mul(unit)
        .and_then(|sum| sum.checked_add(part * unit / scale))
        .ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        for (text, want) in [
            ("0", Ok(0)),
            ("30s", Ok(30_000_000_000)),
            ("1m30s", Ok(90_000_000_000)),
            ("1.5h", Ok(5_400_000_000_000)),
            (".5s", Ok(500_000_000)),
            ("1.s", Ok(1_000_000_000)),
            ("300ms", Ok(300_000_000)),
            ("5us", Ok(5_000)),
            ("5µs", Ok(5_000)),
            ("+5s", Ok(5_000_000_000)),
            ("-5s", Err(DurationError::Negative)),
            ("5", Err(DurationError::MissingUnit)),
            ("", Err(DurationError::Syntax)),
            ("s", Err(DurationError::Syntax)),
            ("5x", Err(DurationError::Syntax)),
            ("5s ", Err(DurationError::Syntax)),
            ("1d", Err(DurationError::Syntax)),
            ("9999999999h", Err(DurationError::TooLong)),
            ("99999999999999999999999999999999999999999999s", Err(DurationError::TooLong)),
        ] {
            assert_eq!(parse_duration(text), want.map(Duration::from_nanos), "{text}");
        }
    }
}
