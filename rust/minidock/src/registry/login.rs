//! `login` and `logout`: who we are at a registry.

use minidock_registry::{Client, ClientOptions, Credentials, Places, Stored};

use super::failure::of_registry;
use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::Result;

/// A log-in.
#[derive(Debug, Clone)]
pub struct LoginOptions {
    /// Name and password.
    pub credentials: Credentials,
    /// Stops it.
    pub cancel: CancelToken,
}

/// What a user calls a registry in references' words: `docker.io` for docker's own under any of
/// its names, the host and port of an address.
///
/// ```
/// use minidock::registry::registry_name;
/// assert_eq!(registry_name(""), "docker.io");
/// assert_eq!(registry_name("https://index.docker.io/v1/"), "docker.io");
/// assert_eq!(registry_name("http://localhost:5000/"), "localhost:5000");
/// ```
#[must_use]
pub fn registry_name(text: &str) -> String {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    match bare.split('/').next().unwrap_or_default() {
        "" | "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

impl Engine {
    /// Logs in: asks the registry whether it takes the credentials, and keeps them where docker
    /// does, for all who read docker's `config.json`.
    pub fn log_in(&self, registry: &str, options: &LoginOptions) -> Result<Stored> {
        let registry = registry_name(registry);
        let cancel = options.cancel.clone();
        let client = Client::new(ClientOptions {
            credentials: Some(options.credentials.clone()),
            cancelled: std::sync::Arc::new(move || cancel.is_cancelled()),
            ..ClientOptions::default()
        })
        .map_err(of_registry)?;
        client.try_login(&registry).map_err(of_registry)?;
        let logins = Places::from_environment().logins;
        logins.store(&registry, &options.credentials).map_err(of_registry)
    }

    /// Forgets a log-in; gives whether there was one.
    pub fn log_out(&self, registry: &str) -> Result<bool> {
        let logins = Places::from_environment().logins;
        logins.erase(&registry_name(registry)).map_err(of_registry)
    }
}
