//! What protects the user and the host. One file per group of threats.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod accounts;
mod artefacts;
mod binary;
mod born;
mod canary;
mod context;
mod copy;
mod environment;
mod handles;
mod kernel_files;
mod keyring;
mod layers;
mod names;
mod network;
mod places;
mod probe;
mod rootfs;
mod swaps;
mod syscalls;
mod tarball;
mod traces;
mod users;
mod whiteouts;
mod world;
