//! The command line of minidock: docker's words over the engine.
//!
//! One file per command in `commands/`; `output.rs` alone prints. Nothing is opened, read or
//! started before the command at hand needs it.

mod arguments;
mod cli;
mod commands;
mod container_flags;
mod container_rows;
mod detach_keys;
mod failure;
mod filters;
mod host_groups;
mod hot;
mod human;
mod moment;
mod output;
mod refused;
mod session;
mod signals;
mod table;
mod template;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::main(std::env::args_os().collect()))
}
