//! The last steps before a program runs in a container: the same for init, exec and RUN.
//!
//! The caller is already in all namespaces, with its root at the container's root, as root with
//! every capability there. The order is fixed: terminal, account, limits, working directory,
//! bounding set, ids, no_new_privs, seccomp (while it may still be loaded without no_new_privs),
//! capabilities, execve.

mod account;
mod command;
mod init;
mod lockdown;

pub(crate) use init::shell_status;

use std::os::fd::OwnedFd;
use std::rc::Rc;

use minidock_proto::Channel;
use minidock_proto::process::Process;
use minidock_proto::request::Failure;
use minidock_sys::process::SingleThreaded;
use minidock_sys::signal;

use crate::failure::{Context, Result};
use crate::terminal;

/// A process to become.
#[derive(Clone)]
pub(crate) struct Payload {
    pub(crate) single: SingleThreaded,
    pub(crate) process: Process,
    /// The connection to the supervisor: a terminal goes over it, and a [`Failure`]; it closes
    /// when the program runs.
    pub(crate) supervisor: Rc<Channel>,
    /// The container's first process: gets /dev/console, and an init when asked for.
    pub(crate) first: bool,
    /// Run the program as a child of a small init.
    pub(crate) init: bool,
}

impl Payload {
    /// Becomes the program; returns only with the reason why not, told to the supervisor too.
    pub(crate) fn become_program(&self) -> Failure {
        let failure = match self.steps() {
            Ok(never) => match never {},
            Err(failure) => failure,
        };
        // Without a supervisor there is nobody to tell.
        drop(self.supervisor.send(&failure, &[]));
        failure
    }

    fn steps(&self) -> Result<std::convert::Infallible> {
        let process = &self.process;
        // The Rust runtime ignores SIGPIPE and the supervisor blocks SIGCHLD: a program
        // expects neither.
        signal::reset_dispositions(self.single);
        signal::set_mask(self.single, &[]).context(|| "unblock signals".into())?;
        let terminal = match process.terminal {
            Some(size) => Some(terminal::take(size, &self.supervisor)?),
            None => None,
        };
        if let (Some(terminal), true) = (&terminal, self.first) {
            terminal::bind_console(terminal)?;
        }
        let account = account::resolve(process)?;
        own_streams(&account, terminal.as_ref());
        let environment = account::environment(process, &account);
        lockdown::limits(&process.limits)?;
        lockdown::bounding_set(process.lockdown.capabilities)?;
        lockdown::ids(&account)?;
        command::enter_directory(process.cwd.as_path())?;
        if self.first && process.args.is_empty() {
            lockdown::finish(&process.lockdown, &account)?;
            return init::wait_for_the_end(self.single);
        }
        let command = command::resolve(&process.args, &environment, process.cwd.as_path())?;
        lockdown::finish(&process.lockdown, &account)?;
        if self.init {
            return init::run(self.single, &command, &environment);
        }
        command.execute(&environment)
    }
}

/// Gives terminal and pipes to the account, so that /dev/stdout can be opened (docker does so).
fn own_streams(account: &account::Account, terminal: Option<&OwnedFd>) {
    use rustix::fs::{Gid, Uid, fchown};
    let uid = Some(Uid::from_raw(account.uid));
    // A pipe of a client may refuse it; the open descriptor works all the same.
    if let Some(terminal) = terminal {
        fchown(terminal, uid, None).ok();
        return;
    }
    if account.uid == 0 {
        return;
    }
    let gid = Some(Gid::from_raw(account.gid));
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let is_pipe = rustix::fs::fstat(stream).is_ok_and(|stat| {
            rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Fifo
        });
        if is_pipe {
            fchown(stream, uid, gid).ok();
        }
    }
}
