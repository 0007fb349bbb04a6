//! Which image of an index is for a machine. Pure.

use std::collections::BTreeSet;

use minidock_image::descriptor::{Descriptor, Platform};
use minidock_image::manifest::Index;
use minidock_image::media;

use crate::error::{Error, ErrorKind, Result};

/// What BuildKit puts beside images: statements about them, no images.
const ATTESTATION: (&str, &str) = ("vnd.docker.reference.type", "attestation-manifest");

/// Names of one processor in one form (containerd's normal form).
pub(super) fn normal<'p>(architecture: &'p str, variant: &'p str) -> (&'p str, &'p str) {
    let (architecture, implied) = match architecture {
        "x86_64" | "x86-64" => ("amd64", ""),
        "aarch64" => ("arm64", ""),
        "armhf" => ("arm", "v7"),
        "armel" => ("arm", "v6"),
        "i386" => ("386", ""),
        other => (other, ""),
    };
    match (architecture, variant) {
        ("amd64", "v1") | ("arm64", "v8" | "8") => (architecture, ""),
        ("arm", "5" | "6" | "7" | "8") => {
            (architecture, ["v5", "v6", "v7", "v8"][usize::from(variant.as_bytes()[0] - b'5')])
        }
        (_, "") => (architecture, implied),
        (_, other) => (architecture, other),
    }
}

/// The entry for a machine: the same variant, else the nearest lesser one, which runs there too.
pub(super) fn choose<'i>(index: &'i Index, wanted: &Platform) -> Result<&'i Descriptor> {
    let images = || index.manifests.iter().filter(|entry| !is_attestation(entry));
    let rank = |entry: &Descriptor| rank(entry.platform.as_ref()?, wanted);
    let best =
        images().filter_map(|entry| Some((rank(entry)?, entry))).min_by_key(|(rank, _)| *rank);
    if let Some((_, entry)) = best {
        return Ok(entry);
    }
    // An index in an index says nothing of machines, and one entry alone need not.
    let silent = |entry: &&Descriptor| {
        entry.platform.is_none() && (media::is_index(&entry.media_type) || images().count() == 1)
    };
    images().find(silent).ok_or_else(|| none_for(index, wanted))
}

fn none_for(index: &Index, wanted: &Platform) -> Error {
    let offered = index.manifests.iter().filter(|entry| !is_attestation(entry));
    let offered: BTreeSet<_> =
        offered.filter_map(|entry| Some(entry.platform.as_ref()?.to_string())).take(20).collect();
    let list = offered.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("the image is not there for {wanted}");
    let error = Error::new(ErrorKind::NotFound, message);
    match list.is_empty() {
        true => error,
        false => error.with_hint(format!("it is there for {list}; --platform chooses")),
    }
}

fn is_attestation(entry: &Descriptor) -> bool {
    let unknown = entry
        .platform
        .as_ref()
        .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown");
    unknown || entry.annotations.get(ATTESTATION.0).is_some_and(|kind| kind == ATTESTATION.1)
}

/// How well an offer fits: 0 is exact, more is worse, `None` does not run.
fn rank(offered: &Platform, wanted: &Platform) -> Option<u8> {
    let (architecture, variant) = normal(&offered.architecture, &offered.variant);
    let (wanted_architecture, wanted_variant) = normal(&wanted.architecture, &wanted.variant);
    if offered.os != wanted.os || architecture != wanted_architecture {
        return None;
    }
    if variant == wanted_variant {
        return Some(0);
    }
    let number = |variant: &str| match (architecture, variant) {
        // What no variant means (containerd's platform defaults).
        ("arm", "") => Some(7),
        ("amd64", "") => Some(1),
        ("arm64", "") => Some(8),
        _ => variant.strip_prefix('v')?.parse::<u8>().ok(),
    };
    let (offered, wanted) = (number(variant)?, number(wanted_variant)?);
    wanted.checked_sub(offered)
}

/// Whether an image's config is for the machine that was asked for.
pub(super) fn fits(offered: &Platform, wanted: &Platform) -> bool {
    offered.architecture.is_empty() || rank(offered, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::parse_platform;
    use super::*;
    use minidock_image::digest::Digest;

    fn index(entries: &[&str]) -> Index {
        let entry = |text: &&str| {
            let mut entry = Descriptor::new(media::OCI_MANIFEST, Digest::of(text.as_bytes()), 1);
            match *text {
                "attestation" => {
                    entry.annotations.insert(ATTESTATION.0.into(), ATTESTATION.1.into());
                    entry.platform = Some(parse_platform("linux/amd64").unwrap());
                }
                "silent" => {}
                "index" => entry.media_type = media::OCI_INDEX.into(),
                text => {
                    let mut parts = text.split('/').map(str::to_owned);
                    let mut part = || parts.next().unwrap_or_default();
                    let (os, architecture, variant) = (part(), part(), part());
                    entry.platform =
                        Some(Platform { os, architecture, variant, ..Platform::default() });
                }
            }
            entry
        };
        Index::new(media::OCI_INDEX, entries.iter().map(entry).collect())
    }

    #[test]
    fn the_nearest_variant_is_chosen() {
        let arms = &["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"][..];
        for (entries, wanted, chosen) in [
            (arms, "linux/arm/v7", Some("linux/arm/v7")),
            (arms, "linux/arm", Some("linux/arm/v7")),
            (arms, "linux/arm/v6", Some("linux/arm/v6")),
            (&arms[..2], "linux/arm/v7", Some("linux/arm/v6")),
            (&arms[2..3], "linux/arm/v6", None),
            (arms, "linux/arm64", Some("linux/arm64/v8")),
            (arms, "linux/amd64", None),
            (&["linux/amd64/v3", "linux/amd64"], "linux/amd64", Some("linux/amd64")),
            (&["linux/amd64/v2", "linux/amd64"], "linux/amd64/v3", Some("linux/amd64/v2")),
            (&["linux/amd64/v3"], "linux/amd64", None),
            (&["attestation", "linux/amd64"], "linux/amd64", Some("linux/amd64")),
            (&["unknown/unknown", "attestation"], "linux/amd64", None),
            (&["silent", "unknown/unknown"], "linux/amd64", Some("silent")),
            (&["silent", "silent"], "linux/amd64", None),
            (&["index", "linux/arm64"], "linux/amd64", Some("index")),
            (&["windows/amd64"], "linux/amd64", None),
            (&[], "linux/amd64", None),
        ] {
            let index = index(entries);
            let found = choose(&index, &parse_platform(wanted).unwrap()).ok();
            let expected = chosen.map(|text| Digest::of(text.as_bytes()));
            assert_eq!(found.map(|entry| entry.digest), expected, "{entries:?} {wanted}");
        }
        let error = choose(&index(arms), &parse_platform("linux/amd64").unwrap()).unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("linux/arm/v7, linux/arm64/v8")));
    }

    #[test]
    fn platforms_are_read() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/7", "linux/arm/v7"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(parse_platform(text).unwrap().to_string(), normal, "{text}");
        }
        for text in ["", "/", "linux/", "a/b/c/d", "linux/a b", "linux/\u{1b}"] {
            assert!(parse_platform(text).is_err(), "{text}");
        }
    }
}
