//! `doctor`: what this host lacks, and how to get it.

use clap::Args;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output;

/// Say what this host lacks, and how to get it
#[derive(Debug, Args)]
#[command(after_help = "\
It exits with 1 when containers cannot run here.")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let checks = global.engine()?.doctor()?;
        for check in &checks {
            let mark = match (check.ok, check.required) {
                (true, _) => "ok     ",
                (false, true) => "FAILED ",
                (false, false) => "lacking",
            };
            output::line(format!("{mark} {}: {}", check.name, check.found))?;
            if let Some(fix) = &check.fix {
                for line in fix.lines() {
                    output::line(format!("        {line}"))?;
                }
            }
        }
        let runs = checks.iter().all(|check| check.ok || !check.required);
        match runs {
            true => Ok(0),
            false => Err(Failure::refused(
                "containers cannot run on this host as it is",
                "each line above that says FAILED has its remedy below it",
            )),
        }
    }
}
