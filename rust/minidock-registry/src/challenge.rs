//! `WWW-Authenticate`: what a registry wants before it answers (RFC 9110, 11.6.1; the
//! distribution project's token specification). Pure.

/// Longest header that is read.
const MAX_LEN: usize = 4096;

/// One way to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A user's name and password with each request.
    Basic,
    /// A token that another place gives.
    Bearer {
        /// Where.
        realm: String,
        /// For whom.
        service: Option<String>,
    },
}

/// The best challenge of a header; `None` if none is understood.
pub(crate) fn parse(headers: &[&str]) -> Option<Challenge> {
    let mut basic = None;
    for header in headers.iter().filter(|header| header.len() <= MAX_LEN) {
        for (scheme, parameters) in challenges(header) {
            let value = |name: &str| {
                parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            };
            match scheme.as_str() {
                "bearer" => {
                    if let Some(realm) = value("realm") {
                        return Some(Challenge::Bearer { realm, service: value("service") });
                    }
                }
                "basic" => basic = Some(Challenge::Basic),
                _ => {}
            }
        }
    }
    basic
}

type Parameters = Vec<(String, String)>;

/// Schemes with their parameters, names in lower case.
fn challenges(header: &str) -> Vec<(String, Parameters)> {
    let mut found: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (word, after) = token(rest);
        if word.is_empty() {
            return found;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        match (spaced.strip_prefix('='), found.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let Some((value, after)) = value_of(value.trim_start_matches([' ', '\t'])) else {
                    return found;
                };
                parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (Some(_), None) => return found,
            (None, _) => {
                found.push((word.to_ascii_lowercase(), Vec::new()));
                rest = spaced;
            }
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    found
}

fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// A token or a quoted string, and what follows; `None` if the quote does not end.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = token(text);
        return Some((value.to_owned(), after));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, '"') => return Some((value, &quoted[at + 1..])),
            _ => {
                escaped = false;
                value.push(c);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
    }

    #[test]
    fn headers() {
        let long = format!("Bearer realm=\"https://x/{}\"", "a".repeat(10_000));
        for (headers, expected) in [
            (
                &[
                    "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"a,b\"",
                ][..],
                bearer("https://auth.docker.io/token", Some("registry.docker.io")),
            ),
            (&["bearer realm = \"https://x\" , service=y"], bearer("https://x", Some("y"))),
            (&["Basic realm=\"x\", Bearer realm=\"https://y\""], bearer("https://y", None)),
            (&["Basic realm=\"x\"", "Bearer realm=\"https://y\""], bearer("https://y", None)),
            (&["Basic realm=\"Bearer realm=\\\"z\\\"\""], Some(Challenge::Basic)),
            (&["BASIC"], Some(Challenge::Basic)),
            (&["Negotiate, Basic realm=x"], Some(Challenge::Basic)),
            (&["Bearer service=x"], None),
            (&["Bearer realm=\"https://x"], None),
            (&["=x"], None),
            (&["Digest realm=\"x\""], None),
            (&[""], None),
            (&[], None),
            (&[long.as_str()], None),
        ] {
            assert_eq!(parse(headers), expected, "{headers:?}");
        }
    }
}
