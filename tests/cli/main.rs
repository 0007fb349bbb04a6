//! The command line as a user meets it: words, output, exit status. One file per topic.

mod cache;
mod harness;
mod lifecycle;
mod ports;
mod running;
mod terminal;
mod volumes;
