//! `rmi`: removes names of images, and images with their last one.

use clap::Args;

use crate::cli::{Global, each};
use crate::failure::Result;
use crate::output;

/// Remove images
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock rmi web:1.0
  minidock rmi -f $(minidock images -q)")]
pub(crate) struct Rmi {
    /// Remove it in spite of stopped containers and several names
    #[arg(short, long)]
    force: bool,
    /// Keep untagged parents; builds leave none, so nothing else goes in any case
    #[arg(long)]
    no_prune: bool,
    /// Images, by name or id
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

impl Rmi {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        each(&self.images, |query| match engine.remove_image(query, self.force) {
            Ok(removed) => removed.iter().try_for_each(|thing| output::line(thing.to_string())),
            // As docker: what should be gone is gone, and it is said.
            Err(error) if self.force && error.kind() == minidock::ErrorKind::NotFound => {
                output::failure(&error.into());
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
    }
}
