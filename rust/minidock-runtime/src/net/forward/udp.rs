//! A published UDP port: one socket inside for each client, so that replies find their way back.
//!
//! Datagrams are dropped, never queued, when something is full. Must not wait.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType};

use super::poller::{Poller, Token};

/// A client that was silent for so long is forgotten.
const IDLE: Duration = Duration::from_secs(90);
/// The most clients of one port; the one that was silent longest makes room.
const SESSIONS: usize = 1024;
/// The most datagrams taken before others get their turn.
const PER_TURN: usize = 256;

type Result<T> = std::result::Result<T, Errno>;

#[derive(Debug)]
struct Session {
    inside: OwnedFd,
    client: SocketAddr,
    used: Instant,
}

/// A published port and its clients.
#[derive(Debug)]
pub(super) struct Port {
    socket: OwnedFd,
    target: SocketAddr,
    clients: HashMap<SocketAddr, Token>,
    sessions: HashMap<Token, Session>,
}

impl Port {
    pub(super) fn new(socket: OwnedFd, target: SocketAddr) -> Self {
        Self { socket, target, clients: HashMap::new(), sessions: HashMap::new() }
    }

    /// Passes on what clients sent; `token` is this port's.
    pub(super) fn receive(
        &mut self,
        poller: &mut Poller,
        index: &mut HashMap<Token, Token>,
        token: Token,
        buffer: &mut [u8],
    ) {
        for _ in 0..PER_TURN {
            match rustix::net::recvfrom(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((got, _, from)) => {
                    let Some(client) = from.and_then(|from| SocketAddr::try_from(from).ok()) else {
                        continue;
                    };
                    // A session that cannot be opened loses this datagram, as a full queue does.
                    if let Ok(session) = self.session(poller, index, token, client) {
                        deliver(&session.inside, &buffer[..got]);
                    }
                }
                // An earlier reply of ours met a closed port of a client.
                Err(Errno::CONNREFUSED | Errno::INTR) => {}
                // Nothing more now; any other error shows again with the next event.
                Err(_) => return,
            }
        }
    }

    fn session(
        &mut self,
        poller: &mut Poller,
        index: &mut HashMap<Token, Token>,
        port: Token,
        client: SocketAddr,
    ) -> Result<&Session> {
        let token = match self.clients.get(&client) {
            Some(token) => *token,
            None => {
                self.make_room(index);
                let inside = open(self.target)?;
                let token = poller.token();
                poller.try_watch_input(&inside, token)?;
                self.clients.insert(client, token);
                self.sessions.insert(token, Session { inside, client, used: Instant::now() });
                index.insert(token, port);
                token
            }
        };
        let session = self.sessions.get_mut(&token).ok_or(Errno::NOENT)?;
        session.used = Instant::now();
        Ok(session)
    }

    fn make_room(&mut self, index: &mut HashMap<Token, Token>) {
        if self.sessions.len() < SESSIONS {
            return;
        }
        let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used);
        if let Some(token) = oldest.map(|(token, _)| *token) {
            self.close(index, token);
        }
    }

    fn close(&mut self, index: &mut HashMap<Token, Token>, token: Token) {
        index.remove(&token);
        if let Some(session) = self.sessions.remove(&token) {
            self.clients.remove(&session.client);
        }
    }

    /// Passes back what the container sent to the client of this session.
    pub(super) fn reply(
        &mut self,
        index: &mut HashMap<Token, Token>,
        token: Token,
        buffer: &mut [u8],
    ) {
        let Some(session) = self.sessions.get_mut(&token) else { return };
        for _ in 0..PER_TURN {
            match rustix::net::recv(&session.inside, &mut *buffer, RecvFlags::empty()) {
                Ok((got, _)) => {
                    session.used = Instant::now();
                    let client = SocketAddrAny::from(session.client);
                    // What the client's side does not take is lost, as on any network.
                    let flags = SendFlags::NOSIGNAL;
                    let _ = rustix::net::sendto(&self.socket, &buffer[..got], flags, &client);
                }
                // Nothing listens inside, yet: the client may try again.
                Err(Errno::CONNREFUSED | Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => return self.close(index, token),
            }
        }
    }

    /// Forgets clients that were silent too long.
    pub(super) fn sweep(&mut self, index: &mut HashMap<Token, Token>, now: Instant) {
        let idle = |session: &Session| now.saturating_duration_since(session.used) >= IDLE;
        let old: Vec<Token> =
            self.sessions.iter().filter(|(_, s)| idle(s)).map(|(token, _)| *token).collect();
        for token in old {
            self.close(index, token);
        }
    }
}

fn open(target: SocketAddr) -> Result<OwnedFd> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    rustix::net::connect(&socket, &target)?;
    Ok(socket)
}

fn deliver(inside: &OwnedFd, datagram: &[u8]) {
    // An answer "refused" to an earlier datagram is reported once and takes this one with it.
    for _ in 0..2 {
        match rustix::net::send(inside, datagram, SendFlags::NOSIGNAL) {
            Err(Errno::CONNREFUSED | Errno::INTR) => {}
            // Sent, or lost as in a full queue.
            Ok(_) | Err(_) => return,
        }
    }
}
