//! `rm` of containers; making and removing volumes.

use std::collections::BTreeMap;

use super::list::Status;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{ContainerId, VolumeName, VolumeRecord};

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// End it first if it runs.
    pub force: bool,
    /// With the volumes that were made for it alone.
    pub volumes: bool,
}

impl Engine {
    /// Removes a container and its writable layer.
    pub fn remove_container(&self, id: &ContainerId, options: RemoveOptions) -> Result<()> {
        let record = self.store().container(id)?;
        let anonymous = match self.container_settings(id) {
            Ok(config) => config.anonymous_volumes,
            // A damaged container has to go all the same.
            Err(error) if options.force && error.kind() == ErrorKind::Corrupt => Vec::new(),
            Err(error) => return Err(error),
        };
        self.wait_for_clearing(id)?;
        if self.container_state(id)?.status == Status::Running {
            if !options.force {
                let message = format!("container {} is running", record.name);
                return Err(Error::new(ErrorKind::Conflict, message)
                    .with_hint("stop it first, or remove it with -f"));
            }
            self.kill_supervisor(id)?;
        }
        let config = self.container_settings(id);
        if config.is_ok() {
            // What goes needs no record, and a full disk has no room for one.
            self.fold_in_one(&record).ok();
        }
        self.wait_for_copies(id)?;
        self.store().remove_container(id)?;
        if let Ok(config) = config {
            self.container_event(&record, &config, "destroy", &[]);
        }
        if options.volumes {
            for name in anonymous {
                self.remove_anonymous_volume(&name)?;
            }
        }
        Ok(())
    }

    fn remove_anonymous_volume(&self, name: &str) -> Result<()> {
        let name: VolumeName = name.parse()?;
        match self.remove_volume(&name) {
            // Another container uses it, or it was removed by hand.
            Err(error) if matches!(error.kind(), ErrorKind::InUse | ErrorKind::NotFound) => Ok(()),
            other => other,
        }
    }

    /// Makes a volume; without a name it is an anonymous one, named as a container's. One that is
    /// there already is left as it is.
    pub fn create_volume(
        &self,
        name: Option<VolumeName>,
        labels: &BTreeMap<String, String>,
    ) -> Result<VolumeRecord> {
        let anonymous = name.is_none();
        let name = name.map_or_else(|| ContainerId::random()?.as_str().parse(), Ok)?;
        self.store().begin()?.make_volume(&name, labels, anonymous).map(|(volume, _)| volume)
    }

    /// Removes a volume that no container uses.
    pub fn remove_volume(&self, name: &VolumeName) -> Result<()> {
        self.store().remove_volume(name, || self.user_of_volume(name))
    }

    /// The name of a container that has the volume.
    fn user_of_volume(&self, name: &VolumeName) -> Result<Option<String>> {
        use super::options::MountKind;
        for container in self.store().containers()?.containers {
            let Ok(config) = self.container_settings(&container.id) else { continue };
            let uses = config.mounts.iter().any(|mount| {
                matches!(&mount.kind, MountKind::Volume { name: Some(used), .. } if used == name.as_str())
            });
            if uses {
                return Ok(Some(container.name.as_str().to_owned()));
            }
        }
        Ok(None)
    }
}
