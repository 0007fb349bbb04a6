//! What protects the user and the host. One file per group of threats.

mod accounts;
mod artefacts;
mod binary;
mod born;
mod canary;
mod environment;
mod handles;
mod keyring;
mod names;
mod places;
mod probe;
mod syscalls;
mod tarball;
mod world;
