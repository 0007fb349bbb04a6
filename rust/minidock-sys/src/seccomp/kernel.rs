//! Kernel versions, for the `minKernel` of a rule.
//!
//! Must not be used to guess features; only a profile's own condition is answered here.

/// Major and minor number of a Linux release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// 6 in 6.18.
    pub major: u32,
    /// 18 in 6.18.
    pub minor: u32,
}

impl KernelVersion {
    /// Reads the first two numbers of a release such as `6.18.3-amd64`; `None` without them.
    #[must_use]
    pub fn parse(release: &str) -> Option<KernelVersion> {
        let (major, rest) = release.split_once('.')?;
        let end = rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(rest.len());
        Some(KernelVersion { major: parse_number(major)?, minor: parse_number(rest.get(..end)?)? })
    }

    /// The running kernel's; `None` if it reports a release of another form.
    #[must_use]
    pub fn running() -> Option<KernelVersion> {
        KernelVersion::parse(rustix::system::uname().release().to_str().ok()?)
    }
}

/// `u32::from_str` would take a leading `+`.
fn parse_number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::KernelVersion;

    #[test]
    fn releases_are_read_by_their_first_two_numbers() {
        let cases = [
            ("6.18.3-amd64", Some((6, 18))),
            ("4.8", Some((4, 8))),
            ("5.13-rc1", Some((5, 13))),
            ("6", None),
            ("6.", None),
            ("+6.1", None),
            (".1", None),
            ("6.x", None),
            ("99999999999.1", None),
        ];
        for (release, expected) in cases {
            let expected = expected.map(|(major, minor)| KernelVersion { major, minor });
            assert_eq!(KernelVersion::parse(release), expected, "{release}");
        }
        assert!(KernelVersion::parse("4.10") > KernelVersion::parse("4.8"));
    }
}
