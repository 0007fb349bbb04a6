//! `rm`: removes containers.

use clap::Args;
use minidock::container::RemoveOptions;

use crate::cli::{Global, each};
use crate::failure::Result;
use crate::output;

/// Remove containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock rm web
  minidock rm -f $(minidock ps -aq)")]
pub(crate) struct Rm {
    /// End a running container first, and take no offence at one that is not there
    #[arg(short, long)]
    force: bool,
    /// Remove the volumes that were made for it alone too
    #[arg(short, long)]
    volumes: bool,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

impl Rm {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        let options = RemoveOptions { force: self.force, volumes: self.volumes };
        let remove = |query: &str| -> Result<()> {
            let id = engine.find_container(query)?;
            Ok(engine.remove_container(&id, options)?)
        };
        each(&self.containers, |query| match remove(query) {
            Ok(()) => output::line(query),
            // As docker: what should be gone is gone, and it is said.
            Err(failure) if self.force && failure.is_not_found() => {
                output::failure(&failure);
                Ok(())
            }
            Err(failure) => Err(failure),
        })
    }
}
