//! Registries: images' manifests and blobs from and to them (OCI distribution specification),
//! behind blocking calls.
//!
//! It owns HTTP, TLS, log-ins and their files, and what a registry may make us do: every length,
//! redirect and wait is bounded, and credentials go only where they belong. It knows no store:
//! bytes go to whoever asks, who decides what an image is.

mod blob;
mod certificates;
mod challenge;
mod client;
mod credentials;
mod endpoint;
mod error;
mod host;
mod http;
mod login;
mod manifest;
mod realm;
mod retry;
mod session;
mod settings;
mod tags;
mod tls;
mod token;
mod upload;

pub use blob::BlobTarget;
pub use client::{Client, ClientOptions, Places, Repository};
pub use credentials::{Credentials, Logins, Stored};
pub use error::RegistryError;
pub use manifest::Fetched;
pub use settings::Settings;
pub use upload::{BlobSource, Mounted};

/// The result of a call.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;
