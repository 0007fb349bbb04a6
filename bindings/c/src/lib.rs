//! The C face of minidock: `minidock.h` and libminidock.
//!
//! Every function reads its arguments, asks the engine, and hands a value or an error back; it
//! decides nothing that another face would need too. The names are C's, since they are exported.
//!
//! `unsafe` is here because C's pointers are. Every raw pointer goes through `argument` (into
//! Rust) or `handle` (out of Rust), and every function body through `guard`.

#![allow(unsafe_code, reason = "C's pointers have to be read and written")]
#![allow(non_camel_case_types, reason = "the exported types have C's names")]

mod argument;
pub mod build;
pub mod cancel;
pub mod client;
pub mod container;
pub mod container_options;
pub mod container_settings;
pub mod error;
pub mod exec;
mod guard;
mod handle;
pub mod image;
pub mod library;
pub mod logs;
mod streams;
