//! Numbers in tar headers: octal, GNU base-256, and the decimals of PAX.
//! What GNU tar and Go's archive/tar read differently is not a number here.

use crate::layer::Mtime;

/// Latest time kept: what 63 bits of nanoseconds reach (year 2262), as docker bounds it.
const MAX_SECS: i64 = i64::MAX / 1_000_000_000;

/// A numeric header field. Empty is 0; base-256 may be negative.
pub(super) fn field(bytes: &[u8]) -> Option<i64> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => base256(bytes),
        _ => octal(bytes),
    }
}

/// Spaces, octal digits, then only spaces and NULs.
fn octal(bytes: &[u8]) -> Option<i64> {
    let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
    let rest = &bytes[start..];
    let len = rest.iter().position(|byte| matches!(byte, b' ' | 0)).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(len);
    if !after.iter().all(|byte| matches!(byte, b' ' | 0)) {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Two's complement, big endian, with the top bit as its mark and the next one as its sign.
fn base256(bytes: &[u8]) -> Option<i64> {
    let (first, rest) = bytes.split_first()?;
    let negative = first & 0x40 != 0;
    let head = if negative { first | 0x80 } else { first & 0x7f };
    let start = i128::from(head.cast_signed());
    let value = rest.iter().try_fold(start, |value, byte| {
        value
            .checked_mul(256)?
            .checked_add(i128::from(*byte))
            .filter(|v| v.unsigned_abs() >> 100 == 0)
    })?;
    i64::try_from(value).ok()
}

/// A PAX decimal without sign, leading zeros allowed as Go and GNU tar do.
pub(super) fn decimal(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// A user or group id. Negative 32-bit ids mean what they mean in C: -2 is 4294967294.
pub(super) fn id(value: i64) -> Option<u32> {
    let smallest = i64::from(i32::MIN);
    u32::try_from(value)
        .ok()
        .or_else(|| (smallest..0).contains(&value).then(|| (value as i32).cast_unsigned()))
}

/// A PAX id, which some writers give a minus sign.
pub(super) fn decimal_id(bytes: &[u8]) -> Option<u32> {
    match bytes.strip_prefix(b"-") {
        Some(rest) => decimal(rest).and_then(|value| id(-value)),
        None => decimal(bytes).and_then(id),
    }
}

/// Seconds of a header, brought into the range that is kept.
pub(super) fn clamp_secs(secs: i64) -> Mtime {
    Mtime::from_secs(secs.clamp(0, MAX_SECS))
}

/// A PAX time such as `1700000000.25`, brought into the range that is kept: before 1970 and
/// what is no number (`NaN`) become 0, what is too late becomes the latest time.
pub(super) fn pax_time(bytes: &[u8]) -> Mtime {
    let (whole, fraction) = match bytes.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&bytes[..dot], &bytes[dot + 1..]),
        None => (bytes, &b""[..]),
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Mtime::default();
    }
    match decimal(whole) {
        Some(secs) if secs <= MAX_SECS => Mtime { secs, nanos: nanos(fraction) },
        _ => Mtime::from_secs(MAX_SECS),
    }
}

/// The first nine digits of a fraction; the rest is cut, as Go does.
fn nanos(fraction: &[u8]) -> u32 {
    let padded = fraction.iter().chain(std::iter::repeat(&b'0'));
    padded.take(9).fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields() {
        let cases: [(&[u8], Option<i64>); 22] = [
            (b"", Some(0)),
            (b"\0\0\0\0", Some(0)),
            (b"    ", Some(0)),
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"644", Some(0o644)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"0000648\0", None),
            (b"-1\0", None),
            (b"+1\0", None),
            (b"0x1\0", None),
            (b"12\x0034\0", None),
            (b"\x0012\0", None),
            (b"\x80\0\0\0\0\0\0\x07", Some(7)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", Some(i64::MIN)),
            (b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\xc0\0\0\0\0\0\0\0\0\0\0\0", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(field(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn ids() {
        assert_eq!(id(65_536), Some(65_536));
        assert_eq!(id(1 << 31), Some(1 << 31));
        assert_eq!(id(-1), Some(u32::MAX));
        assert_eq!(id(1 << 32), None);
        assert_eq!(id(i64::MIN), None);
        assert_eq!(decimal_id(b"-2"), Some(4_294_967_294));
        for bad in [&b""[..], b"-", b"--1", b"1.5", b"99999999999999999999", b"x"] {
            assert_eq!(decimal_id(bad), None);
        }
    }

    /// Row U13.
    #[test]
    fn times() {
        let at = |secs, nanos| Mtime { secs, nanos };
        let cases: [(&[u8], Mtime); 14] = [
            (b"0", at(0, 0)),
            (b"-1", at(0, 0)),
            (b"-1.5", at(0, 0)),
            (b"1.5", at(1, 500_000_000)),
            (b"1.", at(1, 0)),
            (b"1.0000000019", at(1, 1)),
            (b"NaN", at(0, 0)),
            (b"inf", at(0, 0)),
            (b"", at(0, 0)),
            (b".5", at(0, 0)),
            (b"1.x", at(0, 0)),
            (b"9223372036854775808", at(MAX_SECS, 0)),
            (b"99999999999999999999999.5", at(MAX_SECS, 0)),
            (b"9223372037", at(MAX_SECS, 0)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(pax_time(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(clamp_secs(-1), at(0, 0));
        assert_eq!(clamp_secs(i64::MAX), at(MAX_SECS, 0));
        assert_eq!(clamp_secs(7), at(7, 0));
    }
}
