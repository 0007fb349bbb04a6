//! Why a text is not an image reference. Each message says what is wrong and shows a good one.

use crate::digest::DigestError;

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Nothing was given.
    #[error("image reference is empty: write it as ubuntu:24.04")]
    Empty,
    /// It begins with a URL scheme.
    #[error(
        "image reference {text:?} is a URL: leave out {scheme}, as in registry.example.com/app:1.0"
    )]
    Url {
        /// What was given, shortened.
        text: String,
        /// The scheme with its slashes.
        scheme: String,
    },
    /// The repository has upper case letters.
    #[error(
        "image reference {text:?} has upper case letters in its repository name: write {fixed:?}"
    )]
    UpperCase {
        /// What was given, shortened.
        text: String,
        /// The same in lower case.
        fixed: String,
    },
    /// The registry part is not a host name or address with an optional port.
    #[error(
        "image reference {text:?} has a bad registry {domain:?}: write it as localhost:5000/app or [::1]:5000/app"
    )]
    Domain {
        /// What was given, shortened.
        text: String,
        /// The part before the first slash.
        domain: String,
    },
    /// A path component breaks the grammar.
    #[error(
        "image reference {text:?} has a bad name part {component:?}: use a-z and 0-9, single separators . _ - (or __, --) only between them, as in my-org/my_app:1.0"
    )]
    Component {
        /// What was given, shortened.
        text: String,
        /// The part that is wrong, shortened.
        component: String,
    },
    /// The repository path is too long.
    #[error("image reference {text:?} has a repository name of {found} bytes: at most {max} are allowed", max = super::MAX_PATH_LEN)]
    TooLong {
        /// What was given, shortened.
        text: String,
        /// How long it is.
        found: usize,
    },
    /// The tag breaks the grammar.
    #[error(
        "image reference {text:?} has a bad tag {tag:?}: use 1 to 128 of A-Z a-z 0-9 _ . - and do not begin with . or -, as in app:v1.0"
    )]
    Tag {
        /// What was given, shortened.
        text: String,
        /// The tag, shortened.
        tag: String,
    },
    /// What follows the `@` is not a digest.
    #[error("image reference {text:?} has a bad digest after the @")]
    Digest {
        /// What was given, shortened.
        text: String,
        /// What is wrong with the digest.
        source: DigestError,
    },
    /// The whole name is 64 hex digits, which means an image id.
    #[error(
        "{text:?} is an image id, not a name: choose a name that is not 64 hex digits, as in app:1.0"
    )]
    LooksLikeId {
        /// What was given.
        text: String,
    },
}
