//! Images from and to registries.
//!
//! It decides what an image of a registry is and how it comes into the store or out of it; HTTP,
//! log-ins and their files belong to `minidock-registry`, layers to [`crate::image`].

mod event;
mod failure;
mod follow;
mod layers;
mod login;
mod options;
mod pack;
mod platform;
mod pull;
mod push;
mod resolve;

pub use event::{LayerState, TransferEvent};
pub use login::{LoginOptions, registry_name};
pub use minidock_registry::Credentials;
pub use minidock_registry::Stored;
pub use options::{ManifestFormat, PullOptions, PullPolicy, PushOptions, parse_platform};
pub use pull::Pulled;
pub use push::Pushed;

use minidock_registry::{Client, ClientOptions};

use crate::cancel::CancelToken;
use crate::error::Result;

/// Least time between two events about one layer's bytes.
const TELL_PAUSE: std::time::Duration = std::time::Duration::from_millis(80);

/// A client whose calls end with the token, or when `failed` says that another one failed.
fn client(
    credentials: Option<&Credentials>,
    cancel: &CancelToken,
    failed: &std::sync::Arc<std::sync::atomic::AtomicBool>,
) -> Result<Client> {
    let (cancel, failed) = (cancel.clone(), failed.clone());
    let options = ClientOptions {
        credentials: credentials.cloned(),
        cancelled: std::sync::Arc::new(move || {
            cancel.is_cancelled() || failed.load(std::sync::atomic::Ordering::Relaxed)
        }),
        ..ClientOptions::default()
    };
    Client::new(options).map_err(failure::of_registry)
}
