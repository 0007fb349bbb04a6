//! `logs`: what a container wrote, byte for byte.

use clap::Args;
use minidock::container::{LogLine, LogOptions, Stream};

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::{human, moment, output};

/// Show what a container wrote
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock logs web
  minidock logs -f --tail 10 web
  minidock logs -t --since 10m web 2>/dev/null")]
pub(crate) struct Logs {
    /// Go on with what comes, until the container ends
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines, or all
    #[arg(
        short = 'n',
        long,
        value_name = "LINES",
        default_value = "all",
        allow_hyphen_values = true
    )]
    tail: String,
    /// Show the time of each line
    #[arg(short, long)]
    timestamps: bool,
    /// Only from this time on: 10m, 2026-01-02T03:04:05, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only until this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The container, by name or id
    container: String,
}

impl Logs {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let options = LogOptions {
            follow: self.follow,
            tail: tail(&self.tail)?,
            since: self.since.as_deref().map(|t| moment::parse("--since", t)).transpose()?,
            until: self.until.as_deref().map(|t| moment::parse("--until", t)).transpose()?,
        };
        let engine = global.engine()?;
        let id = engine.find_container(&self.container)?;
        let mut starts = [true, true];
        for line in engine.container_logs(&id, options)? {
            self.print(&line?, &mut starts)?;
        }
        Ok(0)
    }

    /// Prints a piece to the stream it came from; a time stands at the start of a line alone.
    fn print(&self, line: &LogLine, starts: &mut [bool; 2]) -> Result<()> {
        let (start, print) = match line.stream {
            Stream::Stdout => (&mut starts[0], output::bytes as Print),
            Stream::Stderr => (&mut starts[1], output::error_bytes as Print),
        };
        let timed = self.timestamps && *start;
        *start = line.bytes.ends_with(b"\n");
        match timed {
            false => print(&line.bytes),
            true => {
                let mut bytes = human::rfc3339(line.time).into_bytes();
                bytes.push(b' ');
                bytes.extend_from_slice(&line.bytes);
                print(&bytes)
            }
        }
    }
}

/// Where bytes of a program go.
type Print = fn(&[u8]) -> Result<()>;

/// A number of lines; docker takes `all` and any negative number for all.
fn tail(text: &str) -> Result<Option<usize>> {
    if text == "all" {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(lines) => Ok(usize::try_from(lines).ok()),
        Err(_) => Err(Failure::usage(
            format!("--tail {text:?} is not a number of lines"),
            "write a number, or all",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails() {
        assert_eq!(tail("all").unwrap(), None);
        assert_eq!(tail("-1").unwrap(), None);
        assert_eq!(tail("0").unwrap(), Some(0));
        assert_eq!(tail("10").unwrap(), Some(10));
        assert!(tail("x").is_err());
    }
}
