//! One line of comma separated values with quotes (RFC 4180), as `--mount` is written.

use super::wrong;
use crate::error::Result;

/// The fields of a line. A field may be quoted whole, with `""` for a quote in it.
pub(super) fn fields(flag: &str, line: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.first() {
            Some(b'"') => quoted_field(&rest[1..]).ok_or_else(|| {
                wrong(flag, line, "a quoted part is not closed, or goes on after it")
            })?,
            _ => {
                let end = rest.iter().position(|b| *b == b',').unwrap_or(rest.len());
                (rest[..end].to_vec(), &rest[end..])
            }
        };
        fields.push(field);
        match after.split_first() {
            Some((_, next)) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// The field after an opening quote, and what follows it: nothing, or a comma first.
fn quoted_field(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut field = Vec::new();
    let mut at = 0;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'"', Some(b'"')) => {
                field.push(b'"');
                at += 2;
            }
            (b'"', None | Some(b',')) => return Some((field, &text[at + 1..])),
            (b'"', Some(_)) => return None,
            (byte, _) => {
                field.push(*byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, expected) in [
            ("a,b", vec!["a", "b"]),
            ("", vec![""]),
            ("a,", vec!["a", ""]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"say \"\"x\"\"\"", vec!["say \"x\""]),
            ("a\"b", vec!["a\"b"]),
        ] {
            let fields = fields("--mount", line.as_bytes()).unwrap();
            let fields: Vec<_> = fields.iter().map(|f| String::from_utf8_lossy(f)).collect();
            assert_eq!(fields, expected, "{line}");
        }
        for line in ["\"a", "\"a\"b", "\""] {
            assert!(fields("--mount", line.as_bytes()).is_err(), "{line}");
        }
    }
}
