//! Runs a program to its end and turns a bad end into an error that shows the whole call.
//! For long output with a time limit see [`crate::stream`].

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::error::Error;

/// A program call that can be shown as a user would type it.
pub(crate) struct Call {
    command: Command,
}

impl Call {
    /// A call of `program`, with the caller's environment.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program) }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds several arguments.
    pub(crate) fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// Sets a variable for the program.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Hides a variable from the program.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in this directory.
    pub(crate) fn dir(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Runs with the terminal; any status but 0 is an error.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        let status = self.command.stdin(Stdio::null()).status();
        let status = status.map_err(|source| self.start_error(source))?;
        if status.success() { Ok(()) } else { Err(self.failed(status, "")) }
    }

    /// Runs and hands back what it printed on stdout; any status but 0 is an error.
    pub(crate) fn text(self) -> Result<String, Error> {
        let (call, output) = self.output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(call.failed(output.status, &String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Runs and hands back stdout whatever the status, with stderr shown as it comes.
    pub(crate) fn answer(mut self) -> Result<(bool, Vec<u8>), Error> {
        let output = self.command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.map_err(|source| self.start_error(source))?;
        Ok((output.status.success(), output.stdout))
    }

    fn output(mut self) -> Result<(Self, Output), Error> {
        let output = self.command.stdin(Stdio::null()).output();
        let output = output.map_err(|source| self.start_error(source))?;
        Ok((self, output))
    }

    fn start_error(&self, source: std::io::Error) -> Error {
        Error::Start { program: self.command.get_program().to_string_lossy().into_owned(), source }
    }

    fn failed(&self, status: ExitStatus, stderr: &str) -> Error {
        Error::Failed {
            call: shown(&self.command),
            status: status.to_string(),
            stderr: stderr.to_owned(),
        }
    }
}

/// The call as a user would type it, without its environment.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = quoted(command.get_program());
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&quoted(argument));
    }
    line
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'a b'", "", "x=1"]);
        assert_eq!(shown(&command), r"sh -c 'echo '\''a b'\''' '' x=1");
    }

    #[test]
    fn a_bad_end_names_the_call_and_what_it_said() {
        let error = Call::new("sh").args(["-c", "echo no >&2; exit 3"]).text().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c 'echo no >&2; exit 3'` ended with exit status: 3: no"
        );
    }
}
