//! `system check`: looks for damage in the store, and mends it.

use clap::Args;
use minidock::system::CheckOptions;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output;

/// Look for damage in what minidock keeps, and mend it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock system check
  minidock system check --repair
  minidock system check --full

Images, layers' indexes, blobs and containers are always looked at, blobs byte by byte. With --full
every file of every layer is read, too, and its length and content compared with the index.
It exits with 1 when something is damaged and not mended. What a killed command left behind is no
damage, and goes with --repair or the next prune.")]
pub(crate) struct Check {
    /// Mend what can be mended, one thing at a time
    #[arg(long)]
    repair: bool,
    /// Read every file of every layer, too
    #[arg(long)]
    full: bool,
}

impl Check {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let report =
            global.engine()?.check(CheckOptions { repair: self.repair, full: self.full })?;
        for finding in &report.findings {
            let kind = if finding.damage.is_leftover() { "leftover" } else { "damaged" };
            let then = match &finding.mended {
                Some(how) => format!("mended: {how}"),
                None => finding.remedy.clone(),
            };
            output::line(format!("{kind}: {} ({then})", finding.what))?;
        }
        if self.full {
            output::line(format!("read the files of {} layers", report.trees))?;
        }
        if report.unreadable_trees > 0 {
            let number = report.unreadable_trees;
            output::warn(format!("{number} layers' files are of ids that are not yours any more"));
        }
        output::line(format!(
            "checked {} images, {} layers, {} blobs, {} containers: {}",
            report.images,
            report.layers,
            report.blobs,
            report.containers,
            match (report.is_clean(), report.findings.is_empty()) {
                (true, true) => "all is well".to_owned(),
                (true, false) => "nothing is damaged".to_owned(),
                (false, _) => {
                    let damaged = report.findings.iter();
                    let open = damaged.filter(|f| !f.damage.is_leftover() && f.mended.is_none());
                    format!("{} damaged", open.count())
                }
            }
        ))?;
        if report.is_clean() { Ok(0) } else { Err(Failure::Told) }
    }
}
