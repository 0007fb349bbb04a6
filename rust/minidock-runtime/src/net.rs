//! The network of a container: the helper that reaches the outside, and published ports.
//!
//! * [`keeper`] is the process on the host's side that starts the helper and ends it.
//! * [`helper`] starts pasta or slirp4netns for a network namespace, closed towards the host.
//! * [`forward`] carries connections from the host's listening sockets into the namespace.
//!
//! Must not make namespaces and must not bind sockets of the host: both are handed in.

mod addresses;
pub(crate) mod forward;
mod guard;
pub(crate) mod helper;
mod inside;
pub(crate) mod keeper;
mod plan;
mod record;
mod resolv;

pub(crate) use record::sweep;
