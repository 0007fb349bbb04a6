//! `exec`: runs a further program in a running container.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use minidock::Bytes;
use minidock::container::{Attach, ExecOptions};

use super::run::{detach_keys, status};
use crate::cli::Global;
use crate::container_flags::environment;
use crate::failure::Result;
use crate::session::{self, Ended, Manner};
use crate::signals::Signals;
use crate::terminal;

/// Run a further program in a running container
#[derive(Debug, Args)]
#[command(
    override_usage = "minidock exec [OPTIONS] CONTAINER COMMAND [ARG...]",
    after_help = "\
Examples:
  minidock exec web ls /srv
  minidock exec -it web sh
  minidock exec -u www-data -e DEBUG=1 web printenv

The exit status is that of the program; 125 when minidock failed, 126 when the program cannot be
executed, 127 when it is not there."
)]
pub(crate) struct Exec {
    /// Leave it running in the background
    #[arg(short, long)]
    detach: bool,
    /// Pass standard input on
    #[arg(short, long)]
    interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Set a variable; NAME alone takes the caller's value
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
    /// Read variables from a file
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<OsString>,
    /// User, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Keys that leave the program running [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// The container, by name or id
    container: String,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Exec {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let detach_keys = detach_keys(self.detach_keys.as_deref())?;
        let manner = Manner { tty: self.tty, detach_keys, sig_proxy: true };
        let env = environment(&self.env, &self.env_file)?;
        if !self.detach {
            terminal::require_input_terminal(self.interactive, self.tty)?;
        }
        let signals = Signals::catch()?;
        let engine = global.engine()?;
        let id = engine.find_container(&self.container)?;
        let attach = match self.detach {
            true => Attach::default(),
            false => Attach { stdin: self.interactive, stdout: true, stderr: !self.tty },
        };
        let options = ExecOptions {
            args: self.command.into_iter().map(Bytes::from).collect(),
            env,
            workdir: self.workdir.map(Bytes::from),
            user: self.user,
            tty: self.tty,
            window: if self.tty { terminal::size() } else { None },
            attach,
            owned: !self.detach,
        };
        let mut executing = engine.exec_container(&id, &options)?;
        if self.detach {
            executing.detach()?;
            return Ok(0);
        }
        let streams = std::mem::take(&mut executing.streams);
        match session::carry(Arc::new(executing), streams, &manner, &signals)? {
            Ended::Detached => Ok(0),
            Ended::Exited(exit) => Ok(status(exit.code)),
        }
    }
}
