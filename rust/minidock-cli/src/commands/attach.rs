//! `attach`: joins the streams of a running container.

use std::sync::Arc;

use clap::Args;
use minidock::container::Attach as Streams;

use super::run::{SessionFlags, settle, status};
use crate::cli::Global;
use crate::failure::Result;
use crate::session::{self, AttachedTo, Ended};
use crate::signals::Signals;
use crate::terminal;

/// Attach to the standard streams of a running container
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock attach web
  minidock attach --no-stdin --sig-proxy=false web

It exits with the container's status. In a terminal, ctrl-p ctrl-q leaves the container running.")]
pub(crate) struct Attach {
    /// Do not pass standard input on
    #[arg(long)]
    no_stdin: bool,
    #[command(flatten)]
    session: SessionFlags,
    /// The container, by name or id
    container: String,
}

impl Attach {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let signals = Signals::catch()?;
        let engine = global.engine()?;
        let id = engine.find_container(&self.container)?;
        let settings = engine.container_settings(&id)?;
        let stdin = settings.stdin_open && !self.no_stdin;
        terminal::require_input_terminal(stdin, settings.tty)?;
        let manner = self.session.manner(settings.tty)?;
        let streams = Streams { stdin, stdout: true, stderr: !settings.tty };
        let mut attached = engine.attach_container(&id, streams)?;
        let streams = std::mem::take(&mut attached.streams);
        let remote = Arc::new(AttachedTo { engine: engine.clone(), id: id.clone(), attached });
        match session::carry(remote, streams, &manner, &signals)? {
            Ended::Detached => Ok(0),
            Ended::Exited(exit) => {
                settle(&engine, &id)?;
                Ok(status(exit.code))
            }
        }
    }
}
