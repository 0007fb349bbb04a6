//! The engine of minidock and its only public Rust API.
//!
//! It owns names, references, the store and what runs; namespaces are entered by
//! `minidock-runtime` alone. Any thread may call it, and nothing process-global is changed.

pub mod build;
mod cancel;
pub mod container;
mod docker_json;
mod engine;
pub mod error;
pub mod events;
pub mod image;
mod mapping;
mod network;
pub mod registry;
mod runtime;
pub mod sandbox;
mod seccomp;
pub mod signal;
pub mod store;
pub mod system;

pub use cancel::CancelToken;
pub use engine::{Engine, EngineOptions};
pub use error::{Error, ErrorKind, Face, Result};
pub use mapping::UserNamespace;
pub use minidock_image::{digest::Digest, reference::Reference};
pub use minidock_proto::Bytes;
