//! `load`: images of an archive or a layout.

use std::path::PathBuf;

use clap::Args;
use minidock::image::LoadOptions;

use super::import::{open, standard_input};
use crate::cli::Global;
use crate::failure::Result;
use crate::output::{self, ByteProgress};

/// Load images from an archive
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock load -i web.tar
  ssh other minidock save web | minidock load
  minidock load -i layout/                 an OCI image layout, a directory")]
pub(crate) struct Load {
    /// The archive of docker or OCI, or a directory; standard input without
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

impl Load {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        let options = LoadOptions::default();
        let loaded = match &self.input {
            Some(path) if path.is_dir() => engine.load_layout(path, &options)?,
            input => {
                let (stream, length) = match input {
                    Some(path) => open(path)?,
                    None => standard_input("load", "name a file with -i, or pipe an archive in")?,
                };
                engine.load_images(
                    ByteProgress::new(stream, "loading", length, self.quiet),
                    &options,
                )?
            }
        };
        for image in loaded {
            if image.references.is_empty() {
                output::line(format!("Loaded image ID: {}", image.id))?;
            }
            for name in &image.references {
                output::line(format!("Loaded image: {}", name.familiar()))?;
            }
        }
        Ok(0)
    }
}
