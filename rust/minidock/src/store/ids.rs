//! Owns the names of things in the store: layer ids, container ids, container and volume names.
//!
//! Nothing unparsed becomes a path. This file touches no file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, quoted};

mod random_name;

/// Random bytes from the kernel, in lower case hex.
pub(crate) fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0u8; BYTES];
    let mut filled = 0;
    while filled < BYTES {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
                .map_err(|e| Error::io("cannot get random bytes", e))?;
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_lower_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The rule that docker has for container and volume names:
/// `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}`.
fn is_object_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 128
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

macro_rules! parsed_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let valid: fn(&str) -> bool = $valid;
                match valid(text) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(Error::new(
                        ErrorKind::InvalidInput,
                        format!("{} is not a {}: it must be {}", quoted(text), $what, $rule),
                    )),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

parsed_text! {
    /// The name of a layer in one store: 128 random bits, 32 hex digits. It says nothing about the
    /// content; the diff id does, and may come later.
    LocalId, "layer id", "32 lower case hex digits", |t| t.len() == 32 && is_lower_hex(t)
}

parsed_text! {
    /// A container's id: 256 random bits, 64 hex digits, as docker's.
    ContainerId, "container id", "64 lower case hex digits", |t| t.len() == 64 && is_lower_hex(t)
}

parsed_text! {
    /// A container's name, by docker's rule.
    ContainerName, "container name",
    "1 to 128 letters, digits, `_`, `.` or `-`, the first a letter or digit", is_object_name
}

parsed_text! {
    /// A volume's name, by docker's rule, which is that of containers.
    VolumeName, "volume name",
    "1 to 128 letters, digits, `_`, `.` or `-`, the first a letter or digit", is_object_name
}

parsed_text! {
    /// The name of an id mapping, as it appears in `tree-<mapping>`.
    MappingName, "mapping name",
    "1 to 128 letters, digits, `_`, `.` or `-`, the first a letter or digit", is_object_name
}

impl LocalId {
    /// A new random id.
    pub fn random() -> Result<Self> {
        random_hex::<16>().map(Self)
    }
}

impl ContainerId {
    /// A new random id. Docker never gives one whose first 12 digits are all decimal, because a
    /// hostname made of them would be taken for a number; neither does this.
    pub fn random() -> Result<Self> {
        loop {
            let text = random_hex::<32>()?;
            if !text[..12].bytes().all(|b| b.is_ascii_digit()) {
                return Ok(Self(text));
            }
        }
    }

    /// The first 12 digits, as tables print it.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl ContainerName {
    /// A random name of an adjective and a noun; from the second attempt on with a number.
    pub fn random(attempt: usize) -> Result<Self> {
        random_name::pick(attempt).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let long = "a".repeat(129);
        let huge = "a".repeat(5000);
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/a",
            "-rf",
            "_a",
            ".a",
            "a\nb",
            "a\0b",
            "\u{1b}[31m",
            "a b",
            "а",
            "ａ",
            "é",
            "a\u{200b}",
            &long,
            &huge,
        ] {
            for error in [
                bad.parse::<ContainerName>().unwrap_err(),
                bad.parse::<VolumeName>().unwrap_err(),
                bad.parse::<ContainerId>().unwrap_err(),
                bad.parse::<LocalId>().unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
                let line = error.one_line();
                assert!(line.len() < 500 && !line.chars().any(char::is_control), "{line}");
            }
        }
    }

    #[test]
    fn good_names_pass() {
        let longest = "a".repeat(128);
        for good in ["a", "0", "web", "A_b.c-d", "9lives", &longest] {
            assert_eq!(good.parse::<ContainerName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn ids_are_lower_hex_of_one_length() {
        let id = LocalId::random().unwrap();
        assert_eq!(id.to_string().parse::<LocalId>().unwrap(), id);
        assert_ne!(id, LocalId::random().unwrap());
        let id = ContainerId::random().unwrap();
        assert_eq!(id.to_string().parse::<ContainerId>().unwrap(), id);
        assert!("A".repeat(64).parse::<ContainerId>().is_err());
        assert!("a".repeat(63).parse::<ContainerId>().is_err());
    }

    #[test]
    fn serde_parses_too() {
        assert!(serde_json::from_str::<ContainerName>("\"../x\"").is_err());
        assert_eq!(serde_json::from_str::<ContainerName>("\"x\"").unwrap().as_str(), "x");
    }

    #[test]
    fn random_names_are_names() {
        for attempt in 0..200 {
            let name = ContainerName::random(attempt).unwrap();
            assert!(name.as_str().parse::<ContainerName>().is_ok());
        }
    }
}
