//! The one crate of minidock with hand-written `unsafe` outside the C bindings.
//!
//! Each module wraps system calls that rustix does not offer, and nothing else: no policy, no
//! paths of the store, no state. What needs a single-threaded process takes a
//! [`process::SingleThreaded`] as proof; only `minidock-runtime` can show one.
#![expect(unsafe_code, reason = "this is the crate that holds it")]

pub mod keyring;
pub mod listener;
pub mod lock;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod peer;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod tap;
