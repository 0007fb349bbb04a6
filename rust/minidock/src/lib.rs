//! The engine of minidock and its only public Rust API.
//!
//! It owns names, references, the store and what runs; namespaces are entered by
//! `minidock-runtime` alone. Any thread may call it, and nothing process-global is changed.

pub mod error;
pub mod store;

pub use error::{Error, ErrorKind, Result};
