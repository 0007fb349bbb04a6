//! `create`: makes a container that `start` will run.

use clap::Args;

use crate::cli::Global;
use crate::container_flags::ContainerFlags;
use crate::failure::Result;
use crate::output;
use crate::signals::Signals;

/// Make a container without starting it
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    override_usage = "minidock create [OPTIONS] IMAGE [COMMAND] [ARG...]",
    after_help = "\
Examples:
  minidock create --name job debian:bookworm sleep 60
  minidock start -a job"
)]
pub(crate) struct Create {
    #[command(flatten)]
    container: ContainerFlags,
}

impl Create {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let options = self.container.options()?;
        let signals = Signals::catch()?;
        let record = self.container.create(&global.engine()?, &options, &signals)?.record;
        output::line(record.id.as_str()).map(|()| 0)
    }
}
