//! Getting the user namespace that all containers of the mapping share.
//!
//! Its holder serves a socket in the store. Where none answers, one is started under a lock; if
//! containers of the mapping live on while their holder died, it gets their namespace again, for
//! joins between an old and a new one are refused by the kernel.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use minidock_proto::control::{Call, Reply};
use minidock_proto::request::{Hold, Verb};
use minidock_proto::{Channel, Outgoing, record, socket};
use minidock_sys::lock::{self, Mode};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::ContainerId;
use crate::store::files::set_mode;
use crate::system::doctor;

/// How long a holder that is starting or ending may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The namespace, in use for as long as this lives.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) userns: OwnedFd,
    pub(crate) hold: OwnedFd,
}

struct Place {
    directory: PathBuf,
    socket: PathBuf,
    lock: PathBuf,
}

impl Engine {
    /// The shared user namespace of this engine's mapping.
    pub(crate) fn join(&self) -> Result<Joined> {
        let directory = self.store().root().join("userns").join(self.mapping().name());
        let place =
            Place { socket: directory.join("socket"), lock: directory.join("lock"), directory };
        let began = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(joined) = ask(&place.socket)? {
                return Ok(joined);
            }
            if let Some(lock) = take_lock(&place)? {
                self.start_holder(&place, lock)?;
                continue;
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::new(
                    ErrorKind::Runtime,
                    format!(
                        "the holder of the user namespace does not answer at {}",
                        place.socket.display()
                    ),
                )
                .with_hint("`minidock doctor` shows it; kill that process and try again"));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn start_holder(&self, place: &Place, lock: File) -> Result<()> {
        doctor::require_kernel()?;
        // Somebody may have started one between our question and the lock, and ended it again;
        // then the socket is gone. If it is still there nobody serves it.
        remove(&place.socket)?;
        let revive = self.live_namespace()?;
        let listener = socket::listen(&place.socket)
            .map_err(|error| Error::at("listen on", &place.socket, error))?;
        let mut fds = Outgoing::default();
        let hold = Hold {
            mapping: self.mapping().clone(),
            listener: fds.push(listener.as_fd()),
            lock: fds.push(lock.as_fd()),
            revive: revive.as_ref().map(|userns| fds.push(userns.as_fd())),
            path: place.socket.as_path().into(),
        };
        let mut conversation = self.runtime()?.spawn(Verb::Hold(hold), &fds)?;
        let answer = conversation.answer().map_err(|error| {
            doctor::explain(error, self.runtime().ok().map(|runtime| runtime.path.as_path()))
        });
        if answer.is_err() {
            remove(&place.socket)?;
        }
        answer.map(drop)
    }

    /// The namespace of a container of this mapping that lives without its holder.
    fn live_namespace(&self) -> Result<Option<OwnedFd>> {
        for container in self.store().containers()?.containers {
            if !self.store().is_alive(&container.id)? || !self.has_our_maps(&container.id)? {
                continue;
            }
            let path = self.store().container_dir(&container.id).join(record::SOCKET);
            let Ok(socket) = socket::connect(&path) else { continue };
            let channel = Channel::from(socket);
            if channel.send(&Call::UserNamespace, &[]).is_err() {
                continue;
            }
            if let Ok(Some((Reply::UserNamespace { .. }, mut fds))) = channel.receive::<Reply>()
                && let Some(userns) = fds.pop()
            {
                return Ok(Some(userns));
            }
        }
        Ok(None)
    }

    /// Whether a live container runs under this mapping.
    fn has_our_maps(&self, id: &ContainerId) -> Result<bool> {
        let state = self.store().container_state(id)?;
        let state = state.and_then(|bytes| serde_json::from_slice::<record::State>(&bytes).ok());
        Ok(state.is_some_and(|state| state.mapping == self.mapping().name()))
    }
}

fn take_lock(place: &Place) -> Result<Option<File>> {
    // Modes are set apart: the umask is the host's.
    match std::fs::create_dir(&place.directory) {
        Ok(()) => set_mode(&place.directory, 0o700)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::at("make", &place.directory, error)),
    }
    let open =
        |make: bool| OpenOptions::new().read(true).write(true).create_new(make).open(&place.lock);
    let file = match open(true) {
        Ok(file) => set_mode(&place.lock, 0o600).map(|()| file)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            open(false).map_err(|error| Error::at("open", &place.lock, error))?
        }
        Err(error) => return Err(Error::at("make", &place.lock, error)),
    };
    let taken = lock::try_lock(&file, Mode::Exclusive)
        .map_err(|error| Error::at("lock", &place.lock, error))?;
    Ok(taken.then_some(file))
}

/// Asks the holder; `None` when nobody serves the socket.
fn ask(path: &Path) -> Result<Option<Joined>> {
    let socket = match socket::connect(path) {
        Ok(socket) => socket,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::at("connect to", path, error)),
    };
    let channel = Channel::from(socket);
    match channel.receive::<Reply>() {
        Ok(Some((Reply::UserNamespace { .. }, mut fds))) => {
            Ok(fds.pop().map(|userns| Joined { userns, hold: channel.into_fd() }))
        }
        // It ended while we asked.
        Ok(_) | Err(_) => Ok(None),
    }
}

fn remove(path: &Path) -> Result<()> {
    match rustix::fs::unlink(path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(Error::at("remove", path, error)),
    }
}
