//! Resource limits of `--ulimit`.

use minidock_proto::process::{Limit, Resource};

use super::wrong;
use crate::error::Result;

/// `name=soft[:hard]`, `-1` or `unlimited` for none; the hard limit is the soft one without.
pub fn limit(text: &str) -> Result<Limit> {
    let bad = |what: &str| {
        wrong("--ulimit", text.as_bytes(), what)
            .with_hint("write name=soft[:hard], as nofile=1024:4096")
    };
    let (name, values) = text.split_once('=').ok_or_else(|| bad("there is no ="))?;
    let lower = name.to_ascii_lowercase();
    let resource = Resource::ALL.iter().find(|(known, _)| *known == lower);
    let Some(&(_, resource)) = resource else {
        let names: Vec<_> = Resource::ALL.iter().map(|(name, _)| *name).collect();
        return Err(wrong("--ulimit", text.as_bytes(), format!("there is no limit {name:?}"))
            .with_hint(format!("known are {}", names.join(", "))));
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let soft = value(soft).ok_or_else(|| bad("the soft limit is not a number"))?;
    let hard = value(hard).ok_or_else(|| bad("the hard limit is not a number"))?;
    match (soft, hard) {
        (None, Some(_)) => Err(bad("the soft limit is above the hard limit")),
        (Some(soft), Some(hard)) if soft > hard => {
            Err(bad("the soft limit is above the hard limit"))
        }
        _ => Ok(Limit { resource, soft, hard }),
    }
}

/// The outer `None` is no number, the inner one no limit.
fn value(text: &str) -> Option<Option<u64>> {
    match text {
        "-1" | "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let nofile = |soft, hard| Limit { resource: Resource::Nofile, soft, hard };
        for (text, expected) in [
            ("nofile=1024", nofile(Some(1024), Some(1024))),
            ("nofile=1:2", nofile(Some(1), Some(2))),
            ("NOFILE=1:-1", nofile(Some(1), None)),
            ("nofile=unlimited", nofile(None, None)),
        ] {
            assert_eq!(limit(text).unwrap(), expected, "{text}");
        }
        for text in [
            "nofile",
            "nofile=",
            "nofile=a",
            "nofile=2:1",
            "nofile=-1:5",
            "files=1",
            "=1",
            "cpu=1:2:3",
        ] {
            assert!(limit(text).unwrap_err().hint().is_some(), "{text}");
        }
    }
}
