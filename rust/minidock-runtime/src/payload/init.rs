//! `--init`: a first process that starts the program, hands signals on and reaps orphans.
//!
//! It is this binary, which the container cannot write (see [`crate::executable`]), with the
//! same lockdown as the program itself.

use std::convert::Infallible;
use std::os::fd::AsFd;

use minidock_proto::Bytes;
use minidock_sys::process::{self, Fork, SingleThreaded};
use minidock_sys::signal;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, WaitOptions, WaitStatus};

use super::command::Command;
use crate::failure::{Context, Result};

/// Signals that ask a program to end: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
const ENDING: [i32; 4] = [1, 2, 3, signal::TERM];

/// Starts the program as a child and ends with its status; returns only with an error of the
/// start, in the child or here.
pub(crate) fn run(
    single: SingleThreaded,
    command: &Command,
    environment: &[Bytes],
) -> Result<Infallible> {
    let all: Vec<i32> = (1..=signal::LAST).collect();
    let signals = signal::signal_fd(single, &all).context(|| "prepare the init".into())?;
    match process::fork(single).context(|| "start the program".into())? {
        Fork::Child => {
            signal::set_mask(single, &[]).context(|| "unblock signals".into())?;
            command.execute(environment)
        }
        Fork::Parent(child) => {
            // The connection to the supervisor has to be the child's alone.
            if process::close_all_except(&[signals.as_fd()]).is_err() {
                process::exit_now(125)
            }
            // What `ps` shows; without a name it works as well.
            rustix::thread::set_name(c"minidock-init").ok();
            process::exit_now(supervise(child, &signals))
        }
    }
}

/// Is the first process without being a program: reaps until a signal asks it to end.
pub(crate) fn wait_for_the_end(single: SingleThreaded) -> Result<Infallible> {
    let all: Vec<i32> = (1..=signal::LAST).collect();
    let signals = signal::signal_fd(single, &all).context(|| "prepare the init".into())?;
    // This also tells the supervisor that it runs.
    if process::close_all_except(&[signals.as_fd()]).is_err() {
        process::exit_now(125)
    }
    // What `ps` shows; without a name it works as well.
    rustix::thread::set_name(c"minidock-init").ok();
    loop {
        let mut fds = [PollFd::new(&signals, PollFlags::IN)];
        if rustix::event::poll(&mut fds, None).is_err() {
            continue;
        }
        while let Some(number) = signal::next(&signals) {
            match number {
                signal::CHILD => drop(reap(None)),
                _ if ENDING.contains(&number) => process::exit_now(0),
                _ => {}
            }
        }
    }
}

fn supervise(child: Pid, signals: &std::os::fd::OwnedFd) -> u8 {
    loop {
        let mut fds = [PollFd::new(signals, PollFlags::IN)];
        if rustix::event::poll(&mut fds, None).is_err() {
            continue;
        }
        while let Some(number) = signal::next(signals) {
            if number == signal::CHILD {
                if let Some(status) = reap(Some(child)) {
                    return status;
                }
            } else if signal::kill(child, number).is_err() {
                // It ended just now; the next SIGCHLD says how.
            }
        }
    }
}

/// Takes all ended children; the status of ours when it is among them.
fn reap(child: Option<Pid>) -> Option<u8> {
    let mut ours = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if Some(pid) == child {
            ours = Some(shell_status(status));
        }
    }
    ours
}

/// A status as a shell shows it.
pub(crate) fn shell_status(status: WaitStatus) -> u8 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code as u8,
        (None, Some(number)) => 128_u8.saturating_add(number as u8),
        (None, None) => 125,
    }
}
