//! Sizes: `512`, `64k`, `1.5g`, `10MiB`. Units are powers of 1024, as docker's are for memory.

use crate::error::{Error, ErrorKind, Result, quoted};

/// Parses a size in bytes.
pub fn size(text: &str) -> Result<u64> {
    let wrong = || {
        Error::new(ErrorKind::InvalidInput, format!("{} is not a size", quoted(text)))
            .with_hint("give a number and a unit, as 64m, 1.5g or 4096")
    };
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let shift = shift_of(unit.trim_start()).ok_or_else(wrong)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.ends_with('.')) {
        return Err(wrong());
    }
    let scale = 1_u128 << shift;
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    // Digits beyond the ninth weigh less than a byte of any unit below a gigabyte.
    let fraction = &fraction[..fraction.len().min(9)];
    let part = match fraction {
        "" => 0,
        digits => {
            let value: u128 = digits.parse().map_err(|_| wrong())?;
            value * scale / 10_u128.pow(u32::try_from(digits.len()).map_err(|_| wrong())?)
        }
    };
    let bytes = whole.checked_mul(scale).and_then(|whole| whole.checked_add(part));
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(wrong)
}

fn shift_of(unit: &str) -> Option<u32> {
    let lower = unit.to_ascii_lowercase();
    let prefix = match lower.as_str() {
        "" | "b" => return Some(0),
        other => other.strip_suffix("ib").or(other.strip_suffix('b')).unwrap_or(other),
    };
    match prefix {
        "k" => Some(10),
        "m" => Some(20),
        "g" => Some(30),
        "t" => Some(40),
        "p" => Some(50),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1b", 1),
            ("64m", 64 << 20),
            ("64M", 64 << 20),
            ("64mb", 64 << 20),
            ("64MiB", 64 << 20),
            ("64 m", 64 << 20),
            ("1.5g", 3 << 29),
            ("2t", 2 << 40),
            ("0.5k", 512),
        ] {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        let long = "9".repeat(60);
        for text in
            ["", "m", "-1", "1x", "1.m", ".5", "1.2.3", "1e3", "ib", "1 2", &long, "99999999p"]
        {
            let error = size(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.hint().is_some());
        }
    }
}
