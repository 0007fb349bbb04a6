//! Labels of `--label` and `--label-file`.

use super::wrong;
use crate::error::{Error, ErrorKind, Result};

/// `key=value`, or `key` alone for an empty value.
pub fn label(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    match key.is_empty() {
        true => Err(wrong("--label", text.as_bytes(), "it has no key")
            .with_hint("write key=value, or key alone")),
        false => Ok((key.to_owned(), value.to_owned())),
    }
}

/// The text of a `--label-file`: a label a line, `#` begins a comment line. `name` is the
/// file's, for errors.
pub fn label_file(name: &str, content: &[u8]) -> Result<Vec<(String, String)>> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let line = content[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        Error::new(ErrorKind::InvalidInput, format!("{name}:{line}: the line is not UTF-8"))
    })?;
    let mut labels = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let label = label(line).map_err(|_| {
            let message = format!("{name}:{}: there is no key before =", index + 1);
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        labels.push(label);
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (text, key, value) in [("a=b", "a", "b"), ("a", "a", ""), ("a=b=c", "a", "b=c")] {
            assert_eq!(label(text).unwrap(), (key.to_owned(), value.to_owned()));
        }
        assert!(label("=b").is_err() && label("").is_err());
    }

    #[test]
    fn files() {
        let got = label_file("f", b"# c\n a=1\r\n\nb\n").unwrap();
        assert_eq!(got, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]);
        assert!(label_file("f", b"a\n=x").unwrap_err().to_string().starts_with("f:2:"));
        assert!(label_file("f", b"a\n\n\xff").unwrap_err().to_string().starts_with("f:3:"));
    }
}
