//! `wait`: waits for the end of containers and says their exit statuses.

use clap::Args;

use crate::cli::{Global, each};
use crate::failure::Result;
use crate::output;

/// Wait until containers end, then print their exit statuses
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock wait job")]
pub(crate) struct Wait {
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

impl Wait {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        each(&self.containers, |query| {
            let id = engine.find_container(query)?;
            output::line(engine.wait_container(&id)?.code.to_string())
        })
    }
}
