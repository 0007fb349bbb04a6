//! The command line as a user meets it: words, output, exit status. One file per topic.

mod cache;
mod dockerfile;
mod harness;
mod images;
mod lifecycle;
mod ports;
mod running;
mod terminal;
mod volumes;
