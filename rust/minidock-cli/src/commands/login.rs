//! `login`: a name and a password for a registry.

use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::Arc;

use clap::Args;
use minidock::registry::{Credentials, LoginOptions, Stored, registry_name};

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output;
use crate::signals::{Canceller, Signals};
use crate::terminal::Silent;

/// Log in to a registry
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock login                                      docker's registry
  minidock login -u me registry.example.org
  pass show registry | minidock login -u me --password-stdin registry.example.org

The log-in is kept where docker keeps its own, with a credential helper if one is set there.")]
pub(crate) struct Login {
    /// The user's name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// The registry [default: docker.io]
    #[arg(value_name = "REGISTRY", default_value = "", hide_default_value = true)]
    registry: String,
}

/// The longest password that is read.
const LONGEST: u64 = 64 << 10;

impl Login {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if self.password_stdin && self.username.is_none() {
            return Err(Failure::usage(
                "--password-stdin needs a user's name",
                "give it with -u NAME",
            ));
        }
        let signals = Signals::catch()?;
        let username = match &self.username {
            Some(username) => username.clone(),
            None => prompted("Username: ", false)?,
        };
        let password = match self.password_stdin {
            true => piped()?,
            false => prompted("Password: ", true)?,
        };
        if username.is_empty() || username.contains(':') || password.is_empty() {
            return Err(Failure::usage(
                "the user's name or the password is empty, or the name has a colon",
                "give both",
            ));
        }
        let options = LoginOptions {
            credentials: Credentials::Password { username, password },
            cancel: minidock::CancelToken::default(),
        };
        signals.hand_to(Arc::new(Canceller(options.cancel.clone())));
        match global.engine()?.log_in(&self.registry, &options)? {
            Stored::File(path) => output::warn(format!(
                "the password is kept unencrypted in {}; a credential helper keeps it better",
                path.display()
            )),
            Stored::Helper(name) => output::say(format!("kept by docker-credential-{name}")),
            _ => {}
        }
        output::say(format!("logged in to {}", registry_name(&self.registry)));
        output::line("Login Succeeded").map(|()| 0)
    }
}

/// The password of a pipe, without the line end.
fn piped() -> Result<String> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("cannot read the password", error))?;
    text(bytes)
}

/// An answer typed at the terminal.
fn prompted(question: &str, hidden: bool) -> Result<String> {
    if !io::stdin().is_terminal() {
        return Err(Failure::refused(
            "there is no terminal to ask at",
            "pipe the password in: minidock login -u NAME --password-stdin",
        ));
    }
    output::ask(question);
    let silent = if hidden { Some(Silent::enter()?) } else { None };
    let mut line = Vec::new();
    let read = io::stdin().lock().take(LONGEST).read_until(b'\n', &mut line);
    if silent.is_some() {
        output::say("");
    }
    drop(silent);
    read.map_err(|error| Failure::io("cannot read the answer", error))?;
    text(line)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    let mut text = String::from_utf8(bytes)
        .map_err(|_| Failure::refused("the answer is not UTF-8", "type it as text"))?;
    while text.ends_with(['\n', '\r']) {
        text.pop();
    }
    match text.contains(char::is_control) {
        true => Err(Failure::refused(
            "the answer holds control characters",
            "give one line, as echo or printf write it",
        )),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(text(b"pass word\r\n".to_vec()).unwrap(), "pass word");
        assert!(text(b"a\nb\n".to_vec()).is_err());
        assert!(text(vec![0xff]).is_err());
    }
}
