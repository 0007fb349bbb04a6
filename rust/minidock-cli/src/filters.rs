//! `--filter KEY=VALUE` of listings: several values of one key are alternatives, keys add up.

use crate::failure::{Failure, Result};

/// The filters of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters(Vec<(String, String)>);

impl Filters {
    /// Reads them; a key that `known` has not is refused.
    pub(crate) fn parse(texts: &[String], known: &[&str]) -> Result<Self> {
        let hint = format!("write --filter KEY=VALUE; known are {}", known.join(", "));
        let mut filters = Vec::new();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(Failure::usage(format!("--filter {text:?} is not KEY=VALUE"), hint));
            };
            if !known.contains(&key) {
                return Err(Failure::usage(format!("--filter: there is no key {key:?}"), hint));
            }
            filters.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(filters))
    }

    /// The values of a key.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Whether the key was given at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }

    /// Whether one of the values of the key fits; a key that was not given lets all pass.
    pub(crate) fn any(&self, key: &str, fits: impl FnMut(&str) -> bool) -> bool {
        !self.has(key) || self.values(key).any(fits)
    }

    /// Whether all `label=KEY[=VALUE]` are among the labels.
    pub(crate) fn labels(&self, find: impl Fn(&str) -> Option<String>) -> bool {
        self.values("label").all(|wanted| match wanted.split_once('=') {
            Some((key, value)) => find(key).as_deref() == Some(value),
            None => find(wanted).is_some(),
        })
    }

    /// The truth of a key that is yes or no.
    pub(crate) fn truth(&self, key: &str) -> Result<Option<bool>> {
        match self.values(key).last() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Failure::usage(
                format!("--filter {key}={other:?} is neither true nor false"),
                format!("write --filter {key}=true"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let texts = ["name=a", "name=b", "label=x", "label=y=1"].map(str::to_owned);
        let filters = Filters::parse(&texts, &["name", "label", "dangling"]).unwrap();
        assert!(filters.any("name", |value| value == "b") && !filters.any("name", |v| v == "c"));
        assert!(filters.any("dangling", |_| false), "not given");
        let find = |key: &str| match key {
            "x" => Some(String::new()),
            "y" => Some("1".to_owned()),
            _ => None,
        };
        assert!(filters.labels(find));
        assert!(!filters.labels(|_| None));
        assert!(Filters::parse(&["name".to_owned()], &["name"]).is_err());
        assert!(Filters::parse(&["nope=1".to_owned()], &["name"]).is_err());
        assert!(
            Filters::parse(&["dangling=x".to_owned()], &["dangling"])
                .unwrap()
                .truth("dangling")
                .is_err()
        );
    }
}
