//! One TCP connection through the forwarder: a client outside, a socket inside, two directions.
//!
//! Bytes go through one shared buffer; only what the other side does not take at once is kept.
//! Must not wait: every socket is non-blocking and watched by edges.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, sockopt,
};

use super::poller::Ready;

/// The most bytes that one direction carries before other connections get their turn.
const PER_TURN: usize = 1024 * 1024;

type Result<T> = std::result::Result<T, Errno>;

/// Takes the next client of a listener and begins to connect it to the target; `None` when there
/// is no client now.
///
/// The socket inside is made first: when descriptors run out, clients stay in the queue.
pub(super) fn accept(listener: &OwnedFd, target: SocketAddr) -> Result<Option<Connection>> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let inside = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    let client = loop {
        match rustix::net::accept_with(listener, flags) {
            Ok(client) => break client,
            Err(Errno::AGAIN) => return Ok(None),
            // Of that one connection, which broke while it waited (accept(2)); the next one.
            Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO | Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    };
    // Until the container has answered, giving up looks like its refusal.
    set_reset(&client, true);
    Ok(Some(Connection {
        client,
        inside,
        target,
        stage: Stage::New,
        inwards: Direction::default(),
        outwards: Direction::default(),
    }))
}

/// Whether close(2) is to send a reset.
fn set_reset(socket: &OwnedFd, wanted: bool) {
    // If it fails the peer sees the other kind of end, nothing worse.
    let _ = sockopt::set_socket_linger(socket, wanted.then_some(Duration::ZERO));
}

/// What a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// An event.
    Waiting,
    /// Another turn.
    Busy,
    /// To be dropped.
    Over,
}

/// How far the way in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Connecting,
    Connected,
}

#[derive(Debug)]
pub(super) struct Connection {
    client: OwnedFd,
    inside: OwnedFd,
    target: SocketAddr,
    stage: Stage,
    inwards: Direction,
    outwards: Direction,
}

impl Connection {
    pub(super) fn client(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }

    pub(super) fn inside(&self) -> BorrowedFd<'_> {
        self.inside.as_fd()
    }

    /// Carries what can be carried now.
    pub(super) fn advance(&mut self, ready: Ready, buffer: &mut [u8]) -> State {
        match self.try_advance(ready, buffer) {
            Ok(state) => state,
            Err(_) => {
                set_reset(&self.client, true);
                set_reset(&self.inside, true);
                State::Over
            }
        }
    }

    fn try_advance(&mut self, ready: Ready, buffer: &mut [u8]) -> Result<State> {
        if self.stage == Stage::New {
            match rustix::net::connect(&self.inside, &self.target) {
                Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => self.stage = Stage::Connecting,
                Err(error) => return Err(error),
            }
        }
        if self.stage == Stage::Connecting {
            if !self.finish_connecting()? {
                // Edges come again; the client's bytes wait in its socket.
                return Ok(State::Waiting);
            }
            self.stage = Stage::Connected;
        }
        let inwards = self.inwards.carry(&self.client, &self.inside, buffer)?;
        let outwards = self.outwards.carry(&self.inside, &self.client, buffer)?;
        if ready.hung_up && self.inwards.is_idle() && self.outwards.is_idle() {
            // A reset after the last byte shows in no read or write.
            sockopt::socket_error(&self.client)??;
            sockopt::socket_error(&self.inside)??;
        }
        Ok(match (self.inwards.is_over() && self.outwards.is_over(), inwards || outwards) {
            (true, _) => State::Over,
            (false, true) => State::Busy,
            (false, false) => State::Waiting,
        })
    }

    fn finish_connecting(&self) -> Result<bool> {
        sockopt::socket_error(&self.inside)??;
        match rustix::net::getpeername(&self.inside) {
            Ok(Some(_)) => {}
            Ok(None) | Err(Errno::NOTCONN) => return Ok(false),
            Err(error) => return Err(error),
        }
        set_reset(&self.client, false);
        for socket in [&self.client, &self.inside] {
            // Bytes are passed on as they come; a dead peer is noticed some time.
            sockopt::set_tcp_nodelay(socket, true)?;
            sockopt::set_socket_keepalive(socket, true)?;
        }
        Ok(true)
    }
}

/// Bytes on their way from one socket to the other.
#[derive(Debug, Default)]
struct Direction {
    /// Read and not yet taken; at most one buffer.
    pending: Vec<u8>,
    ended: bool,
    told: bool,
}

impl Direction {
    fn is_over(&self) -> bool {
        self.told
    }

    fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Carries until a socket would block; whether the turn was over before that.
    fn carry(&mut self, from: &OwnedFd, to: &OwnedFd, buffer: &mut [u8]) -> Result<bool> {
        let mut carried = 0;
        while !self.told {
            if !self.pending.is_empty() {
                let sent = send(to, &self.pending)?;
                if sent == 0 {
                    return Ok(false);
                }
                self.pending.drain(..sent);
                continue;
            }
            // What was kept is gone; so is its memory, as most connections are idle.
            self.pending = Vec::new();
            if self.ended {
                self.told = true;
                return match rustix::net::shutdown(to, Shutdown::Write) {
                    // The other side closed wholly meanwhile.
                    Ok(()) | Err(Errno::NOTCONN) => Ok(false),
                    Err(error) => Err(error),
                };
            }
            if carried >= PER_TURN {
                return Ok(true);
            }
            match rustix::net::recv(from, &mut *buffer, RecvFlags::empty()) {
                Ok((0, _)) => self.ended = true,
                Ok((got, _)) => {
                    carried += got;
                    let sent = send(to, &buffer[..got])?;
                    self.pending.extend_from_slice(&buffer[sent..got]);
                }
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// How many bytes the socket took; 0 when it would block.
fn send(to: &OwnedFd, bytes: &[u8]) -> Result<usize> {
    loop {
        match rustix::net::send(to, bytes, SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => return Ok(0),
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
