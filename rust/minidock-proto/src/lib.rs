//! What the engine and `minidock-runtime` say to each other: messages, framing, records on disk.
//!
//! The two meet only here. This crate holds data and its encoding; it starts no process, enters
//! no namespace and decides nothing.
//!
//! * [`request`]: one request to a runtime that the engine just spawned, over the socket at its
//!   standard input. Both sides come from one build: [`SPAWN_VERSION`] has to be equal.
//! * [`control`]: the conversation with a supervisor that may be older or newer than the engine:
//!   its core is frozen, unknown fields are ignored and unknown requests are refused by name.
//! * [`archive`]: files in and out of a container, in both of these.
//! * [`record`] and [`log`]: what a supervisor leaves in the container's directory.

pub mod archive;
pub mod bytes;
pub mod channel;
pub mod control;
pub mod event;
pub mod log;
pub mod mapping;
pub mod process;
pub mod record;
pub mod request;
pub mod socket;

pub use bytes::Bytes;
pub use channel::{Channel, ChannelError, Descriptors, Fd, Outgoing};

/// Version of the request to a freshly spawned runtime; engine and runtime must agree exactly.
pub const SPAWN_VERSION: u32 = 2;
