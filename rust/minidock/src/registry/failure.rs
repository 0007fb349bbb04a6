//! Errors of registries as errors of the engine.

use std::error::Error as _;

use minidock_registry::RegistryError;

use crate::error::{Error, ErrorKind};

/// An error of a registry.
pub(crate) fn of_registry(error: RegistryError) -> Error {
    let kind = match &error {
        RegistryError::Cancelled => ErrorKind::Cancelled,
        RegistryError::Unauthorized { .. }
        | RegistryError::Realm { .. }
        | RegistryError::Plaintext { .. } => ErrorKind::Unauthorized,
        RegistryError::NotFound { .. } => ErrorKind::NotFound,
        RegistryError::Digest { .. } => ErrorKind::Corrupt,
        RegistryError::Manifest { .. }
        | RegistryError::Settings { .. }
        | RegistryError::RegistryName { .. } => ErrorKind::InvalidInput,
        RegistryError::Helper { .. } | RegistryError::Setup { .. } => ErrorKind::HostUnsupported,
        RegistryError::File { .. } | RegistryError::Local { .. } => return of_file(error),
        _ => ErrorKind::Network,
    };
    let hint = error.hint();
    let made = Error::new(kind, error.to_string());
    let made = match hint {
        Some(hint) => made.with_hint(hint),
        None => made,
    };
    match words_below(&error) {
        Some(words) => made.with_source(Below(words)),
        None => made,
    }
}

/// A file's or the store's own failure: a full disk must stay one.
fn of_file(error: RegistryError) -> Error {
    let message = error.to_string();
    match error {
        RegistryError::File { source, .. } => Error::io(message, source),
        RegistryError::Local { source, .. } => match source.downcast::<Error>() {
            Ok(own) => own,
            Err(source) => Error::io(message, source),
        },
        other => Error::new(ErrorKind::Network, message).with_source(other),
    }
}

fn words_below(error: &RegistryError) -> Option<String> {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    (!words.is_empty()).then(|| words.join(": "))
}

/// The causes of an error, in words, without the error itself.
#[derive(Debug)]
struct Below(String);

impl std::fmt::Display for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Below {}
