//! `port`: which ports of the host lead to a container.

use clap::Args;
use minidock::container::parse;

use crate::cli::Global;
use crate::container_rows::published;
use crate::failure::{Failure, Result};
use crate::output;

/// List the published ports of a container
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock port web
  minidock port web 80/tcp")]
pub(crate) struct Port {
    /// The container, by name or id
    container: String,
    /// Only this port of the container
    #[arg(value_name = "PORT[/PROTO]")]
    port: Option<String>,
}

impl Port {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let wanted = self.port.as_deref().map(parse::exposed).transpose()?;
        let engine = global.engine()?;
        let container = engine.container(&engine.find_container(&self.container)?)?;
        let ports = published(&container);
        let Some(wanted) = wanted else {
            for (inside, outside) in &ports {
                output::line(format!("{inside} -> {outside}"))?;
            }
            return Ok(0);
        };
        let found: Vec<_> = ports.iter().filter(|(inside, _)| wanted.contains(inside)).collect();
        if found.is_empty() {
            return Err(Failure::refused(
                format!("no public port {} is published for {}", wanted.join(", "), self.container),
                "publish it with -p when the container is made",
            ));
        }
        for (_, outside) in found {
            output::line(outside)?;
        }
        Ok(0)
    }
}
