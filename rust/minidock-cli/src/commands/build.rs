//! `build`: an image from a Dockerfile.

use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use minidock::build::{BuildEvent, BuildOptions, ContextSource, DockerfileSource};
use minidock::container::parse;
use minidock::registry::PullPolicy;

use super::import::reference;
use crate::cli::Global;
use crate::container_flags::labels;
use crate::failure::{Failure, Result};
use crate::output::{self, BuildProgress, ProgressKind, TransferProgress, Way};
use crate::signals::{Canceller, Signals};

/// Build an image from a Dockerfile
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock build -t web .
  minidock build -t web:1.0 -t web:latest --build-arg MODE=fast -f deploy/Dockerfile .
  minidock build -q - < Dockerfile")]
pub(crate) struct Build {
    /// A name for the image; may be given several times
    #[arg(short, long, value_name = "NAME[:TAG]")]
    tag: Vec<String>,
    /// The Dockerfile, or - for standard input [default: Dockerfile of the context]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A value for ARG; NAME alone takes the caller's variable
    #[arg(long, value_name = "NAME[=VALUE]")]
    build_arg: Vec<String>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Run every step, whatever is remembered
    #[arg(long)]
    no_cache: bool,
    /// Pull the images that FROM names even if they are here: there may be newer ones
    #[arg(long)]
    pull: bool,
    /// Print the id of the image and nothing else
    #[arg(short, long)]
    quiet: bool,
    /// A label for the image
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Write the id of the image to a file
    #[arg(long, value_name = "FILE")]
    iidfile: Option<PathBuf>,
    /// How progress is shown: auto, plain, tty or quiet [default: auto]
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "KIND"
    )]
    progress: ProgressKind,
    /// Network of RUN: none, host or private [default: private]
    #[arg(long, value_name = "NETWORK")]
    network: Option<String>,
    /// A directory whose files COPY and ADD take, or - for a Dockerfile alone on standard input
    #[arg(value_name = "CONTEXT")]
    context: String,
}

impl Build {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let options = self.options()?;
        let signals = Signals::catch()?;
        signals.hand_to(Arc::new(Canceller(options.cancel.clone())));
        let engine = global.engine()?;
        let kind = if self.quiet { ProgressKind::Quiet } else { self.progress };
        let progress = Mutex::new(BuildProgress::new(kind));
        let pulls = Mutex::new(None::<TransferProgress>);
        let tell = |event| {
            let mut pulls = pulls.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                BuildEvent::Transfer(event) => pulls
                    .get_or_insert_with(|| {
                        TransferProgress::new(Way::Pull, kind == ProgressKind::Quiet)
                    })
                    .tell(event),
                event => {
                    if let Some(pulls) = pulls.take() {
                        pulls.finish();
                    }
                    progress.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
                }
            }
        };
        let built = engine.build(&options, &tell);
        progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish(built.is_ok());
        let built = built?;
        if let Some(path) = &self.iidfile {
            std::fs::write(path, built.id.to_string())
                .map_err(|error| Failure::io(format!("cannot write {}", path.display()), error))?;
        }
        if self.quiet {
            output::line(built.id.to_string())?;
        }
        Ok(0)
    }

    fn options(&self) -> Result<BuildOptions> {
        let from_input = self.file.as_deref().is_some_and(|file| file.as_os_str() == "-");
        let (context, dockerfile) = match (self.context.as_str(), &self.file) {
            ("-", None) => (ContextSource::Empty, Some(DockerfileSource::Text(standard_input()?))),
            ("-", Some(_)) => {
                return Err(Failure::refused(
                    "a context on standard input is not supported",
                    "give a directory, and the Dockerfile with -f",
                ));
            }
            (context, _) if from_input => {
                (ContextSource::parse(context)?, Some(DockerfileSource::Text(standard_input()?)))
            }
            (context, file) => {
                (ContextSource::parse(context)?, file.clone().map(DockerfileSource::File))
            }
        };
        Ok(BuildOptions {
            dockerfile,
            tags: self.tag.iter().map(|text| reference(text)).collect::<Result<Vec<_>>>()?,
            build_args: self.arguments()?,
            target: self.target.clone(),
            no_cache: self.no_cache,
            labels: labels(&self.label, &[])?,
            network: self.network.as_deref().map(parse::network).transpose()?.unwrap_or_default(),
            pull: if self.pull { PullPolicy::Always } else { PullPolicy::Missing },
            ..BuildOptions::new(context)
        })
    }

    /// Build arguments; a name alone has the caller's value, and is left out without one.
    fn arguments(&self) -> Result<std::collections::BTreeMap<String, String>> {
        let mut all = std::collections::BTreeMap::new();
        for text in &self.build_arg {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.as_str(), std::env::var(text).ok()),
            };
            if name.is_empty() {
                return Err(Failure::usage(
                    format!("--build-arg {text:?} has no name"),
                    "write NAME=value, or NAME alone for the value of the caller",
                ));
            }
            all.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(all)
    }
}

/// The longest Dockerfile that is read.
const LONGEST: u64 = 16 << 20;

fn standard_input() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    std::io::stdin()
        .take(LONGEST)
        .read_to_end(&mut text)
        .map_err(|error| Failure::io("cannot read the Dockerfile from standard input", error))?;
    match text.len() as u64 == LONGEST {
        true => Err(Failure::refused(
            "the Dockerfile on standard input does not end",
            "give the context as a directory",
        )),
        false => Ok(text),
    }
}
