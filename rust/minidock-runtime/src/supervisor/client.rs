//! A connection on the control socket and what it asks (`minidock_proto::control`).

use std::time::{Duration, Instant};

use minidock_proto::control::{Call, Reply, Status};
use minidock_proto::record::Exit;
use minidock_proto::request::{Failure, FailureKind, Stdio};
use minidock_proto::{Channel, ChannelError, Descriptors, Fd, SPAWN_VERSION};
use minidock_sys::signal;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::exec::Wanted;
use super::start::{borrowed, reply};
use super::{STARTER, Supervisor};
use crate::failure::{Result, failure, protocol};

/// A client that stops in the middle of a message must not stop the container.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Client {
    pub(super) id: u64,
    pub(super) channel: Channel,
    /// Its streams are those of init.
    pub(super) attached: bool,
    /// It is told when the container ends.
    pub(super) waiting: bool,
}

impl Client {
    pub(super) fn new(id: u64, channel: Channel) -> Self {
        for timeout in [Timeout::Recv, Timeout::Send] {
            // Refused only for sockets that have none, which a Unix socket is not.
            set_socket_timeout(&channel, timeout, Some(PATIENCE)).ok();
        }
        Self { id, channel, attached: false, waiting: false }
    }
}

impl Supervisor {
    /// Reads one call of a client and serves it.
    pub(super) fn serve_client(&mut self, id: u64) {
        let Some(place) = self.clients.iter().position(|client| client.id == id) else { return };
        let message = self.clients[place].channel.receive::<Call>();
        let answer = match message {
            Ok(Some((call, fds))) => self.call(id, call, Descriptors::from(fds)),
            Ok(None) => return self.forget_client(id),
            Err(ChannelError::Malformed(_)) => Ok(Some(Reply::Unknown)),
            Err(_) => return self.forget_client(id),
        };
        let answer = match answer {
            Ok(None) => return,
            Ok(Some(answer)) => answer,
            Err(failure) => Reply::Failed(failure),
        };
        self.tell(id, &answer);
    }

    pub(super) fn tell(&mut self, id: u64, answer: &Reply) {
        let Some(client) = self.clients.iter().find(|client| client.id == id) else { return };
        let fds = match answer {
            Reply::UserNamespace { .. } => vec![borrowed(&self.userns)],
            _ => Vec::new(),
        };
        if !reply(&client.channel, answer, &fds) {
            self.forget_client(id);
        }
    }

    /// A connection that closed: what it executed goes on until its owner or end.
    pub(super) fn forget_client(&mut self, id: u64) {
        self.clients.retain(|client| client.id != id);
        self.stop_copying(id);
        for session in &mut self.sessions {
            if session.client == Some(id) {
                session.client = None;
            }
        }
    }

    fn call(&mut self, id: u64, call: Call, mut fds: Descriptors) -> Result<Option<Reply>> {
        match call {
            Call::Status => Ok(Some(Reply::Status(self.status()))),
            Call::Kill { signal } => self.signal_init(signal).map(|()| Some(Reply::Ok)),
            Call::Stop { signal, grace } => self.stop(id, signal, grace).map(|()| Some(Reply::Ok)),
            Call::Wait => {
                self.mark(id, |client| client.waiting = true);
                Ok(None)
            }
            Call::Attach { stdio } => self.attach(id, stdio, &mut fds).map(|()| Some(Reply::Ok)),
            Call::Exec { process, stdio, owner, tracked, timeout } => {
                let owner = fds.take_optional(owner).map_err(protocol)?;
                let wanted = Wanted { process: *process, stdio, owner, tracked, timeout };
                self.exec(id, wanted, &mut fds).map(Some)
            }
            Call::EndAll => self.end_all(id).map(|()| None),
            Call::Resize { size } => {
                self.session_of(id)?.resize(size)?;
                Ok(None)
            }
            Call::Detach => {
                self.detach(id);
                Ok(Some(Reply::Ok))
            }
            Call::Signal { signal } => {
                let session = self.session_of(id)?;
                let pid = session.pid.ok_or_else(not_running)?;
                signal::kill(pid, signal).map_err(|error| refused(signal, &error))?;
                Ok(None)
            }
            Call::Archive { task } => self.archive(id, task, &mut fds).map(|()| None),
            Call::UserNamespace => Ok(Some(Reply::UserNamespace { userns: Fd(0) })),
            Call::Unknown => Ok(Some(Reply::Unknown)),
        }
    }

    fn status(&self) -> Status {
        Status {
            started_at: self.started_at,
            executing: self.sessions.iter().filter(|s| !s.first && s.ended.is_none()).count()
                as u32,
            version: SPAWN_VERSION,
        }
    }

    fn mark(&mut self, id: u64, change: impl FnOnce(&mut Client)) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            change(client);
        }
    }

    pub(super) fn signal_init(&self, number: i32) -> Result<()> {
        signal::kill(self.init, number).map_err(|error| refused(number, &error))?;
        // 0 only asks whether it could.
        if number != 0 {
            self.event("kill", &[("signal", number.to_string())]);
        }
        Ok(())
    }

    fn stop(&mut self, id: u64, number: Option<i32>, grace: u64) -> Result<()> {
        self.signal_init(number.unwrap_or(self.run.stop_signal))?;
        let at = Instant::now().checked_add(Duration::from_millis(grace));
        // The most impatient of several stops counts.
        self.kill_at = match (self.kill_at, at) {
            (Some(earlier), Some(at)) => Some(earlier.min(at)),
            (earlier, at) => at.or(earlier),
        };
        self.mark(id, |client| client.waiting = true);
        Ok(())
    }

    fn attach(&mut self, id: u64, stdio: Stdio, fds: &mut Descriptors) -> Result<()> {
        let mut take = |fd| fds.take_optional(fd).map_err(protocol);
        let (stdin, stdout, stderr) =
            (take(stdio.stdin)?, take(stdio.stdout)?, take(stdio.stderr)?);
        let init =
            self.sessions.iter_mut().find(|session| session.first).ok_or_else(not_running)?;
        init.attach(stdin, stdout, stderr)?;
        self.mark(id, |client| {
            client.attached = true;
            client.waiting = true;
        });
        Ok(())
    }

    /// The process whose streams this client has: what it executed, else init if attached.
    fn session_of(&mut self, id: u64) -> Result<&mut super::session::Session> {
        let attached = self.clients.iter().any(|client| client.id == id && client.attached);
        self.sessions
            .iter_mut()
            .find(|session| session.client == Some(id) || (session.first && attached))
            .ok_or_else(not_running)
    }

    fn detach(&mut self, id: u64) {
        let owns = id == STARTER;
        if let Ok(session) = self.session_of(id) {
            session.detach();
            session.client = None;
        }
        if owns {
            self.owner = None;
        }
        self.mark(id, |client| {
            client.attached = false;
            client.waiting = false;
        });
    }

    /// Tells the client that executed a process how it ended.
    pub(super) fn tell_ended(&mut self, client: u64, exit: Exit) {
        self.tell(client, &Reply::Exited(exit));
    }
}

pub(super) fn not_running() -> Failure {
    failure(FailureKind::Conflict, "the process does not run any more")
}

fn refused(number: i32, error: &std::io::Error) -> Failure {
    failure(FailureKind::Conflict, format!("cannot send signal {number}: {error}"))
}
