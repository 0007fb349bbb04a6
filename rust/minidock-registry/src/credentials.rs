//! Log-ins: who we are at which registry, from docker's and containers' files and helpers.
//!
//! Secrets are never printed: not in errors, not by Debug.

mod file;
mod helper;

use std::fmt;
use std::path::PathBuf;

use file::ConfigFile;

use crate::Result;

/// docker's key for its own registry.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";
/// Hosts that all mean docker's registry.
const DOCKER_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A name and a secret for a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user's name and password, or an access token in its place.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A token that is exchanged for others (OAuth 2 refresh token).
    IdentityToken {
        /// The token.
        token: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => {
                f.debug_struct("Password").field("username", username).finish_non_exhaustive()
            }
            Self::IdentityToken { .. } => f.debug_struct("IdentityToken").finish_non_exhaustive(),
        }
    }
}

/// Where a log-in went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// Into a file, readable by whoever reads the file.
    File(PathBuf),
    /// Into a helper's keeping.
    Helper(String),
}

/// The files with log-ins.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// docker's `config.json`, which `login` writes.
    pub docker: Option<PathBuf>,
    /// containers' `auth.json`, in the order they are looked at.
    pub containers: Vec<PathBuf>,
}

impl Logins {
    /// The log-in for a repository of a registry, if there is one.
    pub fn find(&self, registry: &str, path: &str) -> Result<Option<Credentials>> {
        for file in self.docker.iter().chain(&self.containers) {
            let config = ConfigFile::read(file)?;
            if let Some(name) = config.helper(registry)?
                && let Some(found) = helper::get(&name, &server(registry))?
            {
                return Ok(Some(found));
            }
            if let Some(found) = config.entry(registry, path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Keeps a log-in: with the helper that the file names, else in the file.
    pub fn store(&self, registry: &str, credentials: &Credentials) -> Result<Stored> {
        let path = self.writable()?;
        let mut config = ConfigFile::read(&path)?;
        match config.helper(registry)? {
            Some(name) => {
                helper::store(&name, &server(registry), credentials)?;
                Ok(Stored::Helper(name))
            }
            None => {
                config.set(&server(registry), credentials);
                config.write()?;
                Ok(Stored::File(path))
            }
        }
    }

    /// Forgets a log-in; gives whether there was one.
    pub fn erase(&self, registry: &str) -> Result<bool> {
        let path = self.writable()?;
        let mut config = ConfigFile::read(&path)?;
        let mut had = false;
        if let Some(name) = config.helper(registry)? {
            let server = server(registry);
            if helper::get(&name, &server)?.is_some() {
                helper::erase(&name, &server)?;
                had = true;
            }
        }
        if config.remove(registry) {
            config.write()?;
            had = true;
        }
        Ok(had)
    }

    fn writable(&self) -> Result<PathBuf> {
        self.docker.clone().ok_or_else(|| crate::RegistryError::Setup {
            what: "log-ins",
            problem: "neither HOME nor DOCKER_CONFIG says where they are kept".to_owned(),
        })
    }
}

/// How a registry is called in files and by helpers.
fn server(registry: &str) -> String {
    match DOCKER_HOSTS.contains(&registry) {
        true => DOCKER_KEY.to_owned(),
        false => registry.to_owned(),
    }
}

/// Whether a key of a file means this registry: the whole host, never a part of it.
fn means(key: &str, registry: &str) -> bool {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = bare.split('/').next().unwrap_or_default();
    host == registry || (DOCKER_HOSTS.contains(&registry) && DOCKER_HOSTS.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row G9: a host is met whole.
    #[test]
    fn keys() {
        for (key, registry, expected) in [
            ("https://index.docker.io/v1/", "docker.io", true),
            ("docker.io", "docker.io", true),
            ("registry-1.docker.io", "docker.io", true),
            ("http://localhost:5000/v2/", "localhost:5000", true),
            ("localhost:5000", "localhost:5000", true),
            ("localhost", "localhost:5000", false),
            ("evil.docker.io.attacker", "docker.io", false),
            ("docker.io", "evil.docker.io.attacker", false),
            ("docker.io.attacker/docker.io", "docker.io", false),
            ("https://attacker/docker.io", "docker.io", false),
            ("", "docker.io", false),
        ] {
            assert_eq!(means(key, registry), expected, "{key} {registry}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let password = Credentials::Password { username: "me".into(), password: "hunter2".into() };
        let token = Credentials::IdentityToken { token: "hunter2".into() };
        let shown = format!("{password:?} {token:?}");
        assert!(shown.contains("me") && !shown.contains("hunter2"), "{shown}");
    }
}
