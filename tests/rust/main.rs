//! The Rust API as a program uses it: linked into this process, over a store of its own.

#![expect(clippy::unwrap_used, reason = "what a helper cannot do is a failure of its test")]

mod sandbox;
mod sandbox_end;
mod sandbox_limits;
mod world;
