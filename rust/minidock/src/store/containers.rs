//! Owns `containers/`: one directory per container, put into place by one rename.
//!
//! ```text
//! head.json    id, name, image, layers, times: what the store has to know
//! config.json  the engine's settings, not read here
//! lock         held by the supervisor while the container is alive
//! state.json exit.json   written by the supervisor
//! ```
//!
//! Not in the database, so that `run` waits for no flush. A name is claimed before the directory
//! appears, and freed after it went; a claim that no container answers to does not count.

use std::path::PathBuf;

use minidock_image::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

use super::Store;
use super::files::{self, Flush};
use super::ids::{ContainerId, ContainerName, LocalId};
use super::lock::{Lock, is_byte_locked};
use super::roots::Roots;

mod create;
mod lookup;
mod remove;

pub use create::{ContainerIngest, NewContainer};

const HEAD: &str = "head.json";
const CONFIG: &str = "config.json";
const LOCK: &str = "lock";
/// Of the lock file: a supervisor holds all of it, so this byte tells that it lives.
const LIFE: u32 = 0;
/// Of the lock file: held by whoever mounts the writable layer of a container that does not run, or
/// writes its exit record.
const FILES: u32 = 1;

/// What the store knows of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The image it was made from, if it was made from one.
    pub image: Option<Digest>,
    /// The layers below its own files, lowest first.
    pub layers: Vec<LocalId>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The boot in which this was written.
    pub boot: String,
}

/// All containers.
#[derive(Clone, Debug, Default)]
pub struct ContainerList {
    /// Those that can be read, the newest first.
    pub containers: Vec<ContainerRecord>,
    /// Those whose head is missing or damaged, which `check` names.
    pub damaged: Vec<ContainerId>,
}

impl Store {
    /// Where a container lies.
    pub fn container_dir(&self, id: &ContainerId) -> PathBuf {
        self.dir("containers").join(id.as_str())
    }

    /// The lock that a container's supervisor holds while it is alive. A supervisor opens it, takes
    /// it, and then makes sure that the directory is still there.
    pub fn container_lock_path(&self, id: &ContainerId) -> PathBuf {
        self.container_dir(id).join(LOCK)
    }

    /// Whether a container's supervisor lives; takes nothing.
    pub fn is_alive(&self, id: &ContainerId) -> Result<bool> {
        is_byte_locked(&self.container_lock_path(id), LIFE)
    }

    /// Keeps others from mounting the writable layer of a container that does not run; `None` when
    /// somebody has it. The container counts as not alive meanwhile, and cannot be started or
    /// removed.
    pub(crate) fn try_take_files(&self, id: &ContainerId) -> Result<Option<Lock>> {
        let lock = Lock::try_byte(&self.container_lock_path(id), FILES)?;
        // It may have been removed between the question and the lock.
        self.container(id)?;
        Ok(lock)
    }

    /// Whether somebody copies files of a container that does not run.
    pub(crate) fn files_are_taken(&self, id: &ContainerId) -> Result<bool> {
        let taken = is_byte_locked(&self.container_lock_path(id), FILES)?;
        Ok(taken && !self.is_alive(id)?)
    }

    /// What the store knows of a container.
    pub fn container(&self, id: &ContainerId) -> Result<ContainerRecord> {
        let dir = self.container_dir(id);
        let Some(bytes) = files::read_optional(&dir.join(HEAD))? else {
            return Err(match files::exists(&dir)? {
                true => damaged(id, "its head.json is missing"),
                false => no_container(id.as_str()),
            });
        };
        let record: ContainerRecord = serde_json::from_slice(&bytes)
            .map_err(|e| damaged(id, "its head.json does not parse").with_source(e))?;
        match record.id == *id {
            true => Ok(record),
            false => Err(damaged(id, "its head.json is another container's")),
        }
    }

    /// All containers, the newest first.
    pub fn containers(&self) -> Result<ContainerList> {
        let mut list = ContainerList::default();
        for id in self.container_ids()? {
            match self.container(&id) {
                Ok(record) => list.containers.push(record),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => list.damaged.push(id),
                Err(error) => return Err(error),
            }
        }
        let key = |container: &ContainerRecord| {
            let made = self.made_at(&container.id);
            std::cmp::Reverse((container.created, made, container.id.clone()))
        };
        list.containers.sort_by_cached_key(key);
        Ok(list)
    }

    /// When a container was made, for the order of those made in one second: its lock is made with
    /// it and never written. One that is gone meanwhile has no place of its own.
    fn made_at(&self, id: &ContainerId) -> Option<std::time::SystemTime> {
        std::fs::symlink_metadata(self.container_lock_path(id))
            .and_then(|lock| lock.modified())
            .ok()
    }

    pub(crate) fn container_ids(&self) -> Result<Vec<ContainerId>> {
        let names = files::names_in(&self.dir("containers"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The engine's settings of a container, as they were written.
    pub fn container_config(&self, id: &ContainerId) -> Result<Vec<u8>> {
        match self.container_file(id, CONFIG)? {
            Some(bytes) => Ok(bytes),
            None => match self.container(id) {
                Ok(_) => Err(damaged(id, "its config.json is missing")),
                Err(error) => Err(error),
            },
        }
    }

    /// Replaces the engine's settings of a container.
    pub fn set_container_config(&self, id: &ContainerId, config: &[u8]) -> Result<()> {
        self.require_write()?;
        let _held = self.hold()?;
        self.container(id)?;
        files::write_atomic(&self.container_dir(id).join(CONFIG), config, Flush::Later)
    }

    /// The supervisor's state file, if there is one.
    pub fn container_state(&self, id: &ContainerId) -> Result<Option<Vec<u8>>> {
        self.container_file(id, "state.json")
    }

    /// The supervisor's exit record, if there is one.
    pub fn container_exit(&self, id: &ContainerId) -> Result<Option<Vec<u8>>> {
        self.container_file(id, "exit.json")
    }

    /// Writes the exit record of a container whose supervisor could not.
    pub(crate) fn set_container_exit(&self, id: &ContainerId, exit: &[u8]) -> Result<()> {
        files::write_atomic(&self.container_dir(id).join("exit.json"), exit, Flush::Later)
    }

    fn container_file(&self, id: &ContainerId, name: &str) -> Result<Option<Vec<u8>>> {
        files::read_optional(&self.container_dir(id).join(name))
    }

    /// Adds what containers need. One whose head is damaged may need any layer.
    pub(crate) fn mark_containers(&self, roots: &mut Roots) -> Result<()> {
        let list = self.containers()?;
        roots.all_layers |= !list.damaged.is_empty();
        for container in list.containers {
            roots.layers.extend(container.layers);
        }
        Ok(())
    }
}

pub(crate) fn no_container(query: &str) -> Error {
    let query = crate::error::quoted(query);
    Error::new(ErrorKind::NotFound, format!("no such container: {query}"))
        .with_hint("`minidock ps -a` lists them")
}

/// Its files are being copied.
pub(crate) fn copied_now(id: &ContainerId) -> Error {
    let text = format!("files of container {} are being copied", id.short());
    Error::new(ErrorKind::InUse, text).with_hint("try again when that has ended")
}

fn damaged(id: &ContainerId, how: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("container {} is damaged: {how}", id.short()))
        .with_hint("run `minidock system check --repair`")
}
