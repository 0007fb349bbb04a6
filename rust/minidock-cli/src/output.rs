//! The only place that prints: data to standard output, talk to standard error.
//!
//! Names and labels come from strangers: on a terminal their control characters are escaped. The
//! output of programs goes elsewhere, byte for byte (`session.rs`, [`bytes`]).

mod build_progress;
mod byte_progress;
mod transfer_progress;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::failure::{Failure, Result};

pub(crate) use build_progress::{BuildProgress, ProgressKind};
pub(crate) use byte_progress::ByteProgress;
pub(crate) use transfer_progress::{TransferProgress, Way};

/// One line of data.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    block(&format!("{}\n", text.as_ref()))
}

/// Lines of data, each with its end.
pub(crate) fn block(text: &str) -> Result<()> {
    let stdout = io::stdout();
    match stdout.is_terminal() {
        true => bytes(escaped(text).as_bytes()),
        false => bytes(text.as_bytes()),
    }
}

/// Data as it is.
pub(crate) fn bytes(data: &[u8]) -> Result<()> {
    write_all(io::stdout(), data).map_err(Failure::output)
}

/// Data of a program's standard error.
pub(crate) fn error_bytes(data: &[u8]) -> Result<()> {
    write_all(io::stderr(), data).map_err(Failure::output)
}

/// Writes a piece as one, without the buffer of lines that the standard library puts between.
fn write_all(to: impl AsFd, mut data: &[u8]) -> rustix::io::Result<()> {
    while !data.is_empty() {
        match rustix::io::write(&to, data) {
            Ok(written) => data = &data[written..],
            Err(Errno::INTR) => {}
            // Whoever shares the descriptor made it non-blocking.
            Err(Errno::AGAIN) => {
                rustix::event::poll(&mut [PollFd::new(&to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Standard output for whoever needs something to write to.
pub(crate) struct DataWriter;

impl Write for DataWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        write_all(io::stdout(), data)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// One line of talk.
pub(crate) fn say(text: impl AsRef<str>) {
    talk(&format!("{}\n", shown(text.as_ref())));
}

/// Something the user should know of.
pub(crate) fn warn(text: impl AsRef<str>) {
    talk(&format!("{} {}\n", painted("warning:", "33"), shown(text.as_ref())));
}

/// A failure, in one line, and what to do about it in another.
pub(crate) fn failure(failure: &Failure) {
    if matches!(failure, Failure::BrokenPipe | Failure::Told) {
        return;
    }
    let mut text = format!("{} {}\n", painted("minidock:", "31"), printable(&failure.to_string()));
    if let Some(hint) = failure.hint() {
        text.push_str(&format!("{} {}\n", painted("hint:", "36"), printable(hint)));
    }
    talk(&text);
}

/// Talk that nobody hears is no failure.
fn talk(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// A question whose answer is typed on the same line.
pub(crate) fn ask(question: &str) {
    talk(question);
}

/// A question; the answer is a line of standard input. Without one it is no.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    talk(&format!("{question}\nAre you sure you want to continue? [y/N] "));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::io("cannot read the answer", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn painted(text: &str, colour: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match io::stderr().is_terminal() && !plain {
        true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

fn shown(text: &str) -> String {
    match io::stderr().is_terminal() {
        true => escaped(text),
        false => text.to_owned(),
    }
}

/// Escapes control characters except for line ends and tabs.
fn escaped(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// One line: escapes all control characters.
pub(crate) fn printable(text: &str) -> String {
    escape(text, |_| false)
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_dangerous(c) && !stays(c) {
            // Writing to a String cannot fail.
            true => drop(write!(out, "{}", c.escape_default())),
            false => out.push(c),
        }
    }
    out
}

/// Control characters, and those that turn the direction of what follows (Unicode, UAX 9).
fn is_dangerous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escaped("a\u{1b}]52;c;x\u{7}\tb\n"), "a\\u{1b}]52;c;x\\u{7}\tb\n");
        assert_eq!(printable("a\nb\u{202e}c\rd"), "a\\nb\\u{202e}c\\rd");
        assert_eq!(printable("ünïcode ✓"), "ünïcode ✓");
    }
}
