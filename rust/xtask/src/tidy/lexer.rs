//! Blanks comments and literals out of Rust source, so that words are found in code alone.
//! It keeps every line break, so that line numbers stay true. It is no parser: it knows only what
//! the Rust reference's chapters on comments and tokens say of where text begins and ends.

/// `source` with comments, strings and characters replaced by spaces.
pub(super) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut kept = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skip(bytes, at);
        match end {
            Some(end) => {
                for byte in &mut kept[at..end] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The end of the comment or literal that begins at `at`, if one does.
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let length = match rest {
        [b'/', b'/', ..] => line(rest),
        [b'/', b'*', ..] => block(rest),
        [b'"', ..] => string(rest),
        [b'\'', ..] => character(rest)?,
        [b'r', ..] if !continues_word(bytes, at) => raw(&rest[1..])? + 1,
        [b'b' | b'c', b'r', ..] if !continues_word(bytes, at) => raw(&rest[2..])? + 2,
        _ => return None,
    };
    Some((at + length).min(bytes.len()))
}

fn continues_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

fn block(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal; `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|&byte| byte == b'\'')?;
        return Some(close + 4);
    }
    // One character of up to four bytes, then the quote.
    let close = rest.iter().skip(2).take(4).position(|&byte| byte == b'\'')? + 2;
    let inside = std::str::from_utf8(&rest[1..close]).ok()?;
    (inside.chars().count() == 1).then_some(close + 1)
}

/// A raw string after its `r`.
fn raw(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = &rest[hashes + 1..];
    let found = body.windows(close.len()).position(|window| window == close);
    Some(found.map_or(rest.len(), |at| hashes + 1 + at + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        for (source, expected) in [
            ("a // unsafe\nb", "a          \nb"),
            ("a /* x /* y */ z */ b", "a                   b"),
            (r#"f("x\"y") z"#, "f(      ) z"),
            (r##"f(r#"a"b"#) z"##, "f(        ) z"),
            ("'a' 'b: &'static T", "    'b: &'static T"),
            (r"'\'' x", "     x"),
            ("'é' x", "     x"),
            ("for x in y", "for x in y"),
            ("br\"x\" y", "      y"),
            ("\"a\nb\" c", "  \n   c"),
        ] {
            assert_eq!(code_only(source), expected, "{source}");
        }
    }
}
