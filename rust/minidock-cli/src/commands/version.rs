//! `version`: which minidock this is.

use clap::Args;
use serde_json::json;

use crate::failure::Result;
use crate::output;
use crate::template::{Row, Template};

/// Show the version
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock version --format '{{.Client.Version}}'")]
pub(crate) struct Version {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `--version` prints.
pub(crate) fn short() -> Result<u8> {
    output::line(format!("minidock version {VERSION}")).map(|()| 0)
}

impl Version {
    pub(crate) fn run(self) -> Result<u8> {
        // There is no server: the command line is the engine.
        let value = json!({"Client": {
            "Version": VERSION,
            "Os": std::env::consts::OS,
            "Arch": std::env::consts::ARCH,
        }});
        match self.format.as_deref() {
            None => output::block(&format!(
                "minidock\n Version:  {VERSION}\n OS/Arch:  {}/{}\n",
                std::env::consts::OS,
                std::env::consts::ARCH
            ))?,
            Some("json") => output::line(value.to_string())?,
            Some(format) => output::line(Template::parse(format)?.render(&Row::from(value))?)?,
        }
        Ok(0)
    }
}
