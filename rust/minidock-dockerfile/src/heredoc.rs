//! Heredocs (`<<EOF`, `<<-EOF`, quoted, several): finding them in a line. The body is read by
//! `lines`.

use crate::words::shell_words;

/// An inline document of RUN, COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The delimiter; also the file's name when it is a source of COPY or ADD.
    pub name: String,
    /// File descriptor written before `<<`, 0 if none; the shell uses it, COPY does not.
    pub descriptor: u32,
    /// The delimiter was not quoted: variables in the body are expanded (COPY, ADD) or left to the
    /// shell (RUN).
    pub expand: bool,
    /// `<<-`: leading tabs are taken off every line.
    pub strip_tabs: bool,
    /// The body as written, with its line ends.
    pub content: String,
}

impl Heredoc {
    /// Whether the delimiter can be a file's name in one directory.
    pub(crate) fn names_a_file(&self) -> bool {
        !self.name.contains(['/', '\0']) && self.name != "." && self.name != ".."
    }

    /// The body with leading tabs taken off if `<<-` asked for it.
    #[must_use]
    pub fn body(&self) -> String {
        if !self.strip_tabs {
            return self.content.clone();
        }
        self.content.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }
}

/// The heredocs that a line announces, bodies still empty. A line whose quotes do not close has
/// none, as in docker.
pub(crate) fn announced(line: &str) -> Vec<Heredoc> {
    if !line.contains("<<") {
        return Vec::new();
    }
    shell_words(line).unwrap_or_default().iter().filter_map(|word| parse_word(word)).collect()
}

/// `[descriptor]<<[-]NAME` as one word.
pub(crate) fn parse_word(word: &str) -> Option<Heredoc> {
    let (digits, rest) = word.split_once("<<")?;
    if !digits.chars().all(|c| c.is_ascii_digit()) || rest.contains('<') {
        return None;
    }
    let (strip_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (name, quoted) = unquote(rest)?;
    let descriptor = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let usable = !name.is_empty() && !name.chars().any(char::is_whitespace);
    usable.then_some(Heredoc {
        name,
        descriptor,
        expand: !quoted,
        strip_tabs,
        content: String::new(),
    })
}

/// The delimiter without quotes and escapes, and whether there were quotes.
fn unquote(word: &str) -> Option<(String, bool)> {
    let mut name = String::new();
    let mut quoted = false;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                quoted = true;
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        inner => name.push(inner),
                    }
                }
            }
            '\\' => name.extend(chars.next()),
            c => name.push(c),
        }
    }
    Some((name, quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_heredocs() {
        for (word, want) in [
            ("<<EOF", Some(("EOF", 0, true, false))),
            ("<<-EOF", Some(("EOF", 0, true, true))),
            ("<<'EOF'", Some(("EOF", 0, false, false))),
            ("<<-\"EOF\"", Some(("EOF", 0, false, true))),
            ("3<<EOF", Some(("EOF", 3, true, false))),
            ("<<E\"O\"F", Some(("EOF", 0, false, false))),
            ("<<", None),
            ("<<-", None),
            ("<<<here", None),
            ("a<<EOF", None),
            ("<<'EOF", None),
            ("99999999999999<<EOF", None),
            ("<<''", None),
        ] {
            let got = parse_word(word);
            let got = got.as_ref().map(|h| (h.name.as_str(), h.descriptor, h.expand, h.strip_tabs));
            assert_eq!(got, want, "{word}");
        }
    }
}
