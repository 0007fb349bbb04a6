//! `start`: runs containers that were made before.

use std::sync::Arc;

use clap::Args;
use minidock::Engine;
use minidock::container::{Attach, StartOptions, Status};

use super::run::{SessionFlags, settle, status};
use crate::cli::{Global, each};
use crate::failure::{Failure, Result};
use crate::session::{self, Ended};
use crate::signals::Signals;
use crate::{output, terminal};

/// Start containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock start web
  minidock start -ai shell")]
pub(crate) struct Start {
    /// Attach to its output and hand signals on; exits with its status
    #[arg(short, long)]
    attach: bool,
    /// Attach to its standard input
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    session: SessionFlags,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

impl Start {
    /// Whether the exit status is that of a program.
    pub(crate) fn attaches(&self) -> bool {
        self.attach || self.interactive
    }

    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if self.attaches() {
            return self.attached(global);
        }
        let engine = global.engine()?;
        each(&self.containers, |query| {
            start(&engine, query)?;
            output::line(query)
        })
    }

    fn attached(self, global: &Global) -> Result<u8> {
        let [query] = &self.containers[..] else {
            return Err(Failure::usage(
                "only one container can be attached to at once",
                "start the others without -a",
            ));
        };
        let signals = Signals::catch()?;
        let engine = global.engine()?;
        let id = engine.find_container(query)?;
        let settings = engine.container_settings(&id)?;
        let stdin = self.interactive && settings.stdin_open;
        terminal::require_input_terminal(stdin, settings.tty)?;
        let manner = self.session.manner(settings.tty)?;
        let options = StartOptions {
            attach: Attach { stdin, stdout: true, stderr: !settings.tty },
            owned: false,
            window: if settings.tty { terminal::size() } else { None },
        };
        let mut running = engine.start_container(&id, options)?;
        let streams = std::mem::take(&mut running.streams);
        match session::carry(Arc::new(running), streams, &manner, &signals)? {
            Ended::Detached => Ok(0),
            Ended::Exited(exit) => {
                settle(&engine, &id)?;
                Ok(status(exit.code))
            }
        }
    }
}

/// Starts one; one that runs already is as it should be.
fn start(engine: &Engine, query: &str) -> Result<()> {
    let id = engine.find_container(query)?;
    if engine.container_state(&id)?.status == Status::Running {
        return Ok(());
    }
    let running = engine.start_container(&id, StartOptions::default())?;
    Ok(running.detach()?)
}
