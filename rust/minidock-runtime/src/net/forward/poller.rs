//! epoll with tokens that are never used twice, so that a late event cannot hit a new socket.
//!
//! Must not know what is behind a token.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::failure::{Context, Result};

/// Most events taken at once.
const EVENTS: usize = 256;

/// Names what is watched; several sockets may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token(u64);

/// What an event says beyond "look".
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ready {
    /// Both directions of the socket are over, or it failed.
    pub(super) hung_up: bool,
}

pub(super) struct Poller {
    epoll: OwnedFd,
    last: u64,
    events: Vec<Event>,
}

impl Poller {
    pub(super) fn new() -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).context(|| "make an epoll".to_owned())?;
        Ok(Self { epoll, last: 0, events: Vec::with_capacity(EVENTS) })
    }

    pub(super) fn token(&mut self) -> Token {
        self.last += 1;
        Token(self.last)
    }

    /// Tells for as long as there is something to read.
    pub(super) fn watch_input(&self, socket: impl AsFd, token: Token) -> Result<()> {
        self.add(socket, token, EventFlags::IN).context(|| "watch a published port".to_owned())
    }

    /// Tells once whenever a socket becomes readable or writable.
    pub(super) fn watch_edges(
        &self,
        socket: impl AsFd,
        token: Token,
    ) -> std::result::Result<(), Errno> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        self.add(socket, token, flags)
    }

    /// [`Poller::watch_input`] for a socket that may be given up instead.
    pub(super) fn try_watch_input(
        &self,
        socket: impl AsFd,
        token: Token,
    ) -> std::result::Result<(), Errno> {
        self.add(socket, token, EventFlags::IN)
    }

    fn add(
        &self,
        socket: impl AsFd,
        token: Token,
        flags: EventFlags,
    ) -> std::result::Result<(), Errno> {
        epoll::add(&self.epoll, socket, EventData::new_u64(token.0), flags)
    }

    /// Watches it no more; a closed socket is forgotten by itself.
    pub(super) fn forget(&self, socket: impl AsFd) -> Result<()> {
        epoll::delete(&self.epoll, socket).context(|| "pause a published port".to_owned())
    }

    /// Waits for events; none when the time is up.
    pub(super) fn wait(&mut self, time: Option<Duration>) -> Result<Vec<(Token, Ready)>> {
        let time = time.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context(|| "wait for connections".to_owned()),
        }
        let ready = |event: &Event| {
            let flags = event.flags;
            Ready { hung_up: flags.intersects(EventFlags::HUP | EventFlags::ERR) }
        };
        Ok(self.events.iter().map(|event| (Token({ event.data }.u64()), ready(event))).collect())
    }
}
