//! What a caller may ask of a build. Values with defaults; nothing is read here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use minidock_image::reference::Reference;

use crate::cancel::CancelToken;
use crate::container::NetworkMode;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::PullPolicy;

/// A build.
///
/// ```
/// use minidock::build::{BuildOptions, ContextSource};
/// let options = BuildOptions {
///     target: Some("release".into()),
///     ..BuildOptions::new(ContextSource::Directory(".".into()))
/// };
/// assert!(!options.no_cache);
/// ```
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Where COPY and ADD take files from.
    pub context: ContextSource,
    /// The Dockerfile; `Dockerfile` of the context without.
    pub dockerfile: Option<DockerfileSource>,
    /// Names for the image; none leaves it dangling.
    pub tags: Vec<Reference>,
    /// Values for ARG, and for docker's proxy arguments.
    pub build_args: BTreeMap<String, String>,
    /// The stage to build, by name or number; the last one without.
    pub target: Option<String>,
    /// Run every step, whatever is remembered.
    pub no_cache: bool,
    /// Labels on top of the Dockerfile's.
    pub labels: BTreeMap<String, String>,
    /// The network of RUN.
    pub network: NetworkMode,
    /// Whether images that FROM and `COPY --from` name are pulled.
    pub pull: PullPolicy,
    /// Stops the build.
    pub cancel: CancelToken,
}

impl BuildOptions {
    /// A build of this context with defaults.
    #[must_use]
    pub fn new(context: ContextSource) -> Self {
        Self {
            context,
            dockerfile: None,
            tags: Vec::new(),
            build_args: BTreeMap::new(),
            target: None,
            no_cache: false,
            labels: BTreeMap::new(),
            network: NetworkMode::default(),
            pull: PullPolicy::default(),
            cancel: CancelToken::default(),
        }
    }
}

/// Where COPY and ADD take files from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextSource {
    /// A directory of this host.
    Directory(PathBuf),
    /// Nothing: a Dockerfile that copies no files of the host.
    Empty,
}

impl ContextSource {
    /// Reads what docker's command line takes. Archives on standard input, URLs and git
    /// addresses are not offered.
    pub fn parse(text: &str) -> Result<Self> {
        let what = match text {
            "" => return Err(refused("an empty context")),
            "-" => "a context on standard input",
            _ if text.contains("://") => "a context from a URL",
            _ if text.starts_with("git@") || text.starts_with("github.com/") => {
                "a context from git"
            }
            _ => return Ok(Self::Directory(text.into())),
        };
        Err(refused(what))
    }
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{what} is not supported"))
        .with_hint("give a directory, for example `.`")
}

/// Where the Dockerfile comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DockerfileSource {
    /// A file of this host; a relative path counts from the working directory.
    File(PathBuf),
    /// The text itself, as from standard input.
    Text(Vec<u8>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        for text in [".", "/srv/app", "a b", "x.git"] {
            assert_eq!(ContextSource::parse(text).unwrap(), ContextSource::Directory(text.into()));
        }
        for text in ["", "-", "https://example.org/x.tar", "git@example.org:x", "github.com/a/b"] {
            let error = ContextSource::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.hint().is_some());
        }
    }
}
