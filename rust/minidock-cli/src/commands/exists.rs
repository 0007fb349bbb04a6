//! `image exists`: whether an image is here, by the exit status alone.

use clap::Args;
use minidock::ErrorKind;

use crate::cli::Global;
use crate::failure::Result;

/// Say by the exit status whether an image is here: 0 if it is, 1 if not
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock image exists debian:bookworm || minidock pull debian:bookworm")]
pub(crate) struct Exists {
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    image: String,
}

impl Exists {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        match global.engine()?.store().resolve_image(&self.image) {
            Ok(_) => Ok(0),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(1),
            Err(error) => Err(error.into()),
        }
    }
}
