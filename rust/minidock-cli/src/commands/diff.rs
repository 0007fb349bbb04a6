//! `diff`: what a container changed in its files.

use clap::Args;
use minidock::container::ChangeKind;

use crate::cli::Global;
use crate::failure::Result;
use crate::output;

/// Show what a container added (A), changed (C) and deleted (D) in its files
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The container, by name or id
    #[arg(value_name = "CONTAINER")]
    container: String,
}

impl Diff {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        let id = engine.find_container(&self.container)?;
        let mut lines = String::new();
        for change in engine.diff_container(&id)? {
            let letter = match change.kind {
                ChangeKind::Added => 'A',
                ChangeKind::Changed => 'C',
                ChangeKind::Deleted => 'D',
            };
            // One line each, whatever a name holds.
            let path = output::printable(&String::from_utf8_lossy(&change.path.0));
            lines.push_str(&format!("{letter} {path}\n"));
        }
        output::block(&lines).map(|()| 0)
    }
}
