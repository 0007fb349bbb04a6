//! Running another process in the container, with the namespaces and the lockdown of init.
//!
//! A fork of the supervisor enters init's namespaces by pidfd, forks once more for the pid
//! namespace and becomes the program through [`crate::payload`]. libcontainer has no part in it.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

use minidock_proto::control::Reply;
use minidock_proto::log::Stream;
use minidock_proto::process::Process;
use minidock_proto::request::{Failure, FailureKind, Network, Stdio};
use minidock_proto::{Channel, Descriptors};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork};
use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, Pid};
use serde::{Deserialize, Serialize};

use super::Supervisor;
use super::session::Session;
use super::start::null;
use super::tracked::{Mark, Tracked};
use crate::failure::{Context, Result, failure, protocol};
use crate::launch::program_started;
use crate::payload::Payload;
use crate::{hold, join};

/// The ends of the streams that the process itself gets.
struct Ends {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// What a client wants executed.
pub(super) struct Wanted {
    pub(super) process: Process,
    pub(super) stdio: Stdio,
    pub(super) owner: Option<OwnedFd>,
    pub(super) tracked: bool,
    pub(super) timeout: Option<u64>,
}

/// A process inside, as the first fork tells it.
#[derive(Serialize, Deserialize)]
struct Inside {
    pid: i32,
    mark: Option<Mark>,
}

impl Supervisor {
    /// Starts the process; the reply tells the client that it runs.
    pub(super) fn exec(
        &mut self,
        client: u64,
        wanted: Wanted,
        fds: &mut Descriptors,
    ) -> Result<Reply> {
        let Wanted { mut process, stdio, owner, tracked, timeout } = wanted;
        if self.ended.is_some() {
            return Err(failure(FailureKind::Conflict, "the container ended just now"));
        }
        // Nobody gets more than init: the filter is the container's, whatever was asked for.
        process.lockdown.seccomp.clone_from(&self.lockdown.seccomp);
        process.lockdown.capabilities &= self.lockdown.capabilities;
        process.lockdown.no_new_privileges |= self.lockdown.no_new_privileges;
        let words: Vec<_> =
            process.args.iter().map(|word| String::from_utf8_lossy(&word.0)).collect();
        let words = words.join(" ");
        self.execs += 1;
        let exec = format!("{:016x}{:016x}", self.started_at, self.execs);
        self.event(&format!("exec_create: {words}"), &[("execID", exec.clone())]);
        let mut session = Session::new(false);
        session.client = Some(client);
        session.owner = owner;
        let with_terminal = process.terminal.is_some();
        let ends = streams(&mut session, with_terminal, stdio, fds)?;
        let (pid, mark, report) = self.fork_into(process, ends, tracked)?;
        // One that failed to start ends by itself and is reaped like any orphan.
        let terminal = program_started(&report, with_terminal)?;
        session.started(pid, terminal)?;
        self.event(&format!("exec_start: {words}"), &[("execID", exec.clone())]);
        session.exec = Some(exec);
        session.tracked = mark.map(|mark| Tracked::new(mark, timeout));
        self.sessions.push(session);
        Ok(Reply::Started { pid: pid.as_raw_nonzero().get() })
    }

    /// Forks twice; answers with the pid, as seen from here, what tells its processes from
    /// others, and the program's channel.
    fn fork_into(
        &self,
        process: Process,
        ends: Ends,
        tracked: bool,
    ) -> Result<(Pid, Option<Mark>, Channel)> {
        let (report, payload_end) = Channel::pair().context(|| "make a socket pair".into())?;
        let (ours, theirs) = Channel::pair().context(|| "make a socket pair".into())?;
        let single = self.single;
        match process::fork(single).context(|| "fork".into())? {
            Fork::Parent(between) => {
                drop((payload_end, theirs, ends));
                let answer = ours.receive::<std::result::Result<Inside, Failure>>();
                hold::wait_for(between)?;
                let ended = || failure(FailureKind::Conflict, "the container ended just now");
                let (inside, _) = answer.map_err(protocol)?.ok_or_else(ended)?;
                let Inside { pid, mark } = inside?;
                Ok((Pid::from_raw(pid).ok_or_else(ended)?, mark, report))
            }
            Fork::Child => {
                drop((report, ours));
                let payload = Payload {
                    single,
                    process,
                    supervisor: Rc::new(payload_end),
                    first: false,
                    init: false,
                };
                let answer = self.enter_and_fork(&ends, payload, tracked);
                process::exit_now(u8::from(theirs.send(&answer, &[]).is_err()))
            }
        }
    }

    /// In the first fork: into the container; the second fork becomes the program.
    fn enter_and_fork(&self, ends: &Ends, payload: Payload, tracked: bool) -> Result<Inside> {
        let single = self.single;
        // The /proc of this namespace: the container's is not to be asked.
        let own = Path::new("/proc/self/ns");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let own = rustix::fs::open(own, flags, Mode::empty())
            .context(|| "open the own namespaces".into())?;
        // Invisible to a debugger inside from the moment it is in there until execve.
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .context(|| "hide from debuggers".into())?;
        let mut kinds =
            Kinds::MOUNT.and(Kinds::UTS).and(Kinds::IPC).and(Kinds::PID).and(Kinds::CGROUP);
        if !matches!(self.run.network, Network::Host) {
            kinds = kinds.and(Kinds::NET);
        }
        if self.run.nested {
            kinds = kinds.and(Kinds::USER);
        }
        namespace::enter(single, &self.init_pidfd, kinds)
            .context(|| "enter the container".into())?;
        if self.run.nested {
            join::become_root()?;
        }
        let mark = match tracked {
            true => {
                let what = || "tell the process from others".to_owned();
                namespace::unshare(single, Kinds::UTS).context(what)?;
                Some(Mark::of_own(&own).context(what)?)
            }
            false => None,
        };
        drop(own);
        match process::fork(single).context(|| "fork in the container".into())? {
            Fork::Parent(pid) => Ok(Inside { pid: pid.as_raw_nonzero().get(), mark }),
            Fork::Child => {
                if prepare(ends).is_ok() {
                    payload.become_program();
                }
                process::exit_now(125)
            }
        }
    }
}

fn prepare(ends: &Ends) -> Result<()> {
    let what = || "place the standard streams".to_owned();
    rustix::process::setsid().context(what)?;
    rustix::stdio::dup2_stdin(&ends.stdin).context(what)?;
    rustix::stdio::dup2_stdout(&ends.stdout).context(what)?;
    rustix::stdio::dup2_stderr(&ends.stderr).context(what)
}

fn streams(
    session: &mut Session,
    with_terminal: bool,
    stdio: Stdio,
    fds: &mut Descriptors,
) -> Result<Ends> {
    let mut take = |fd| fds.take_optional(fd).map_err(protocol);
    let (stdin, stdout, stderr) = (take(stdio.stdin)?, take(stdio.stdout)?, take(stdio.stderr)?);
    let null = || null().map(OwnedFd::from);
    if with_terminal {
        session.expect_terminal(stdin, stdout)?;
        return Ok(Ends { stdin: null()?, stdout: null()?, stderr: null()? });
    }
    let stdin = match stdin {
        Some(stdin) => session.input_pipe(Some(stdin), true)?,
        None => null()?,
    };
    Ok(Ends {
        stdin,
        stdout: session.output_pipe(Stream::Stdout, stdout)?,
        stderr: session.output_pipe(Stream::Stderr, stderr)?,
    })
}
