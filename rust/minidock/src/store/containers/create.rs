//! Owns how a container comes into being, and how it gets another name.

use std::path::{Path, PathBuf};

use minidock_image::digest::Digest;

use crate::error::{Error, ErrorKind, Result};

use super::super::files::{self, Flush};
use super::super::ids::{ContainerId, ContainerName, LocalId};
use super::super::{Lease, Store, meta};
use super::{CONFIG, ContainerRecord, HEAD, LOCK};

/// Attempts at a random name before giving up: from the second on there are 2^16 more of each.
const NAME_ATTEMPTS: usize = 20;

/// A container to be made.
#[derive(Clone, Debug, Default)]
pub struct NewContainer<'a> {
    /// Its id; a random one without.
    pub id: Option<ContainerId>,
    /// Its name; a random one without.
    pub name: Option<ContainerName>,
    /// The image it is made from, if any.
    pub image: Option<Digest>,
    /// The layers below its own files, lowest first.
    pub layers: &'a [LocalId],
}

/// A container in the making. Its name is taken; dropping it gives the name up.
#[derive(Debug)]
pub struct ContainerIngest<'lease> {
    lease: &'lease Lease,
    record: ContainerRecord,
    dir: PathBuf,
    done: bool,
}

impl Lease {
    /// Starts a container: takes its name and makes its directory.
    pub fn begin_container(&self, new: &NewContainer<'_>) -> Result<ContainerIngest<'_>> {
        self.store().require_write()?;
        let id = new.id.clone().map_or_else(ContainerId::random, Ok)?;
        let name = match &new.name {
            Some(name) => self.claim(name, &id).map(|()| name.clone())?,
            None => self.claim_random(&id)?,
        };
        let record = ContainerRecord {
            id,
            name,
            image: new.image,
            layers: new.layers.to_vec(),
            created: meta::now(),
            boot: self.store().boot().to_owned(),
        };
        let dir = self.dir().join(format!("container-{}", record.id));
        let ingest = ContainerIngest { lease: self, record, dir, done: false };
        files::make_dir(&ingest.dir)?;
        drop(files::create_new(&ingest.dir.join(LOCK))?);
        Ok(ingest)
    }

    pub(crate) fn claim_random(&self, id: &ContainerId) -> Result<ContainerName> {
        let mut attempt = 0;
        loop {
            let name = ContainerName::random(attempt)?;
            match self.claim(&name, id) {
                Ok(()) => return Ok(name),
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < NAME_ATTEMPTS => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl ContainerIngest<'_> {
    /// What the container will be.
    pub fn record(&self) -> &ContainerRecord {
        &self.record
    }

    /// Its directory, to be filled; it moves with [`ContainerIngest::commit`].
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts the container into place, if its image and layers are there.
    pub fn commit(mut self, config: &[u8]) -> Result<ContainerRecord> {
        let store = self.lease.store();
        write_head(&self.dir, &self.record)?;
        files::write_atomic(&self.dir.join(CONFIG), config, Flush::Later)?;
        let held = store.hold()?;
        if let Some(image) = &self.record.image {
            store.image(image)?;
        }
        for layer in &self.record.layers {
            store.require_layer(&held, layer)?;
        }
        match files::rename_new(&self.dir, &store.container_dir(&self.record.id))? {
            true => self.done = true,
            false => {
                let id = self.record.id.short();
                return Err(Error::new(ErrorKind::Conflict, format!("container {id} exists")));
            }
        }
        Ok(self.record.clone())
    }
}

impl Drop for ContainerIngest<'_> {
    fn drop(&mut self) {
        if !self.done && self.lease.store().is_ours() {
            // What fails here does not count any more when the lease is gone.
            let _stale_with_the_lease =
                self.lease.store().free_name(&self.record.name, &self.record.id);
        }
    }
}

fn write_head(dir: &Path, record: &ContainerRecord) -> Result<()> {
    let bytes = serde_json::to_vec(record)
        .map_err(|e| Error::new(ErrorKind::Io, "cannot write head.json").with_source(e))?;
    files::write_atomic(&dir.join(HEAD), &bytes, Flush::Later)
}

impl Store {
    /// Gives a container another name.
    pub fn rename_container(&self, id: &ContainerId, name: &ContainerName) -> Result<()> {
        let lease = self.begin()?;
        let before = self.container(id)?;
        if before.name == *name {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("container {} has the name {name} already", id.short()),
            ));
        }
        lease.claim(name, id)?;
        match self.set_name(id, name) {
            Ok(old) => self.free_name(&old, id),
            Err(error) => {
                self.free_name(name, id)?;
                Err(error)
            }
        }
    }

    /// Writes a container's new name into its head and gives the old one.
    pub(crate) fn set_name(&self, id: &ContainerId, name: &ContainerName) -> Result<ContainerName> {
        let _alone = self.hold_alone()?;
        let now = self.container(id)?;
        let record = ContainerRecord { name: name.clone(), ..now.clone() };
        write_head(&self.container_dir(id), &record)?;
        Ok(now.name)
    }
}
