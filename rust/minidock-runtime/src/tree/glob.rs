//! Patterns of COPY: one component as Go's `path/filepath.Match` takes it. No file is touched.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `*`: any characters.
    Star,
    /// `?`: one character.
    Any,
    /// One of these ranges, or with `true` one outside them.
    Class(bool, Vec<(u32, u32)>),
    /// This character.
    Char(u32),
}

/// A pattern for one component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

/// Whether a component is a pattern. A backslash alone makes none, as for BuildKit.
pub(super) fn is_pattern(component: &[u8]) -> bool {
    let mut bytes = component.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

impl Pattern {
    /// Parses a component; `None` if it is malformed: an open class or a lone backslash.
    pub(super) fn parse(component: &[u8]) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = component;
        while let Some((char, left)) = next(rest) {
            rest = left;
            parts.push(match char {
                STAR => Part::Star,
                QUESTION => Part::Any,
                OPEN => {
                    let (class, left) = class(rest)?;
                    rest = left;
                    class
                }
                BACKSLASH => {
                    let (char, left) = next(rest)?;
                    rest = left;
                    Part::Char(char)
                }
                char => Part::Char(char),
            });
        }
        Some(Self(parts))
    }

    /// Whether a name matches. Time grows with the product of both lengths at most.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (mut at, mut rest) = (0, name);
        // Where to go on when what follows the last star did not match.
        let mut retry: Option<(usize, &[u8])> = None;
        loop {
            let part = self.0.get(at);
            if part == Some(&Part::Star) {
                at += 1;
                retry = Some((at, rest));
                continue;
            }
            match (part, next(rest)) {
                (None, None) => return true,
                (Some(part), Some((char, left))) if part.takes(char) => {
                    at += 1;
                    rest = left;
                }
                _ => {
                    let Some((star, from)) = retry else { return false };
                    let Some((_, left)) = next(from) else { return false };
                    (at, rest) = (star, left);
                    retry = Some((star, left));
                }
            }
        }
    }
}

impl Part {
    fn takes(&self, char: u32) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Char(own) => *own == char,
            Self::Class(negated, ranges) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated
            }
        }
    }
}

const STAR: u32 = b'*' as u32;
const QUESTION: u32 = b'?' as u32;
const OPEN: u32 = b'[' as u32;
const CLOSE: u32 = b']' as u32;
const BACKSLASH: u32 = b'\\' as u32;
const DASH: u32 = b'-' as u32;
const CARET: u32 = b'^' as u32;
/// Bytes that are not UTF-8 are characters of their own, beyond all others.
const RAW: u32 = 0x11_0000;

fn class(rest: &[u8]) -> Option<(Part, &[u8])> {
    let (negated, mut rest) = match next(rest)? {
        (CARET, left) => (true, left),
        _ => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        if let Some((CLOSE, left)) = next(rest)
            && !ranges.is_empty()
        {
            return Some((Part::Class(negated, ranges), left));
        }
        let (low, left) = member(rest)?;
        rest = left;
        let mut high = low;
        if let Some((DASH, left)) = next(rest) {
            (high, rest) = member(left)?;
        }
        ranges.push((low, high));
    }
}

/// A character of a class; dash and bracket must be escaped.
fn member(rest: &[u8]) -> Option<(u32, &[u8])> {
    match next(rest)? {
        (DASH | CLOSE, _) => None,
        (BACKSLASH, left) => next(left),
        other => Some(other),
    }
}

/// The first character and what follows.
fn next(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let first = *bytes.first()?;
    for len in 1..=bytes.len().min(4) {
        if let Ok(text) = std::str::from_utf8(&bytes[..len])
            && let Some(char) = text.chars().next()
        {
            return Some((char.into(), &bytes[len..]));
        }
    }
    Some((RAW + u32::from(first), &bytes[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*", "", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a\u{263a}b", true),
            ("a[^a]b", "a\u{263a}b", true),
            ("a[^a][^a][^a]b", "a\u{263a}b", false),
            ("[a-\u{3b6}]*", "\u{3b1}", true),
            ("*[a-\u{3b6}]", "A", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "x", true),
            ("[x\\-]", "-", true),
            (".*", ".hidden", true),
            ("*", ".hidden", true),
            ("", "", true),
            ("", "a", false),
        ] {
            let parsed = Pattern::parse(pattern.as_bytes()).unwrap();
            assert_eq!(parsed.matches(name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(Pattern::parse(b"a?").unwrap().matches(b"a\xff"));
    }

    #[test]
    fn malformed() {
        for bad in
            ["[", "[]", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[^", "[^bc", "a[", "\\", "[a\\"]
        {
            assert_eq!(Pattern::parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(
            is_pattern(b"a[") && is_pattern(b"\\\\*") && !is_pattern(b"a\\*") && !is_pattern(b"a")
        );
    }

    #[test]
    fn many_stars_are_quick() {
        let pattern = Pattern::parse("a*".repeat(100).as_bytes()).unwrap();
        assert!(!pattern.matches("b".repeat(255).as_bytes()));
        assert!(!Pattern::parse(b"*a*a*a*a*b").unwrap().matches("a".repeat(255).as_bytes()));
    }
}
