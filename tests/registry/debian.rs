//! Debian's docker-registry, run for one scenario on a free port of this machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

/// A running registry; it ends with the scenario.
pub(crate) struct Debian {
    child: Child,
    port: u16,
    _dir: TempDir,
}

/// How it lets people in and how it is reached.
#[derive(Default)]
pub(crate) struct Setup<'s> {
    /// Lines of an htpasswd file with bcrypt.
    pub(crate) htpasswd: Option<&'s str>,
    /// Certificate and key.
    pub(crate) tls: Option<(&'s Path, &'s Path)>,
}

impl Debian {
    pub(crate) fn new() -> Self {
        Self::with(&Setup::default())
    }

    pub(crate) fn with(setup: &Setup<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: '{}'}}\n\
             http:\n  addr: 127.0.0.1:0\n",
            at("data")
        );
        if let Some((certificate, key)) = setup.tls {
            let (certificate, key) = (certificate.display(), key.display());
            config += &format!("  tls: {{certificate: '{certificate}', key: '{key}'}}\n");
        }
        if let Some(lines) = setup.htpasswd {
            fs::write(at("htpasswd"), lines).unwrap();
            config += &format!("auth:\n  htpasswd: {{realm: test, path: '{}'}}\n", at("htpasswd"));
        }
        fs::write(at("config.yml"), config).unwrap();
        let mut child = Command::new("docker-registry")
            .args(["serve", &at("config.yml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let port = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("docker-registry does not listen: {said:#?}");
            };
            match port_of(&line) {
                Some(port) => break port,
                None => said.push(line),
            }
        };
        // A pipe that nobody reads would stop it.
        thread::spawn(move || lines.for_each(drop));
        Self { child, port, _dir: dir }
    }

    /// `localhost:PORT`.
    pub(crate) fn name(&self) -> String {
        format!("localhost:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

fn port_of(line: &str) -> Option<u16> {
    let rest = line.split_once("listening on 127.0.0.1:")?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

impl Drop for Debian {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
