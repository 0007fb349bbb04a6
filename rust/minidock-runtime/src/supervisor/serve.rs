//! The event loop.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use minidock_proto::Channel;
use minidock_sys::{memory, peer, signal};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use rustix::process::WaitOptions;

use super::client::Client;
use super::{Supervisor, pump};
use crate::failure::{Context, Result};
use crate::payload::shell_status;

/// Whose event it is.
#[derive(Clone, Copy)]
enum Token {
    Signals,
    Listener,
    Owner,
    Client(u64),
    SessionOwner(usize),
    InputSource(usize),
    InputSink(usize),
    OutputSource(usize, usize),
    OutputSink(usize, usize, usize),
    Dying,
}

/// Whether all that is not needed while nothing happens was given back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Idle {
    No,
    Yes,
}

/// How long nothing may happen until then.
const IDLE_AFTER: Duration = Duration::from_millis(250);

impl Supervisor {
    /// Serves until init ended and its output is handed on; answers with its exit status.
    pub(super) fn serve(&mut self) -> Result<i32> {
        let mut buffer = pump::buffer();
        let mut idle = Idle::No;
        loop {
            let tokens = self.wait(&mut idle)?;
            for token in tokens {
                match token {
                    Token::Signals => self.reap(),
                    Token::Listener => self.accept(),
                    Token::Owner => self.owner_ended(),
                    Token::Client(id) => self.serve_client(id),
                    _ => self.pump(token, &mut buffer),
                }
            }
            self.check_stop();
            self.check_tracked()?;
            self.finish_sessions(&mut buffer);
            if let Some(code) = self.ended
                && self.sessions.iter().all(|session| !session.first)
            {
                return Ok(code);
            }
        }
    }

    fn wait(&self, idle: &mut Idle) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut fds = Vec::new();
        self.interests(&mut |token, fd, flags| {
            tokens.push(token);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        });
        let moments = self.sessions.iter().filter_map(|session| session.next_moment());
        let next = moments.chain(self.kill_at).min();
        let left = next.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.or((*idle == Idle::No).then_some(IDLE_AFTER));
        let timeout = left.map(|left| Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(0) if *idle == Idle::No => {
                memory::give_back();
                *idle = Idle::Yes;
                return Ok(Vec::new());
            }
            Ok(_) => *idle = Idle::No,
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error).context(|| "wait for events".into()),
        }
        let happened = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(tokens.into_iter().zip(happened).filter(|(_, it)| *it).map(|(token, _)| token).collect())
    }

    fn interests<'a>(&'a self, add: &mut dyn FnMut(Token, BorrowedFd<'a>, PollFlags)) {
        use std::os::fd::AsFd;
        add(Token::Signals, self.signals.as_fd(), PollFlags::IN);
        add(Token::Listener, self.listener.as_fd(), PollFlags::IN);
        for client in &self.clients {
            add(Token::Client(client.id), client.channel.as_fd(), PollFlags::IN);
        }
        // After the clients: an owner that detached and ended gave the container up.
        if let Some(owner) = &self.owner {
            add(Token::Owner, owner.as_fd(), PollFlags::IN);
        }
        for (place, session) in self.sessions.iter().enumerate() {
            for pidfd in session.tracked.iter().flat_map(|tracked| tracked.dying()) {
                add(Token::Dying, pidfd.as_fd(), PollFlags::IN);
            }
            if let Some(owner) = &session.owner {
                add(Token::SessionOwner(place), owner.as_fd(), PollFlags::IN);
            }
            if let Some(input) = &session.input {
                if let (true, Some(source)) = (input.wants_input(), &input.source) {
                    add(Token::InputSource(place), source.as_fd(), PollFlags::IN);
                }
                if let Some(sink) = input.sink.as_ref().filter(|sink| sink.is_waiting()) {
                    add(Token::InputSink(place), sink.fd.as_fd(), PollFlags::OUT);
                }
            }
            for (stream, output) in session.outputs.iter().enumerate() {
                if let (true, Some(source)) = (output.wants_input(), &output.source) {
                    add(Token::OutputSource(place, stream), source.as_fd(), PollFlags::IN);
                }
                for (number, sink) in output.sinks.iter().enumerate() {
                    if sink.is_waiting() {
                        let token = Token::OutputSink(place, stream, number);
                        add(token, sink.fd.as_fd(), PollFlags::OUT);
                    }
                }
            }
        }
    }

    fn pump(&mut self, token: Token, buffer: &mut [u8; 64 << 10]) {
        match token {
            Token::SessionOwner(place) => {
                if let Some(session) = self.sessions.get_mut(place)
                    && session.owner.take().is_some()
                    && let Some(pid) = session.pid.filter(|_| session.ended.is_none())
                {
                    // Ended already is as good.
                    drop(signal::kill(pid, signal::KILL));
                }
            }
            Token::InputSource(place) => {
                if let Some(input) = self.sessions.get_mut(place).and_then(|s| s.input.as_mut()) {
                    input.read(buffer);
                }
            }
            Token::InputSink(place) => {
                if let Some(input) = self.sessions.get_mut(place).and_then(|s| s.input.as_mut()) {
                    input.flush();
                }
            }
            Token::OutputSource(place, stream) => {
                let Some(session) = self.sessions.get_mut(place) else { return };
                let log = if session.first { self.log.as_mut() } else { None };
                if let Some(output) = session.outputs.get_mut(stream) {
                    output.read(log, buffer);
                }
            }
            Token::OutputSink(place, stream, number) => {
                let session = self.sessions.get_mut(place);
                if let Some(output) = session.and_then(|s| s.outputs.get_mut(stream)) {
                    output.flush(number);
                }
            }
            Token::Signals | Token::Listener | Token::Owner | Token::Client(_) | Token::Dying => {}
        }
    }

    fn accept(&mut self) {
        while let Ok(socket) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC) {
            // The directory is closed to other users; this says so a second time.
            let own = peer::of(&socket).is_ok_and(|peer| peer.uid == rustix::process::getuid());
            if own {
                self.clients.push(Client::new(self.next_client, Channel::from(socket)));
                self.next_client += 1;
            }
        }
    }

    fn owner_ended(&mut self) {
        if self.owner.take().is_some() {
            // Gone already is what is wanted.
            drop(signal::kill(self.init, signal::KILL));
        }
    }

    fn check_stop(&mut self) {
        if self.kill_at.is_some_and(|at| at <= Instant::now()) {
            self.kill_at = None;
            // Ended already is as good.
            drop(self.signal_init(signal::KILL));
        }
    }

    /// Takes all ended children: sessions, and orphans that fell to us.
    fn reap(&mut self) {
        while signal::next(&self.signals).is_some() {}
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let code = i32::from(shell_status(status));
            if pid == self.init {
                self.ended = Some(code);
                self.kill_at = None;
            }
            self.copied(pid, code);
            if self.forwarder == Some(pid) {
                self.forwarder = None;
            }
            if let Some(session) = self.sessions.iter_mut().find(|s| s.pid == Some(pid)) {
                session.process_ended(code);
            }
        }
    }

    /// Hands the rest of the output of ended processes on and lets them go.
    fn finish_sessions(&mut self, buffer: &mut [u8; 64 << 10]) {
        for session in self.sessions.iter_mut().filter(|session| session.ended.is_some()) {
            for output in &mut session.outputs {
                let mut log = if session.first { self.log.as_mut() } else { None };
                while output.wants_input() && output.read(log.as_deref_mut(), buffer) {}
                // What a process that lives on writes to it has no reader any more.
                if output.wants_input() {
                    output.source = None;
                }
            }
        }
        let mut ended = Vec::new();
        self.sessions.retain_mut(|session| {
            if session.is_done() {
                ended.push((session.client, session.exec.take(), session.exit()));
                return false;
            }
            true
        });
        for (client, exec, exit) in ended {
            if let Some(exec) = exec {
                let more = [("execID", exec), ("exitCode", exit.code.to_string())];
                self.event("exec_die", &more);
            }
            if let Some(client) = client {
                self.tell_ended(client, exit);
            }
        }
    }
}
