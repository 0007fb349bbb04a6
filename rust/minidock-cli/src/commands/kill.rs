//! `kill`: sends a signal to containers.

use clap::Args;

use crate::cli::{Global, each};
use crate::failure::Result;
use crate::output;

/// Send a signal to the first process of containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock kill web
  minidock kill -s HUP web")]
pub(crate) struct Kill {
    /// The signal, by name or number
    #[arg(short, long, default_value = "KILL")]
    signal: String,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

impl Kill {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let signal = minidock::signal::parse(&self.signal)?;
        let engine = global.engine()?;
        each(&self.containers, |query| {
            let id = engine.find_container(query)?;
            engine.kill_container(&id, signal)?;
            output::line(query)
        })
    }
}
