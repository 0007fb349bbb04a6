//! `run` and `exec`, read without the words of all other commands: defining those takes longer
//! than reading a call, and these two are called again and again by scripts.
//!
//! Whatever is not simply right (an error, a help text) is left to the whole definition.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::cli::Global;
use crate::commands::{exec, run};
use crate::failure::Result;

#[derive(Debug, Parser)]
#[command(disable_version_flag = true, disable_help_flag = true, disable_help_subcommand = true)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Called,
}

#[derive(Debug, Subcommand)]
enum Called {
    Run(Box<run::Run>),
    Exec(exec::Exec),
}

/// A call of one of them.
#[derive(Debug)]
pub(crate) struct Hot(Line);

/// Reads the arguments; `None` leaves them to the whole definition.
pub(crate) fn read(arguments: &[OsString]) -> Option<Hot> {
    // Global options may come first.
    const WITHIN: usize = 6;
    let named = |word: &OsString| word == "run" || word == "exec";
    if !arguments.iter().take(WITHIN).any(named) {
        return None;
    }
    Line::try_parse_from(arguments).ok().map(Hot)
}

impl Hot {
    /// Does it; gives the exit status.
    pub(crate) fn run(self) -> Result<u8> {
        match self.0.command {
            Called::Run(it) => it.run(&self.0.global),
            Called::Exec(it) => it.run(&self.0.global),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Option<Hot> {
        read(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn only_plain_calls_are_read() {
        for (words, hot) in [
            (&["minidock", "run", "--rm", "busybox", "true"][..], true),
            (&["minidock", "--root", "/run", "exec", "-it", "web", "sh", "-c", "exit"], true),
            (&["minidock", "run", "busybox", "--help"], true),
            (&["minidock", "run", "--help"], false),
            (&["minidock", "run", "--no-such-flag", "busybox"], false),
            (&["minidock", "run"], false),
            (&["minidock", "rm", "run"], false),
            (&["minidock", "container", "run", "busybox"], false),
            (&["minidock", "--version", "run", "busybox"], false),
            (&["minidock", "ps"], false),
        ] {
            assert_eq!(read_words(words).is_some(), hot, "{words:?}");
        }
    }

    #[test]
    fn the_words_mean_the_same() {
        let words = ["minidock", "--root", "/r", "run", "-d", "--userns", "single", "image", "-x"];
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        let all = format!("{:?}", crate::cli::parsed(&arguments).unwrap());
        let hot = read(&arguments).unwrap();
        for part in [format!("{:?}", hot.0.global), format!("{:?}", hot.0.command)] {
            assert!(all.contains(&part), "{part} is not in {all}");
        }
    }
}
