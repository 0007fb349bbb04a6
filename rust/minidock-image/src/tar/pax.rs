//! PAX extended header records (POSIX.1-2017 pax, "pax Header Block"): `<length> key=value\n`.

use std::collections::BTreeMap;

/// Records of one header, last of each key, values byte exact.
pub(super) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// Reads all records; `Err` says what is wrong.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Records, &'static str> {
    let mut records = Records::new();
    while !bytes.is_empty() {
        let (key, value, rest) = record(bytes)?;
        records.insert(key.to_vec(), value.to_vec());
        bytes = rest;
    }
    Ok(records)
}

type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn record(bytes: &[u8]) -> Result<Record<'_>, &'static str> {
    const MAX_DIGITS: usize = 7;
    let head = &bytes[..bytes.len().min(MAX_DIGITS + 1)];
    let space = head.iter().position(|byte| *byte == b' ').ok_or("a PAX record has no length")?;
    let digits = &bytes[..space];
    if digits.is_empty() || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return Err("a PAX record has a length that is no number");
    }
    let len = digits.iter().fold(0_usize, |len, digit| len * 10 + usize::from(digit - b'0'));
    if len > bytes.len() || len <= space + 1 {
        return Err("a PAX record has a wrong length");
    }
    let (record, rest) = bytes.split_at(len);
    let Some((b'\n', pair)) = record[space + 1..].split_last() else {
        return Err("a PAX record does not end where its length says");
    };
    let equals = pair.iter().position(|byte| *byte == b'=').ok_or("a PAX record has no = sign")?;
    let (key, value) = (&pair[..equals], &pair[equals + 1..]);
    if key.is_empty() || key.contains(&0) {
        return Err("a PAX record has a bad key");
    }
    Ok((key, value, rest))
}

/// Appends a record; its length counts its own digits.
pub(super) fn put(bytes: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let fixed = key.len() + value.len() + 3;
    let mut len = fixed + 1;
    while len != fixed + len.to_string().len() {
        len = fixed + len.to_string().len();
    }
    bytes.extend_from_slice(len.to_string().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(key);
    bytes.push(b'=');
    bytes.extend_from_slice(value);
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_at_every_length_of_length() {
        for len in (0..120).chain(980..1010).chain(9_980..10_010) {
            let mut bytes = Vec::new();
            put(&mut bytes, b"path", &vec![b'\n'; len]);
            put(&mut bytes, b"z", b"");
            let records = parse(&bytes).unwrap();
            assert_eq!(records.len(), 2);
            assert_eq!(records[&b"path"[..]].len(), len);
        }
    }

    #[test]
    fn refusals() {
        let cases: [(&[u8], &str); 12] = [
            (b"x", "no length"),
            (b" a=b\n", "no number"),
            (b"-6 a=b\n", "no number"),
            (b"+6 a=b\n", "no number"),
            (b"06 a=b\n", "no number"),
            (b"5 a=b\n", "does not end"),
            (b"7 a=b\n", "wrong length"),
            (b"9999999 a=b\n", "wrong length"),
            (b"99999999 a=b\n", "no length"),
            (b"2 a=b\n", "wrong length"),
            (b"5 ab\n", "no = sign"),
            (b"5 =b\n", "bad key"),
        ];
        for (bytes, expected) in cases {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
        assert_eq!(parse(b"6 a=b\n6 a=c\n").unwrap()[&b"a"[..]], b"c");
    }
}
