//! What is left after kills, full disks and two at once. One file per kind of fault.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]

mod aftermath;
mod copy;
mod full_disk;
mod harness;
mod kill;
mod random;
mod streams;
mod together;
