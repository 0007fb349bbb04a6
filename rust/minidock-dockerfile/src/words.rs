//! Splitting a logical line into words, quotes kept. Owns no meaning: expansion takes the quotes
//! off later.

use crate::directive::Escape;

/// Splits at white space outside quotes; quotes and escapes stay in the words (ENV, LABEL, ARG).
/// An unclosed quote runs to the end: expansion reports it.
pub(crate) fn quoted_words(text: &str, escape: Escape) -> Vec<String> {
    split(text, escape.as_char()).0
}

/// The words of a shell command line, or `None` if a quote does not close.
pub(crate) fn shell_words(text: &str) -> Option<Vec<String>> {
    let (words, closed) = split(text, '\\');
    closed.then_some(words)
}

fn split(text: &str, escape: char) -> (Vec<String>, bool) {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == escape && quote != Some('\'') {
            // An escape character at the very end stands for nothing.
            if let Some(next) = chars.next() {
                word.push(c);
                word.push(next);
            }
            continue;
        }
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    (words, quote.is_none())
}

/// Plain white space splitting (FROM, COPY, EXPOSE, VOLUME): quotes mean nothing here.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The keyword and the rest of a logical line.
pub(crate) fn keyword(line: &str) -> (&str, &str) {
    let line = line.trim();
    match line.find(char::is_whitespace) {
        Some(end) => (&line[..end], line[end..].trim_start()),
        None => (line, ""),
    }
}
