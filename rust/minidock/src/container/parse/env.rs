//! Environment variables of `-e` and `--env-file`.

use minidock_proto::Bytes;

use super::{split_once, wrong};
use crate::error::{Error, ErrorKind, Result};

/// One `-e`: `NAME=value`, or `NAME` for the caller's value, which `caller` looks up. `None` when
/// the caller has none: docker then leaves the variable out.
pub fn env_variable(
    text: impl AsRef<[u8]>,
    caller: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Option<Bytes>> {
    let text = text.as_ref();
    let name = split_once(text, b'=').map_or(text, |(name, _)| name);
    if name.is_empty() {
        return Err(wrong("--env", text, "it has no name")
            .with_hint("write NAME=value, or NAME alone for the value of the caller"));
    }
    if text.contains(&0) {
        return Err(wrong("--env", text, "it has a NUL byte"));
    }
    if name.len() < text.len() {
        return Ok(Some(Bytes(text.to_vec())));
    }
    Ok(caller(name).map(|value| Bytes([name, b"=", &value].concat())))
}

/// The text of an `--env-file`: a variable a line, `#` begins a comment line, values are taken
/// as they are, quotes included. `name` is the file's, for errors.
pub fn env_file(
    name: &str,
    content: &[u8],
    caller: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<Bytes>> {
    let mut variables = Vec::new();
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    for (index, line) in content.split(|b| *b == b'\n').enumerate() {
        let at = |what: &str| {
            let message = format!("{name}:{}: {what}", index + 1);
            Error::new(ErrorKind::InvalidInput, message)
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let variable = split_once(line, b'=').map_or(line.trim_ascii_end(), |(name, _)| name);
        if std::str::from_utf8(line).is_err() {
            return Err(at("the line is not UTF-8"));
        }
        if line.contains(&0) {
            return Err(at("the line has a NUL byte"));
        }
        if variable.is_empty() {
            return Err(at("there is no name before ="));
        }
        if variable.iter().any(u8::is_ascii_whitespace) {
            let message = format!("the name {:?} has a space", String::from_utf8_lossy(variable));
            return Err(at(&message).with_hint("write NAME=value without spaces around ="));
        }
        match variable.len() == line.trim_ascii_end().len() {
            true => variables
                .extend(caller(variable).map(|value| Bytes([variable, b"=", &value].concat()))),
            false => variables.push(Bytes(line.to_vec())),
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &[u8]) -> Option<Vec<u8>> {
        (name == b"HERE").then(|| b"from outside".to_vec())
    }

    #[test]
    fn variables() {
        for (text, expected) in [
            ("A=b", Some("A=b")),
            ("A=", Some("A=")),
            ("A=b=c", Some("A=b=c")),
            ("HERE", Some("HERE=from outside")),
            ("GONE", None),
        ] {
            let got = env_variable(text, caller).unwrap();
            assert_eq!(got, expected.map(Bytes::from), "{text}");
        }
        for text in ["", "=x", "A=\0"] {
            assert!(env_variable(text, caller).is_err(), "{text:?}");
        }
    }

    #[test]
    fn files() {
        let text = b"\xef\xbb\xbf# c\n\nA=b c \r\n  B=\"q\"\nHERE\nGONE\nC==";
        let got = env_file("f", text, caller).unwrap();
        let expected = ["A=b c ", "B=\"q\"", "HERE=from outside", "C=="];
        assert_eq!(got, expected.map(Bytes::from));
        for (text, line) in [
            (b"A=1\n=x".as_slice(), "f:2: there is no name"),
            (b"A B=1", "f:1: the name \"A B\" has a space"),
            (b"A=\xff", "f:1: the line is not UTF-8"),
        ] {
            let error = env_file("f", text, caller).unwrap_err().to_string();
            assert!(error.starts_with(line), "{error}");
        }
    }
}
