//! fork and exec of a network helper, with a listener on how it gets its tap.
//!
//! Must not wait for it and knows nothing of options.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::request::{Failure, FailureKind, Helper};
use minidock_proto::{Channel, Descriptors, Fd};
use minidock_sys::process::{self, SingleThreaded};
use minidock_sys::seccomp::{self, Arch, LoadFlags, Program};
use minidock_sys::signal;
use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

use super::super::guard;
use super::names;
use crate::failure::{Context, Result, failure, failure_with_hint, kind_of, protocol};

/// A helper just started.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    /// Non-blocking.
    pub(super) stderr: OwnedFd,
    /// Where its `TUNSETIFF` waits.
    pub(super) listener: OwnedFd,
}

/// What the child tells before it becomes the helper.
#[derive(Debug, Serialize, Deserialize)]
enum Report {
    Listener(Fd),
    Failed { step: String, errno: i32 },
}

/// Starts the program; returns when it is executed.
pub(super) fn launch(
    proof: SingleThreaded,
    helper: &Helper,
    arguments: &[String],
) -> Result<Launched> {
    let command = Command::new(helper, arguments)?;
    let (stderr, their_stderr) =
        rustix::pipe::pipe_with(PipeFlags::CLOEXEC).context(|| "make a pipe".to_owned())?;
    rustix::io::ioctl_fionbio(&stderr, true).context(|| "prepare a pipe".to_owned())?;
    let (channel, theirs) = Channel::pair().context(|| "make a pair of sockets".to_owned())?;
    let pid = process::spawn(proof, || {
        if let Err((step, error)) = become_helper(proof, &command, &theirs, &their_stderr) {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            // Nobody to tell when the parent is gone.
            drop(theirs.send(&Report::Failed { step: step.to_owned(), errno }, &[]));
        }
        127
    })
    .context(|| "fork for the network helper".to_owned())?;
    drop((theirs, their_stderr));
    // Our child, not waited for: the pid cannot be another's.
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())
        .context(|| "open the network helper's pidfd".to_owned());
    let started = pidfd.and_then(|pidfd| Ok((pidfd, started(&channel, helper)?)));
    match started {
        Ok((pidfd, listener)) => Ok(Launched { pid, pidfd, stderr, listener }),
        Err(failure) => {
            // Both can only say that it ended already.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            Err(failure)
        }
    }
}

/// The listener, once the end of the channel says that the program was executed.
fn started(channel: &Channel, helper: &Helper) -> Result<OwnedFd> {
    let mut listener = None;
    while let Some((report, fds)) = channel.receive::<Report>().map_err(protocol)? {
        match report {
            Report::Listener(fd) => {
                listener = Some(Descriptors::from(fds).take(fd).map_err(protocol)?);
            }
            Report::Failed { step, errno } => return Err(not_started(helper, &step, errno)),
        }
    }
    listener.ok_or_else(|| failure(FailureKind::System, "the network helper's process ended early"))
}

fn not_started(helper: &Helper, step: &str, errno: i32) -> Failure {
    let (name, package) = names(helper.kind);
    let error = io::Error::from_raw_os_error(errno);
    let program = helper.program.as_path().display();
    let message = format!("cannot start the network helper {name} ({program}): {step}: {error}");
    failure_with_hint(kind_of(&error), message, format!("install it: apt install {package}"))
}

struct Command {
    path: CString,
    argv: Vec<CString>,
    filter: Program,
}

impl Command {
    fn new(helper: &Helper, arguments: &[String]) -> Result<Self> {
        let (name, _) = names(helper.kind);
        let program = helper.program.as_path();
        let invalid = |what: &str| {
            let message = format!("the path of {name}, {}, {what}", program.display());
            failure(FailureKind::InvalidInput, message)
        };
        if !program.is_absolute() {
            return Err(invalid("is not absolute"));
        }
        let path = CString::new(helper.program.as_ref()).map_err(|_| invalid("has a NUL byte"))?;
        let mut argv = vec![path.clone()];
        for argument in arguments {
            argv.push(CString::new(argument.as_str()).map_err(|_| invalid("has a NUL byte"))?);
        }
        let filter = Arch::native().map(guard::calls).and_then(std::result::Result::ok);
        let filter = filter.ok_or_else(|| {
            failure(FailureKind::HostUnsupported, "no private network on this architecture")
        })?;
        Ok(Self { path, argv, filter })
    }
}

type Step<T> = std::result::Result<T, (&'static str, io::Error)>;

fn step<T>(what: &'static str, result: std::result::Result<T, impl Into<io::Error>>) -> Step<T> {
    result.map_err(|error| (what, error.into()))
}

/// Runs in the child; returns only with what failed.
fn become_helper(
    proof: SingleThreaded,
    command: &Command,
    channel: &Channel,
    stderr: &OwnedFd,
) -> Step<()> {
    step("dup", rustix::stdio::dup2_stderr(stderr))?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    let null = step("open /dev/null", null)?;
    step("dup", rustix::stdio::dup2_stdin(&null))?;
    step("dup", rustix::stdio::dup2_stdout(&null))?;
    drop(null);
    step("close descriptors", process::close_all_except(&[channel.as_fd()]))?;
    step("chdir", rustix::process::chdir("/"))?;
    signal::reset_dispositions(proof);
    step("unblock signals", signal::set_mask(proof, &[]))?;
    // No reliance on it: the kernel forgets it when the helper changes its ids.
    step("prctl", rustix::process::set_parent_process_death_signal(Some(Signal::KILL)))?;
    step("set no_new_privs", rustix::thread::set_no_new_privs(true))?;
    let flags = LoadFlags { listener: true, ..LoadFlags::default() };
    let listener = seccomp::load(&command.filter, flags).map_err(|error| {
        let source = match error {
            seccomp::LoadError::Refused { source } => source,
            other => io::Error::other(other),
        };
        ("load a seccomp filter with a listener", source)
    })?;
    let listener = step("load a seccomp filter", listener.ok_or(io::ErrorKind::Unsupported))?;
    let sent = channel.send(&Report::Listener(Fd(0)), &[listener.as_fd()]);
    sent.map_err(|error| ("tell the keeper", io::Error::other(error)))?;
    match process::execve(&command.path, &command.argv, &[]) {
        Ok(never) => match never {},
        Err(error) => Err(("execve", error)),
    }
}
