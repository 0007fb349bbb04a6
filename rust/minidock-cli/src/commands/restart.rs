//! `restart`: stops containers and starts them again.

use clap::Args;

use super::stop::{Grace, at_once};
use crate::cli::Global;
use crate::failure::Result;

/// Restart containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock restart web
  minidock restart -t 1 web db")]
pub(crate) struct Restart {
    #[command(flatten)]
    grace: Grace,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

impl Restart {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        at_once(&engine, &self.containers, |engine, query| {
            let id = engine.find_container(query)?;
            Ok(engine.restart_container(&id, self.grace.seconds())?)
        })
    }
}
