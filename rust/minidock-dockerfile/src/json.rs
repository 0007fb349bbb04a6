//! The JSON form of an instruction's arguments. Owns the decision between JSON and plain text.

use serde_json::Value;

/// What the text after a keyword is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// An array of strings.
    Strings(Vec<String>),
    /// Valid JSON, but an element is not a string.
    NotStrings,
    /// JSON but for half of a surrogate pair, which no string can hold.
    HalfSurrogate,
    /// No JSON array: plain text, as docker takes it.
    Plain,
}

/// Reads a JSON array of strings. Nesting is bounded by the JSON reader.
pub(crate) fn string_array(text: &str) -> Json {
    let text = text.trim();
    if !text.starts_with('[') || !text.ends_with(']') {
        return Json::Plain;
    }
    match serde_json::from_str::<Vec<Value>>(text) {
        Ok(values) => strings(values),
        Err(_) if without_surrogates(text).is_some_and(|text| is_array(&text)) => {
            Json::HalfSurrogate
        }
        Err(_) => Json::Plain,
    }
}

/// Looks like a JSON array that went wrong: docker runs it in a shell, which is hardly ever meant.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim_start().starts_with(['"', '\'']))
}

fn strings(values: Vec<Value>) -> Json {
    let mut out = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::String(text) => out.push(text),
            _ => return Json::NotStrings,
        }
    }
    Json::Strings(out)
}

fn is_array(text: &str) -> bool {
    serde_json::from_str::<Vec<Value>>(text).is_ok()
}

/// The text with every `\uD800`..`\uDFFF` made U+FFFD, or `None` if it has none.
fn without_surrogates(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at..at + 6).filter(|escape| is_surrogate(escape));
        let length = match escape {
            Some(_) => 6,
            None => 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..at]);
        out.push_str(if escape.is_some() { "\\uFFFD" } else { &rest[at..at + length] });
        found |= escape.is_some();
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    found.then_some(out)
}

fn is_surrogate(escape: &str) -> bool {
    let number = escape.strip_prefix("\\u").and_then(|hex| u16::from_str_radix(hex, 16).ok());
    number.is_some_and(|number| (0xd800..=0xdfff).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let strings = |list: &[&str]| Json::Strings(list.iter().map(|s| s.to_string()).collect());
        for (text, want) in [
            (r#"["a", "b c"]"#, strings(&["a", "b c"])),
            ("[]", strings(&[])),
            (r#"  ["é\u00e9"]  "#, strings(&["éé"])),
            (r#"["\ud83d\ude00"]"#, strings(&["😀"])),
            (r#"["a", 1]"#, Json::NotStrings),
            (r#"[["a"]]"#, Json::NotStrings),
            (r#"["\ud800"]"#, Json::HalfSurrogate),
            (r#"["\\ud800"]"#, strings(&["\\ud800"])),
            ("['a']", Json::Plain),
            ("[ -f /x ]", Json::Plain),
            (r#"["a",]"#, Json::Plain),
            (r#"["a"] && b"#, Json::Plain),
        ] {
            assert_eq!(string_array(text), want, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(string_array(&deep), Json::Plain);
    }
}
