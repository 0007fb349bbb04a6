//! Credential helpers: docker's programs `docker-credential-NAME`, which take a verb and speak
//! over pipes. Their names are checked, what they say is bounded, and a silent one is ended.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::Credentials;
use crate::{RegistryError, Result};

/// How long a helper may take; it may ask its user to unlock something.
const LIMIT: Duration = Duration::from_secs(60);
/// Longest answer that is read.
const MAX_LEN: u64 = 64 << 10;
/// What helpers call the user of an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: String,
}

/// The log-in that a helper keeps, if it has one.
pub(super) fn get(name: &str, server: &str) -> Result<Option<Credentials>> {
    let said = call(name, "get", server.as_bytes(), LIMIT)?;
    if let Ok(Answer { username, secret }) = serde_json::from_slice(&said) {
        return Ok(Some(match username == TOKEN_USER {
            true => Credentials::IdentityToken { token: secret },
            false => Credentials::Password { username, password: secret },
        }));
    }
    // docker's helpers agree on this sentence (docker-credential-helpers, credentials/error.go).
    match String::from_utf8_lossy(&said).to_lowercase().contains("credentials not found") {
        true => Ok(None),
        false => Err(failed(name, "said nothing that is understood".to_owned())),
    }
}

/// Hands a log-in to a helper.
pub(super) fn store(name: &str, server: &str, credentials: &Credentials) -> Result<()> {
    let (username, secret) = match credentials {
        Credentials::Password { username, password } => (username.as_str(), password),
        Credentials::IdentityToken { token } => (TOKEN_USER, token),
    };
    let request = json!({ "ServerURL": server, "Username": username, "Secret": secret });
    call(name, "store", request.to_string().as_bytes(), LIMIT)?;
    // Its exit status may be unknowable (SIGCHLD ignored): asking again is what proves it.
    match get(name, server)?.as_ref() == Some(credentials) {
        true => Ok(()),
        false => Err(failed(name, "did not keep the password".to_owned())),
    }
}

/// Makes a helper forget a log-in.
pub(super) fn erase(name: &str, server: &str) -> Result<()> {
    call(name, "erase", server.as_bytes(), LIMIT)?;
    match get(name, server)? {
        None => Ok(()),
        Some(_) => Err(failed(name, "did not forget the password".to_owned())),
    }
}

/// A helper's name becomes part of a program's name: it must be a plain word.
pub(super) fn check_name(name: &str) -> Result<()> {
    let good = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    match good {
        true => Ok(()),
        false => Err(RegistryError::Helper {
            name: format!("{:?}", crate::error::said(name)),
            problem: "is refused: a name has letters a to z, digits and - only".to_owned(),
        }),
    }
}

fn call(name: &str, verb: &str, input: &[u8], limit: Duration) -> Result<Vec<u8>> {
    let program = format!("docker-credential-{name}");
    let mut child = Command::new(&program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(name, format!("cannot be started: {error}")))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let input = input.to_vec();
    let (sender, answers) = mpsc::channel();
    std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // One that does not read says so by its answer.
            drop(stdin.write_all(&input));
        }
    });
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_LEN + 1).read_to_end(&mut said));
        // Whoever stopped waiting has said why.
        drop(sender.send(read.transpose().map(|_| said)));
    });
    let said = answers.recv_timeout(limit);
    if said.is_err() {
        // It may have ended this moment.
        drop(child.kill());
    }
    // Where SIGCHLD is ignored there is nothing to reap, and nothing is lost.
    drop(child.wait());
    let said = match said {
        Ok(said) => said.map_err(|error| failed(name, format!("cannot be read: {error}")))?,
        Err(_) => return Err(failed(name, format!("did not answer within {limit:?}"))),
    };
    match said.len() as u64 > MAX_LEN {
        true => Err(failed(name, "says more than 64 KiB".to_owned())),
        false => Ok(said),
    }
}

fn failed(name: &str, problem: String) -> RegistryError {
    RegistryError::Helper { name: format!("docker-credential-{name}"), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row G9: names that would leave the directories of programs.
    #[test]
    fn names() {
        for good in ["pass", "ecr-login", "secretservice", "gcr2"] {
            check_name(good).unwrap();
        }
        for bad in ["", "../x", "a/b", "A", "a b", "a\n", ".", &"a".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_that_is_not_there_is_named() {
        let error = get("of-nobody-at-all", "x").unwrap_err().to_string();
        assert!(error.contains("docker-credential-of-nobody-at-all cannot be started"), "{error}");
    }
}
