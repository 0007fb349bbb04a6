//! `logout`: forgets a log-in.

use clap::Args;
use minidock::registry::registry_name;

use crate::cli::Global;
use crate::failure::Result;
use crate::output;

/// Log out from a registry
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock logout
  minidock logout registry.example.org")]
pub(crate) struct Logout {
    /// The registry [default: docker.io]
    #[arg(value_name = "REGISTRY", default_value = "", hide_default_value = true)]
    registry: String,
}

impl Logout {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let name = registry_name(&self.registry);
        match global.engine()?.log_out(&self.registry)? {
            true => output::line(format!("Removing login credentials for {name}"))?,
            false => output::line(format!("Not logged in to {name}"))?,
        }
        Ok(0)
    }
}
