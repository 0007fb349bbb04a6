//! `completion`: what a shell needs to complete our words.

use clap::Args;
use clap_complete::Shell;

use crate::cli;
use crate::failure::Result;
use crate::output;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock completion bash > ~/.local/share/bash-completion/completions/minidock
  minidock completion zsh > \"${fpath[1]}/_minidock\"")]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> Result<u8> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut cli::definition(), "minidock", &mut text);
        output::bytes(&text).map(|()| 0)
    }
}
