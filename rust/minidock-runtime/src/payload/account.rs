//! Who the program runs as, from the image's own files.

use std::os::fd::AsFd;

use minidock_proto::Bytes;
use minidock_proto::process::Process;
use minidock_proto::request::FailureKind;
use rustix::fs::{Mode, OFlags};

use crate::accounts::Accounts;
use crate::failure::{Context, Result, failure};

/// PATH where the image sets none (docker's default).
pub(crate) const DEFAULT_PATH: &str =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Ids of the program.
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    home: Bytes,
}

/// Resolves user and groups beneath the current root.
pub(crate) fn resolve(process: &Process) -> Result<Account> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/", flags, Mode::empty())
        .context(|| "open the root of the container".into())?;
    let accounts = Accounts::open(root.as_fd())?;
    let user = accounts.user(&process.user)?;
    let mut groups = vec![user.gid];
    let named =
        process.groups.iter().map(|name| accounts.group(name)).collect::<Result<Vec<_>>>()?;
    for group in user.groups.into_iter().chain(named) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(Account { uid: user.uid, gid: user.gid, groups, home: user.home })
}

/// The environment with what every program may expect: PATH, HOME and, on a terminal, TERM.
///
/// Entries without `=` are dropped: they would mean something else to other programs, and
/// nothing of the host's environment exists here that they could name.
pub(crate) fn environment(process: &Process, account: &Account) -> Vec<Bytes> {
    let mut environment: Vec<Bytes> = Vec::new();
    for entry in &process.env {
        let Some(equals) = entry.0.iter().position(|byte| *byte == b'=') else { continue };
        if equals == 0 {
            continue;
        }
        let name = &entry.0[..=equals];
        environment.retain(|earlier| !earlier.0.starts_with(name));
        environment.push(entry.clone());
    }
    let has =
        |environment: &[Bytes], name: &[u8]| environment.iter().any(|e| e.0.starts_with(name));
    if !has(&environment, b"PATH=") {
        environment.push(DEFAULT_PATH.into());
    }
    if !has(&environment, b"HOME=") {
        let mut home = b"HOME=".to_vec();
        home.extend(&account.home.0);
        environment.push(Bytes(home));
    }
    if process.terminal.is_some() && !has(&environment, b"TERM=") {
        environment.push("TERM=xterm".into());
    }
    environment
}

/// The text form of ids that a mapping does not have.
pub(crate) fn unmapped(what: &str, id: u32) -> minidock_proto::request::Failure {
    let mut failure = failure(
        FailureKind::HostUnsupported,
        format!("{what} {id} does not exist in the user namespace of this container"),
    );
    failure.hint = Some(
        "give the user a range of subordinate ids in /etc/subuid and /etc/subgid and install \
         newuidmap (package uidmap); `minidock doctor` shows the lines"
            .to_owned(),
    );
    failure
}
