//! `run`: makes a container and runs it, carrying its streams.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use minidock::Engine;
use minidock::container::{Attach, RemoveOptions, StartOptions};
use minidock::store::{ContainerId, ContainerRecord};

use crate::cli::Global;
use crate::container_flags::ContainerFlags;
use crate::detach_keys::DetachKeys;
use crate::failure::{Failure, Result};
use crate::session::{self, Ended, Manner};
use crate::signals::Signals;
use crate::{host_groups, output, terminal};

/// Run a program in a new container
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    override_usage = "minidock run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    after_help = "\
Examples:
  minidock run --rm debian:bookworm cat /etc/os-release
  minidock run --rm -it -v .:/src -w /src debian:bookworm bash
  minidock run -d -p 8080:80 -e MODE=fast --name web my-server
  tar c . | minidock run --rm -i debian:bookworm tar t

The exit status is that of the program; 125 when minidock failed, 126 when the program cannot be
executed, 127 when it is not there. In a terminal, ctrl-p ctrl-q leaves the container running."
)]
pub(crate) struct Run {
    /// Leave it running in the background and print its id
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    session: SessionFlags,
    /// Attach to these alone
    #[arg(short, long, value_enum, value_name = "STREAM", conflicts_with = "detach")]
    attach: Vec<StreamName>,
    #[command(flatten)]
    container: ContainerFlags,
}

/// How the terminal and signals are treated.
#[derive(Debug, Args)]
pub(crate) struct SessionFlags {
    /// Keys that leave the container running [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// Hand signals on to the program
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", hide_default_value = true,
        hide_possible_values = true, action = clap::ArgAction::Set)]
    sig_proxy: bool,
}

impl SessionFlags {
    /// How a session with a program is carried.
    pub(crate) fn manner(&self, tty: bool) -> Result<Manner> {
        Ok(Manner {
            tty,
            detach_keys: detach_keys(self.detach_keys.as_deref())?,
            sig_proxy: self.sig_proxy,
        })
    }
}

/// The keys, docker's without any.
pub(crate) fn detach_keys(text: Option<&str>) -> Result<DetachKeys> {
    text.map_or_else(|| Ok(DetachKeys::default()), DetachKeys::parse)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StreamName {
    Stdin,
    Stdout,
    Stderr,
}

impl Run {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let mut options = self.container.options()?;
        let manner = self.session.manner(options.tty)?;
        if !self.detach {
            terminal::require_input_terminal(options.stdin_open, options.tty)?;
        }
        let signals = Signals::catch()?;
        let engine = global.engine()?;
        if let Some(reason) = engine.single_id_reason() {
            output::warn(format!("the container has a single id: {reason}"));
        }
        let groups = engine.kept_groups();
        if !groups.is_empty() {
            let groups = host_groups::named(&groups);
            output::warn(format!("with a single id your groups stay in force inside: {groups}"));
        }
        options.window = if options.tty { terminal::size() } else { None };
        let created = self.container.create(&engine, &options, &signals)?;
        let record = created.record.clone();
        let start = StartOptions {
            attach: if self.detach { Attach::default() } else { self.attached(options.tty) },
            owned: !self.detach,
            window: options.window,
        };
        let mut running = match engine.start_created(created, start) {
            Ok(running) => running,
            Err(error) => {
                self.clear_away(&engine, &record);
                return Err(error.into());
            }
        };
        if self.detach {
            running.detach()?;
            return output::line(record.id.as_str()).map(|()| 0);
        }
        let streams = std::mem::take(&mut running.streams);
        match session::carry(Arc::new(running), streams, &manner, &signals)? {
            Ended::Detached => Ok(0),
            Ended::Exited(exit) => {
                settle(&engine, &record.id)?;
                Ok(status(exit.code))
            }
        }
    }

    /// Which streams are carried: those of `-a`, else all, standard input with `-i` alone.
    fn attached(&self, tty: bool) -> Attach {
        let wanted = |name| self.attach.is_empty() || self.attach.contains(&name);
        Attach {
            stdin: self.container.interactive && wanted(StreamName::Stdin),
            stdout: wanted(StreamName::Stdout),
            stderr: !tty && wanted(StreamName::Stderr),
        }
    }

    /// A container that never ran is not what `--rm` should leave.
    fn clear_away(&self, engine: &Engine, record: &ContainerRecord) {
        if !self.container.rm {
            return;
        }
        let options = RemoveOptions { force: true, volumes: true };
        match engine.remove_container(&record.id, options).map_err(Failure::from) {
            Ok(()) => {}
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => output::warn(format!("it is left behind: {failure}")),
        }
    }
}

/// How long the supervisor of a container that ended may take to clear up.
const CLEARING: Duration = Duration::from_secs(10);

/// Waits until the supervisor of a container that ended is gone, so that the next command finds
/// it ended, or, after `--rm`, finds its name free.
pub(crate) fn settle(engine: &Engine, id: &ContainerId) -> Result<()> {
    let began = Instant::now();
    let mut pause = Duration::from_micros(100);
    while engine.store().is_alive(id)? {
        if began.elapsed() > CLEARING {
            output::warn(format!("the container {} is still being cleared up", id.short()));
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
    Ok(())
}

/// The exit status of a program as that of this process.
pub(crate) fn status(code: i32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}
