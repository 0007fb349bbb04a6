//! `export`: a container's root file system as a tar.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use minidock::build::CancelToken;

use super::cp::{Canceller, carry_out};
use super::save::write_whole;
use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output;
use crate::signals::Signals;

/// Write a container's root file system as a tar
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock export -o web.tar web
  minidock export web | minidock import - web:frozen

The container may run or not. What is mounted into it is not part of it: volumes, binds, /proc.")]
pub(crate) struct Export {
    /// The file; standard output without
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The container, by name or id
    #[arg(value_name = "CONTAINER")]
    container: String,
}

impl Export {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if self.output.is_none() && output::is_terminal() {
            return Err(Failure::refused(
                "an archive is not written to a terminal",
                "name a file with -o, or redirect standard output",
            ));
        }
        let cancel = CancelToken::default();
        let signals = Signals::catch()?;
        signals.hand_to(Arc::new(Canceller(cancel.clone())));
        let engine = global.engine()?;
        let id = engine.find_container(&self.container)?;
        let mut tar = engine.export_container(&id, &cancel)?;
        match &self.output {
            None => carry_out(&mut tar)?,
            Some(path) => write_whole(path, |file| copy(&mut tar, file))?,
        }
        Ok(0)
    }
}

fn copy(tar: &mut impl Read, mut file: std::fs::File) -> Result<()> {
    match io::copy(tar, &mut file) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.downcast::<minidock::Error>() {
            Ok(own) => own.into(),
            Err(error) => Failure::io("cannot write the archive", error),
        }),
    }
}
