//! Owns how a container goes: its directory first, by one rename, then its name.

use crate::error::{Error, ErrorKind, Result};

use super::super::ids::ContainerId;
use super::super::lock::Lock;
use super::super::{HeldAlone, Store, files};

impl Store {
    /// Removes a container that is not alive.
    pub fn remove_container(&self, id: &ContainerId) -> Result<()> {
        self.require_write()?;
        {
            let alone = self.hold_alone()?;
            let record = self.container(id)?;
            self.discard_container(&alone, id)?;
            self.free_name(&record.name, id)?;
        }
        self.empty_trash()?;
        Ok(())
    }

    /// Moves a container to the trash while holding its lock, so that no supervisor starts in it.
    pub(crate) fn discard_container(&self, _alone: &HeldAlone, id: &ContainerId) -> Result<()> {
        let path = self.container_lock_path(id);
        let lock = match files::exists(&path)? {
            // Without its lock nobody can be alive in it.
            false => None,
            true => match Lock::try_exclusive(&path)? {
                Some(lock) => Some(lock),
                None if self.is_alive(id)? => {
                    let text = format!("container {} is running", id.short());
                    let hint = "stop it first, or use -f";
                    return Err(Error::new(ErrorKind::InUse, text).with_hint(hint));
                }
                None => return Err(super::copied_now(id)),
            },
        };
        self.discard(&self.container_dir(id))?;
        drop(lock);
        Ok(())
    }
}
