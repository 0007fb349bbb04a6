//! Registries: images to and from Debian's docker-registry, and servers of our own that behave
//! as others do, or that lie and fail. One file per topic; everything is on this machine.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]

mod debian;
mod hub;
mod image;
mod interrupted;
mod liar;
mod login;
mod real;
mod scene;
mod server;
mod tls;
