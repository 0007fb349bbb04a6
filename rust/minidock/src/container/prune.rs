//! Removing containers that do not run.

use super::{RemoveOptions, Status};
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::store::ContainerId;

impl Engine {
    /// Removes all containers that do not run; those that somebody starts or removes meanwhile
    /// are left alone.
    pub fn prune_containers(&self) -> Result<Vec<ContainerId>> {
        let mut removed = Vec::new();
        for container in self.containers()? {
            if container.state.status == Status::Running {
                continue;
            }
            match self.remove_container(&container.record.id, RemoveOptions::default()) {
                Ok(()) => removed.push(container.record.id),
                Err(error) if is_race(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}

fn is_race(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::InUse | ErrorKind::Conflict)
}
