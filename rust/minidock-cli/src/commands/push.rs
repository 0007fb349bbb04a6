//! `push`: images to a registry.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use minidock::registry::{ManifestFormat, PushOptions};
use minidock::{Engine, Reference};

use super::import::reference;
use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output::{self, TransferProgress, Way};
use crate::signals::{Canceller, Signals};

/// Push an image to a registry
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock push localhost:5000/web:1.0
  minidock tag web registry.example.org/team/web
  minidock push registry.example.org/team/web

What was pulled is pushed byte for byte; what was built gets a manifest of OCI's format.")]
pub(crate) struct Push {
    /// Push all tags of the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Write the manifest anew in this format
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print the name of the image and nothing else
    #[arg(short, long)]
    quiet: bool,
    /// The image, by the name it is pushed under
    #[arg(value_name = "NAME[:TAG]")]
    image: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// OCI image specification, version 1
    Oci,
    /// Docker's version 2 schema 2
    #[value(alias = "v2s2")]
    Docker,
}

impl Push {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let name = reference(&self.image)?;
        let options = PushOptions {
            format: self.format.map(|format| match format {
                Format::Oci => ManifestFormat::Oci,
                Format::Docker => ManifestFormat::Docker,
            }),
            ..PushOptions::default()
        };
        let signals = Signals::catch()?;
        signals.hand_to(Arc::new(Canceller(options.cancel.clone())));
        let engine = global.engine()?;
        for name in self.names(&engine, name)? {
            self.one(&engine, &name, &options)?;
        }
        Ok(0)
    }

    fn names(&self, engine: &Engine, name: Reference) -> Result<Vec<Reference>> {
        if !self.all_tags {
            return Ok(vec![name]);
        }
        let last = self.image.rsplit('/').next().unwrap_or_default();
        if last.contains([':', '@']) {
            return Err(Failure::usage(
                format!("{:?} is one image, and --all-tags pushes all of a repository", self.image),
                "leave out the tag",
            ));
        }
        let of_repository =
            |other: &Reference| other.tag().is_some() && other.repository() == name.repository();
        let images = engine.store().images()?;
        let mut names: Vec<_> =
            images.into_iter().flat_map(|image| image.references).filter(of_repository).collect();
        names.sort();
        match names.is_empty() {
            true => Err(Failure::refused(
                format!("there is no image {:?} to be pushed", self.image),
                "give an image that name: minidock tag IMAGE NAME",
            )),
            false => Ok(names),
        }
    }

    fn one(&self, engine: &Engine, name: &Reference, options: &PushOptions) -> Result<()> {
        let progress = TransferProgress::new(Way::Push, self.quiet);
        let pushed = engine.push_image(name, options, &|event| progress.tell(event));
        progress.finish();
        let pushed = pushed?;
        if !self.quiet {
            let tag = name.tag().unwrap_or_default();
            output::say(format!("{tag}: digest: {} size: {}", pushed.digest, pushed.size));
        }
        output::line(name.to_string())
    }
}
