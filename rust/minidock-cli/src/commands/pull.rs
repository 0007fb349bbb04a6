//! `pull`: images from a registry.

use std::sync::Arc;

use clap::Args;
use minidock::registry::{PullOptions, Pulled, parse_platform};
use minidock::{Engine, Reference};

use super::import::reference;
use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output::{self, TransferProgress, Way};
use crate::signals::{Canceller, Signals};

/// Pull an image from a registry
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock pull debian:bookworm
  minidock pull localhost:5000/web:1.0
  minidock pull --platform linux/arm64 alpine
  minidock pull alpine@sha256:...              this very image

A transfer that was cut or stopped goes on where it was. The log-ins of `minidock login`, docker
and podman are used; registries.toml sets mirrors and registries without TLS.")]
pub(crate) struct Pull {
    /// Pull all tags of the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Which image of several: OS/ARCHITECTURE[/VARIANT] [default: this machine's]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Print the name of the image and nothing else
    #[arg(short, long)]
    quiet: bool,
    /// The image
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    image: String,
}

impl Pull {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let name = reference(&self.image)?;
        let options = PullOptions {
            platform: self.platform.as_deref().map(parse_platform).transpose()?,
            ..PullOptions::default()
        };
        let signals = Signals::catch()?;
        signals.hand_to(Arc::new(Canceller(options.cancel.clone())));
        let engine = global.engine()?;
        if !self.all_tags {
            return self.one(&engine, &name, &options).map(|()| 0);
        }
        let last = self.image.rsplit('/').next().unwrap_or_default();
        if last.contains([':', '@']) {
            return Err(Failure::usage(
                format!("{:?} is one image, and --all-tags pulls all of a repository", self.image),
                "leave out the tag",
            ));
        }
        let mut tags = engine.registry_tags(&name, &options)?;
        tags.sort();
        for tag in tags {
            let name = name.with_tag(&tag).map_err(|error| {
                Failure::refused(error.to_string(), "pull the tags that you want by name")
            })?;
            self.one(&engine, &name, &options)?;
        }
        Ok(0)
    }

    fn one(&self, engine: &Engine, name: &Reference, options: &PullOptions) -> Result<()> {
        let pulled = shown(self.quiet, |tell| engine.pull_image(name, options, tell))?;
        if !self.quiet {
            told(&pulled);
        }
        output::line(name.to_string())
    }
}

/// Pulls with its progress on standard error.
pub(crate) fn shown<T>(
    quiet: bool,
    pull: impl FnOnce(&(dyn Fn(minidock::registry::TransferEvent) + Sync)) -> minidock::Result<T>,
) -> Result<T> {
    let progress = TransferProgress::new(Way::Pull, quiet);
    let done = pull(&|event| progress.tell(event));
    progress.finish();
    Ok(done?)
}

fn told(pulled: &Pulled) {
    output::say(format!("digest: {}", pulled.digest));
    output::say(match pulled.up_to_date {
        true => format!("{} is up to date", pulled.reference.familiar()),
        false => format!("pulled {}", pulled.reference.familiar()),
    });
}
