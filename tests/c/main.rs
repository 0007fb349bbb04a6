//! libminidock as a C program meets it: headers, symbols, and programs that are compiled here
//! against the staged library, which lies apart from any command line.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]

mod host;
mod life;
mod program;
mod symbols;
