//! Who runs what was built: never root. As root that is the user made by set-up; otherwise it is
//! the caller. The environment handed over is made afresh, so that nothing of the builder's
//! (its home, its toolchain, its session) reaches a test.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::call::Call;
use crate::error::Error;

/// The user of the suites.
pub(crate) const TEST_USER: &str = "minidock-test";
/// The user without a line in `/etc/subuid`.
pub(crate) const SINGLE_ID_USER: &str = "minidock-nosub";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How to reach the network from here is the host's knowledge, and is kept.
pub(crate) const PROXIES: &[&str] =
    &["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const AUTHORITIES: &[&str] =
    &["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT"];
/// Kept for a caller that is a user already: its systemd and its sockets.
const SESSION: &[&str] = &["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/// An ordinary user that runs what was built.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Login name.
    pub(crate) name: String,
    /// User id, never 0.
    pub(crate) uid: u32,
    /// Group id of the login group.
    pub(crate) gid: u32,
    home: PathBuf,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// The caller is root and changes to the account.
    Change,
    /// The caller is the account.
    Same,
    /// The caller is the account and gives up newuidmap by no_new_privs.
    SameWithoutPrivileges,
}

impl Account {
    /// Who runs the suites and the demo.
    pub(crate) fn tester() -> Result<Self, Error> {
        if caller_is_root() {
            Self::named(TEST_USER, How::Change)
        } else {
            Self::named(&caller().to_string(), How::Same)
        }
    }

    /// Who probes a host: the tester, or before set-up has made it, Debian's `nobody`.
    pub(crate) fn prober() -> Result<Self, Error> {
        match Self::tester() {
            Err(Error::NoAccount { .. }) => Self::named("nobody", How::Change),
            known => known,
        }
    }

    /// Who runs the single-id suite: a user without subordinate ids, or the caller without the
    /// privilege to use its own (newuidmap is setuid, no_new_privs takes that away).
    pub(crate) fn single_id() -> Result<Self, Error> {
        if caller_is_root() {
            Self::named(SINGLE_ID_USER, How::Change)
        } else {
            Self::named(&caller().to_string(), How::SameWithoutPrivileges)
        }
    }

    fn named(key: &str, how: How) -> Result<Self, Error> {
        let line = Call::new("getent").args(["passwd", key]).text();
        let line = line.map_err(|_absent| Error::NoAccount { name: key.to_owned() })?;
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        match fields.as_slice() {
            [name, _, uid, gid, _, home, ..] => {
                let number = |text: &str| {
                    text.parse().map_err(|_bad| Error::NoAccount { name: key.to_owned() })
                };
                Ok(Self {
                    name: (*name).to_owned(),
                    uid: number(uid)?,
                    gid: number(gid)?,
                    home: Path::new(home).to_owned(),
                    how,
                })
            }
            _ => Err(Error::NoAccount { name: key.to_owned() }),
        }
    }

    /// A command that runs `program` as this account in a clean environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match self.how {
            How::Same => Command::new(program),
            How::SameWithoutPrivileges => {
                let mut command = Command::new("setpriv");
                command.args(["--no-new-privs", "--"]).arg(program);
                command
            }
            How::Change => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &self.uid.to_string(), "--regid", &self.gid.to_string()]);
                command.args(["--init-groups", "--"]).arg(program);
                command
            }
        };
        command.env_clear().current_dir("/");
        command.env("PATH", PATH).env("HOME", &self.home).env("LANG", "C.UTF-8");
        command.env("USER", &self.name).env("LOGNAME", &self.name).env("SHELL", "/bin/sh");
        self.keep(&mut command, PROXIES);
        self.keep(&mut command, AUTHORITIES);
        if self.how != How::Change {
            self.keep(&mut command, SESSION);
        }
        command
    }

    fn keep(&self, command: &mut Command, names: &[&str]) {
        for name in names {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
    }
}

/// The caller's user id.
pub(crate) fn caller() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the caller may change users and install packages.
pub(crate) fn caller_is_root() -> bool {
    caller() == 0
}
