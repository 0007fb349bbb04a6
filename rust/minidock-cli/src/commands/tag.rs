//! `tag`: gives an image a further name.

use clap::Args;

use super::import::reference;
use crate::cli::Global;
use crate::failure::Result;

/// Give an image a further name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock tag web:latest web:1.0")]
pub(crate) struct Tag {
    /// The image, by name or id
    source: String,
    /// The name; one that another image has moves
    target: String,
}

impl Tag {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let target = reference(&self.target)?;
        global.engine()?.tag_image(&self.source, &target)?;
        Ok(0)
    }
}
