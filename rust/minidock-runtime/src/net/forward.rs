//! Carries what reaches the host's published ports into the container's network namespace.
//!
//! One process with one thread: the listening sockets belong to the host's namespace, what it
//! opens itself belongs to the container's. It connects to the container's own address, so that
//! what listens on 127.0.0.1 inside stays unpublished. Must not bind ports of the host.

mod poller;
mod tcp;
mod udp;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use minidock_proto::request::Protocol;
use rustix::process::{Resource, Rlimit};

use self::poller::{Poller, Ready, Token};
use self::tcp::{Connection, State};
use self::udp::Port as UdpPort;
use crate::failure::{Context, Result};

/// Size of the one buffer that everything is read into, and the most that waits per direction.
const BUFFER: usize = 64 * 1024;
/// How long nothing is accepted when descriptors or memory have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// How often idle sessions of UDP are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// The most connections taken from a listener before others get their turn.
const ACCEPTS_PER_TURN: usize = 64;

/// A published port.
#[derive(Debug)]
pub(crate) struct ForwardedPort {
    /// A listening TCP socket or a bound UDP socket of the host.
    pub(crate) listener: OwnedFd,
    /// Which of the two.
    pub(crate) protocol: Protocol,
    /// Port inside.
    pub(crate) port: u16,
}

/// Serves the ports for ever, in the process that entered the namespaces and does nothing else.
///
/// `target` is the container's own address. Returns only when the machinery itself fails.
pub(crate) fn serve(ports: Vec<ForwardedPort>, target: IpAddr) -> Result<Infallible> {
    raise_limit_of_files()?;
    let mut forwarder = Forwarder::new(ports, target)?;
    loop {
        forwarder.turn()?;
    }
}

/// Each connection takes two descriptors: as many as the host allows are wanted.
fn raise_limit_of_files() -> Result<()> {
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context(|| "raise the limit of open files".to_owned())
}

#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    target: SocketAddr,
}

struct Forwarder {
    poller: Poller,
    listeners: HashMap<Token, Listener>,
    udp: HashMap<Token, UdpPort>,
    /// Which port's session a token is.
    sessions: HashMap<Token, Token>,
    connections: HashMap<Token, Connection>,
    /// Connections that may have more to carry than their turn allowed.
    busy: Vec<Token>,
    /// When accepting goes on after descriptors had run out.
    paused_until: Option<Instant>,
    next_sweep: Instant,
    buffer: Vec<u8>,
}

impl Forwarder {
    fn new(ports: Vec<ForwardedPort>, target: IpAddr) -> Result<Self> {
        let mut forwarder = Self {
            poller: Poller::new()?,
            listeners: HashMap::new(),
            udp: HashMap::new(),
            sessions: HashMap::new(),
            connections: HashMap::new(),
            busy: Vec::new(),
            paused_until: None,
            next_sweep: Instant::now() + SWEEP_EVERY,
            buffer: vec![0; BUFFER],
        };
        for port in ports {
            let target = SocketAddr::new(target, port.port);
            rustix::io::ioctl_fionbio(&port.listener, true)
                .context(|| "prepare a published port".to_owned())?;
            let token = forwarder.poller.token();
            forwarder.poller.watch_input(&port.listener, token)?;
            match port.protocol {
                Protocol::Tcp => {
                    let listener = Listener { socket: port.listener, target };
                    forwarder.listeners.insert(token, listener);
                }
                Protocol::Udp => {
                    forwarder.udp.insert(token, UdpPort::new(port.listener, target));
                }
            }
        }
        Ok(forwarder)
    }

    fn turn(&mut self) -> Result<()> {
        let events = self.poller.wait(self.patience(Instant::now()))?;
        for token in std::mem::take(&mut self.busy) {
            self.carry(token, Ready::default());
        }
        for (token, ready) in events {
            if self.connections.contains_key(&token) {
                self.carry(token, ready);
            } else if self.listeners.contains_key(&token) {
                self.accept(token)?;
            } else if let Some(port) = self.udp.get_mut(&token) {
                port.receive(&mut self.poller, &mut self.sessions, token, &mut self.buffer);
            } else if let Some(port) = self.sessions.get(&token).and_then(|p| self.udp.get_mut(p)) {
                port.reply(&mut self.sessions, token, &mut self.buffer);
            }
        }
        self.keep_time(Instant::now())
    }

    /// How long nothing needs to be done; `None` is for ever.
    fn patience(&self, now: Instant) -> Option<Duration> {
        if !self.busy.is_empty() {
            return Some(Duration::ZERO);
        }
        let sweep = (!self.sessions.is_empty()).then_some(self.next_sweep);
        let next = [self.paused_until, sweep].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(now))
    }

    fn keep_time(&mut self, now: Instant) -> Result<()> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            for (token, listener) in &self.listeners {
                self.poller.watch_input(&listener.socket, *token)?;
            }
        }
        if self.next_sweep <= now {
            for port in self.udp.values_mut() {
                port.sweep(&mut self.sessions, now);
            }
            self.next_sweep = now + SWEEP_EVERY;
        }
        Ok(())
    }

    fn carry(&mut self, token: Token, ready: Ready) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        match connection.advance(ready, &mut self.buffer) {
            State::Waiting => {}
            State::Busy => self.busy.push(token),
            State::Over => {
                self.connections.remove(&token);
            }
        }
    }

    fn accept(&mut self, token: Token) -> Result<()> {
        for _ in 0..ACCEPTS_PER_TURN {
            if self.paused_until.is_some() {
                return Ok(());
            }
            let Some(listener) = self.listeners.get(&token) else { return Ok(()) };
            match tcp::accept(&listener.socket, listener.target) {
                Ok(Some(connection)) => self.begin(connection)?,
                Ok(None) => return Ok(()),
                // Descriptors or memory have run out, or the port is broken: no busy loop then.
                Err(_) => self.pause()?,
            }
        }
        Ok(())
    }

    /// Begins to connect; a client that cannot be watched is dropped, which resets it.
    fn begin(&mut self, connection: Connection) -> Result<()> {
        let token = self.poller.token();
        let watched = [connection.client(), connection.inside()]
            .into_iter()
            .try_for_each(|socket| self.poller.watch_edges(socket, token));
        if watched.is_err() {
            return self.pause();
        }
        self.connections.insert(token, connection);
        self.carry(token, Ready::default());
        Ok(())
    }

    fn pause(&mut self) -> Result<()> {
        if self.paused_until.is_none() {
            for listener in self.listeners.values() {
                self.poller.forget(listener.socket.as_fd())?;
            }
            self.paused_until = Some(Instant::now() + PAUSE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
