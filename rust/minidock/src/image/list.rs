//! `images`: which images there are, by docker's filters and in docker's columns.

use std::collections::BTreeMap;

use minidock_dockerfile::Glob;
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::ImageRecord;

/// Which images are listed; all conditions hold, and of several values of one kind one is enough,
/// but all labels are asked for.
///
/// ```
/// use minidock::image::ImageFilter;
/// let filter = ImageFilter::parse(&["dangling=true", "label=stage=test"])?;
/// assert_eq!(filter.dangling, Some(true));
/// assert!(ImageFilter::parse(&["colour=red"]).is_err());
/// # Ok::<(), minidock::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Only those without a name, or only those with one.
    pub dangling: Option<bool>,
    /// Patterns of names: `busybox`, `busybox:1*`, `*/app`.
    pub references: Vec<String>,
    /// Labels, with a value or with any.
    pub labels: Vec<(String, Option<String>)>,
    /// Made before this image.
    pub before: Option<String>,
    /// Made after this image.
    pub since: Option<String>,
}

impl ImageFilter {
    /// Reads docker's `--filter` texts: `dangling`, `reference`, `label`, `before`, `since`.
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self> {
        let mut filter = Self::default();
        for text in texts {
            let text = text.as_ref();
            let Some((name, value)) = text.split_once('=') else {
                let message = format!("the filter {} is not NAME=VALUE", quoted(text));
                return Err(Error::new(ErrorKind::InvalidInput, message));
            };
            let value = value.to_owned();
            match name {
                "dangling" => filter.dangling = Some(truth(&value)?),
                "reference" => filter.references.push(value),
                "label" => filter.labels.push(match value.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (value, None),
                }),
                "before" => filter.before = Some(value),
                "since" => filter.since = Some(value),
                _ => {
                    let message = format!("images have no filter {}", quoted(name));
                    return Err(Error::new(ErrorKind::InvalidInput, message)
                        .with_hint("known are dangling, reference, label, before and since"));
                }
            }
        }
        Ok(filter)
    }
}

fn truth(value: &str) -> Result<bool> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => {
            let message = format!("{} is neither true nor false", quoted(value));
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

/// An image of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its id.
    pub id: Digest,
    /// Its names.
    pub references: Vec<Reference>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// Bytes of its layers' files.
    pub size: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A line of `images`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRow {
    /// As docker prints it, `<none>` for a dangling image.
    pub repository: String,
    /// `<none>` without one.
    pub tag: String,
    /// The digest of its name, if the name has one.
    pub digest: Option<Digest>,
    /// The image's id.
    pub id: Digest,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// Bytes of its layers' files.
    pub size: u64,
}

/// What docker prints for what is not there.
const NONE: &str = "<none>";

impl ImageSummary {
    /// Docker's lines: one for each tag, one for a repository that is known by digest alone, one
    /// for an image without a name.
    #[must_use]
    pub fn rows(&self) -> Vec<ImageRow> {
        let row = |repository: String, tag: &str, digest| ImageRow {
            repository,
            tag: tag.to_owned(),
            digest,
            id: self.id,
            created: self.created,
            size: self.size,
        };
        let digest_in = |repository: &str| {
            let same = self.references.iter().filter(|name| name.repository() == repository);
            same.filter_map(Reference::digest).next().copied()
        };
        let mut rows = Vec::new();
        for name in &self.references {
            let repository = name.repository();
            match name.tag() {
                Some(tag) => {
                    let digest = digest_in(&repository);
                    rows.push(row(name.familiar_repository(), tag, digest));
                }
                None => {
                    let mut same = self.references.iter();
                    if !same.any(|n| n.tag().is_some() && n.repository() == repository) {
                        let digest = name.digest().copied();
                        rows.push(row(name.familiar_repository(), NONE, digest));
                    }
                }
            }
        }
        if rows.is_empty() {
            rows.push(row(NONE.to_owned(), NONE, None));
        }
        rows
    }
}

impl Engine {
    /// The images that the filter lets through, the newest first.
    pub fn list_images(&self, filter: &ImageFilter) -> Result<Vec<ImageSummary>> {
        let patterns = patterns(&filter.references)?;
        let before = self.made_at(filter.before.as_deref())?;
        let since = self.made_at(filter.since.as_deref())?;
        let mut list = Vec::new();
        for image in self.store().images()? {
            let fits =
                filter.dangling.is_none_or(|dangling| dangling == image.references.is_empty())
                    && before.is_none_or(|time| image.created < time)
                    && since.is_none_or(|time| image.created > time);
            if !fits {
                continue;
            }
            let mut summary = summary(image)?;
            let has = |(name, value): &(String, Option<String>)| {
                let found = summary.labels.get(name);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            };
            if !filter.labels.iter().all(has) {
                continue;
            }
            if !patterns.is_empty() {
                // As docker does: only the names that match are shown.
                summary.references.retain(|name| is_meant(&patterns, name));
                if summary.references.is_empty() {
                    continue;
                }
            }
            list.push(summary);
        }
        Ok(list)
    }

    fn made_at(&self, query: Option<&str>) -> Result<Option<i64>> {
        let Some(query) = query else { return Ok(None) };
        let id = self.store().resolve_image(query)?;
        self.store().image(&id).map(|image| Some(image.created))
    }
}

fn summary(image: ImageRecord) -> Result<ImageSummary> {
    let labels = super::parsed_config(&image)?.config.labels;
    Ok(ImageSummary {
        id: image.id,
        references: image.references,
        created: image.created,
        size: image.size,
        labels,
    })
}

fn patterns(texts: &[String]) -> Result<Vec<Glob>> {
    let parse = |text: &String| {
        Glob::parse(text).map_err(|error| {
            let message = format!("{} is no pattern of names", quoted(text));
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })
    };
    texts.iter().map(parse).collect()
}

/// A pattern is compared with the whole name and with the name without its tag.
fn is_meant(patterns: &[Glob], name: &Reference) -> bool {
    let (whole, repository) = (name.familiar(), name.familiar_repository());
    patterns.iter().any(|pattern| pattern.matches(&whole) || pattern.matches(&repository))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> ImageSummary {
        ImageSummary {
            id: Digest::of(b""),
            references: names.iter().map(|name| name.parse().unwrap()).collect(),
            created: 0,
            size: 0,
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn rows_are_dockers() {
        let digest = Digest::of(b"m").to_string();
        let (by_digest, both) = (format!("a@{digest}"), format!("b/c@{digest}"));
        for (names, want) in [
            (vec![], vec!["<none> <none> false"]),
            (vec!["a", "a:1"], vec!["a latest false", "a 1 false"]),
            (vec![by_digest.as_str()], vec!["a <none> true"]),
            (vec![both.as_str(), "b/c:2"], vec!["b/c 2 true"]),
        ] {
            let rows = named(&names).rows();
            let shown: Vec<_> = rows
                .iter()
                .map(|row| format!("{} {} {}", row.repository, row.tag, row.digest.is_some()))
                .collect();
            assert_eq!(shown, want, "{names:?}");
        }
    }

    #[test]
    fn names_by_pattern() {
        for (pattern, name, want) in [
            ("busybox", "busybox:1", true),
            ("busy*", "busybox:1", true),
            ("busybox:1*", "busybox:1.36", true),
            ("busybox:2*", "busybox:1.36", false),
            ("*/app", "me/app:1", true),
            ("*", "me/app:1", false),
            ("localhost:5000/*", "localhost:5000/x", true),
        ] {
            let patterns = patterns(&[pattern.to_owned()]).unwrap();
            assert_eq!(is_meant(&patterns, &name.parse().unwrap()), want, "{pattern} {name}");
        }
    }

    #[test]
    fn filters() {
        let filter = ImageFilter::parse(&["label=a", "label=b=c=d", "reference=x"]).unwrap();
        let labels = [("a".to_owned(), None), ("b".to_owned(), Some("c=d".to_owned()))];
        assert_eq!((filter.labels.as_slice(), filter.references.len()), (&labels[..], 1));
        for bad in ["dangling=perhaps", "dangling", "until=1h"] {
            assert!(ImageFilter::parse(&[bad]).is_err(), "{bad}");
        }
    }
}
