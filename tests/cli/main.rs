//! The command line as a user meets it: words, output, exit status. One file per topic.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]

mod cache;
mod check;
mod copy;
mod dockerfile;
mod events;
mod export;
mod harness;
mod images;
mod lifecycle;
mod ports;
mod running;
mod terminal;
mod volumes;
