//! The grammar of references, by hand: linear time on any input.
//! Facts follow the grammar comment of `distribution/reference` v0.6.

use super::{
    DEFAULT_DOMAIN, DEFAULT_TAG, LEGACY_DEFAULT_DOMAIN, MAX_PATH_LEN, MAX_TAG_LEN, OFFICIAL_PREFIX,
    Reference, ReferenceError,
};
use crate::digest::Digest;

const SHOWN: usize = 120;

pub(super) fn parse(text: &str) -> Result<Reference, ReferenceError> {
    if text.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(ReferenceError::Url {
            text: shorten(text),
            scheme: shorten(&format!("{scheme}://")),
        });
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(parse_digest(text, digest)?)),
        None => (text, None),
    };
    let (domain, rest) = split_domain(named);
    if domain != DEFAULT_DOMAIN && !is_domain(domain) {
        return Err(ReferenceError::Domain { text: shorten(text), domain: shorten(domain) });
    }
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    if named == path && is_identifier(path) {
        return Err(ReferenceError::LooksLikeId { text: shorten(text) });
    }
    check_path(text, path)?;
    if let Some(tag) = tag {
        check_tag(text, tag)?;
    }
    let path = full_path(domain, path);
    if path.len() > MAX_PATH_LEN {
        return Err(ReferenceError::TooLong { text: shorten(text), found: path.len() });
    }
    let tag = match (tag, &digest) {
        (Some(tag), _) => Some(tag.to_owned()),
        (None, Some(_)) => None,
        (None, None) => Some(DEFAULT_TAG.to_owned()),
    };
    Ok(Reference { domain: domain.to_owned(), path, tag, digest })
}

/// docker's rule for what is a registry: `localhost`, a dot, a colon, or an upper case letter.
fn split_domain(named: &str) -> (&str, &str) {
    let Some((first, rest)) = named.split_once('/') else {
        return (DEFAULT_DOMAIN, named);
    };
    if first == LEGACY_DEFAULT_DOMAIN {
        return (DEFAULT_DOMAIN, rest);
    }
    let is_registry =
        first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase);
    if is_registry { (first, rest) } else { (DEFAULT_DOMAIN, named) }
}

fn full_path(domain: &str, path: &str) -> String {
    if domain == DEFAULT_DOMAIN && !path.contains('/') {
        format!("{OFFICIAL_PREFIX}{path}")
    } else {
        path.to_owned()
    }
}

fn parse_digest(text: &str, digest: &str) -> Result<Digest, ReferenceError> {
    digest.parse().map_err(|source| ReferenceError::Digest { text: shorten(text), source })
}

fn check_path(text: &str, path: &str) -> Result<(), ReferenceError> {
    if path.chars().any(char::is_uppercase) {
        let fixed = shorten(&text.replacen(path, &path.to_lowercase(), 1));
        return Err(ReferenceError::UpperCase { text: shorten(text), fixed });
    }
    for component in path.split('/') {
        if !is_component(component) {
            let component = shorten(component);
            return Err(ReferenceError::Component { text: shorten(text), component });
        }
    }
    Ok(())
}

pub(super) fn check_tag(text: &str, tag: &str) -> Result<(), ReferenceError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    let good = bytes.first().is_some_and(|first| word(*first))
        && bytes.len() <= MAX_TAG_LEN
        && bytes.iter().all(|byte| word(*byte) || matches!(byte, b'.' | b'-'));
    if good { Ok(()) } else { Err(ReferenceError::Tag { text: shorten(text), tag: shorten(tag) }) }
}

/// alphanumeric, then any number of (separator, alphanumeric).
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    alphanumeric(*first)
        && alphanumeric(*last)
        && bytes.split(|byte| alphanumeric(*byte)).all(is_separator)
}

/// Nothing, `.`, `_`, `__`, or any number of dashes.
fn is_separator(separator: &[u8]) -> bool {
    matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
}

fn is_domain(domain: &str) -> bool {
    if let Some(rest) = domain.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    match domain.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(domain),
    }
}

fn is_host(host: &str) -> bool {
    host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identifier(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Keeps hostile input from flooding an error line.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
