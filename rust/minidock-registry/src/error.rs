//! Why a registry did not give or take what was asked.

use std::path::PathBuf;
use std::time::Duration;

use minidock_image::digest::Digest;
use minidock_image::manifest::ManifestError;

/// Why a call failed. Texts of registries in it are cut and hold no control characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The caller asked to stop.
    #[error("it was cancelled")]
    Cancelled,
    /// The registry wants a log-in, or another one.
    #[error("{registry} refuses {what}: {said}")]
    Unauthorized {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What it said.
        said: String,
        /// Whether credentials were sent.
        logged_in: bool,
    },
    /// It has no such image, tag or blob.
    #[error("{registry} has no {what}")]
    NotFound {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
    },
    /// Too many requests.
    #[error("{registry} takes no more requests for now: {said}")]
    RateLimited {
        /// The registry.
        registry: String,
        /// What it said.
        said: String,
        /// Whether credentials were sent.
        logged_in: bool,
        /// How long it wants us to wait, if another attempt makes sense at all.
        wait: Option<Duration>,
    },
    /// Any other answer that is no success.
    #[error("{registry} answered {status} for {what}{}", colon(said))]
    Status {
        /// The registry.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        what: String,
        /// What it said, if anything.
        said: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach {host}")]
    Connect {
        /// The host.
        host: String,
        /// How it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS failed: there is no falling back to plain HTTP.
    #[error("cannot speak TLS with {host}")]
    Tls {
        /// The host.
        host: String,
        /// How it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A transfer broke off.
    #[error("the transfer of {what} broke off")]
    Transfer {
        /// What was transferred.
        what: String,
        /// How it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A transfer broke off before its end, without an error of its own.
    #[error("the transfer of {what} ended after {found} of {expected} bytes")]
    Short {
        /// What was transferred.
        what: String,
        /// Bytes that came.
        found: u64,
        /// Bytes that should have come.
        expected: u64,
    },
    /// Nothing came for too long.
    #[error("{what}: nothing came for {waited:?}")]
    Stalled {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
    },
    /// An answer is longer than is read.
    #[error("{what} has more than {max} bytes, which is all that is read of it")]
    TooLong {
        /// What it is.
        what: String,
        /// The limit.
        max: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("{what} has digest {found} instead of {expected}: it is damaged or forged")]
    Digest {
        /// What it is.
        what: String,
        /// What was asked for.
        expected: Box<Digest>,
        /// What came.
        found: Box<Digest>,
    },
    /// An answer that the specification does not allow.
    #[error("{registry} does not follow the specification: {problem}")]
    Protocol {
        /// The registry.
        registry: String,
        /// What is wrong.
        problem: String,
    },
    /// A manifest that cannot be used.
    #[error("{what} cannot be used")]
    Manifest {
        /// Which.
        what: String,
        /// Why.
        source: ManifestError,
    },
    /// A redirect that is not followed.
    #[error("{from} sends us to {to}, which is not followed: {reason}")]
    Redirect {
        /// Who redirects.
        from: String,
        /// Where to.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// A place to get tokens that must not see the password, or must not be asked at all.
    #[error("{registry} names {realm} as the place to log in: {reason}")]
    Realm {
        /// The registry.
        registry: String,
        /// The place.
        realm: String,
        /// Why not.
        reason: &'static str,
    },
    /// Credentials for a connection that anybody can read.
    #[error("the password for {registry} is not sent over plain HTTP")]
    Plaintext {
        /// The registry.
        registry: String,
    },
    /// A settings file cannot be used.
    #[error("{}: {problem}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// How it failed.
        source: std::io::Error,
    },
    /// A credential helper did not do its work.
    #[error("the credential helper {name} {problem}")]
    Helper {
        /// Its program.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The name of a registry is none.
    #[error("{name:?} is not the name of a registry")]
    RegistryName {
        /// What was given.
        name: String,
    },
    /// Where the bytes go to or come from failed.
    #[error("cannot {doing}")]
    Local {
        /// What was being done.
        doing: &'static str,
        /// How it failed.
        source: std::io::Error,
    },
    /// TLS or the HTTP client cannot be set up.
    #[error("cannot set up {what}: {problem}")]
    Setup {
        /// What.
        what: &'static str,
        /// Why not.
        problem: String,
    },
}

fn colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl RegistryError {
    /// What the user can do about it, where something can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorized { registry, logged_in: false, .. } => {
                format!("if it exists, it may need a log-in: minidock login{}", argument(registry))
            }
            Self::Unauthorized { registry, logged_in: true, .. } => format!(
                "this account may not do that, or its password is old: minidock login{}",
                argument(registry)
            ),
            Self::RateLimited { registry, logged_in: false, .. } => {
                format!("a log-in raises the limit: minidock login{}", argument(registry))
            }
            Self::RateLimited { .. } => "try again later".to_owned(),
            Self::NotFound { .. } => "check the name and the tag".to_owned(),
            Self::Tls { host, .. } => format!(
                "for a certificate of your own put its CA into certs.d/{host}/ca.crt; for a registry without TLS set `plain-http = true` in registries.toml"
            ),
            Self::Connect { .. } => {
                "check the name of the registry, the network, and HTTPS_PROXY if you need a proxy"
                    .to_owned()
            }
            Self::Realm { registry, .. } => format!(
                "if that place is to be trusted, name its host in registries.toml: [registry.\"{registry}\"] token-hosts = [...]"
            ),
            Self::Plaintext { registry } => format!(
                "set `plain-http = true` for [registry.\"{registry}\"] in registries.toml if its network is trusted"
            ),
            Self::Digest { .. } => {
                "nothing was stored; try again, or ask whoever serves it".to_owned()
            }
            Self::Stalled { .. } | Self::Short { .. } | Self::Transfer { .. } => {
                "try again: what came already is used".to_owned()
            }
            _ => return None,
        })
    }

    /// Whether another attempt may do better.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Transfer { .. }
            | Self::Short { .. }
            | Self::Stalled { .. }
            | Self::RateLimited { wait: Some(_), .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 500 | 502..=504),
            _ => false,
        }
    }
}

/// What `minidock login` takes for this registry.
fn argument(registry: &str) -> String {
    match registry {
        "docker.io" => String::new(),
        other => format!(" {other}"),
    }
}

/// A text of a registry, fit to be shown: one line, cut, no control characters.
pub(crate) fn said(text: &str) -> String {
    const SHOWN: usize = 300;
    let mut line = String::new();
    for c in text.trim().chars().take(SHOWN) {
        line.push(if c.is_control() { ' ' } else { c });
    }
    if text.trim().chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}
