//! Owns `names/`: a container's name is a file there, made exclusively, so that it is taken once.
//!
//! The rule that mends every half state: a claim counts if its container says that this is its
//! name, or if the operation that made the claim is alive (it is about to say so). Any other claim
//! is free to be taken.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};

use super::files::{self, Flush};
use super::ids::{ContainerId, ContainerName};
use super::{ContainerRecord, HeldAlone, Lease, Store};

/// What a claim's file says: `<container id> <lease>`.
struct Claim {
    container: ContainerId,
    lease: String,
}

impl Store {
    fn claim_path(&self, name: &ContainerName) -> PathBuf {
        self.dir("names").join(name.as_str())
    }

    /// The container that has this name, if any.
    pub(crate) fn named(&self, name: &ContainerName) -> Result<Option<ContainerId>> {
        let Some(claim) = self.read_claim(name)? else {
            return Ok(None);
        };
        Ok(self.says_name(&claim.container, name)?.then_some(claim.container))
    }

    fn read_claim(&self, name: &ContainerName) -> Result<Option<Claim>> {
        let Some(bytes) = files::read_optional(&self.claim_path(name))? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let Some((container, lease)) = text.trim_end().split_once(' ') else {
            return Ok(None);
        };
        // A claim that a crash of the machine left empty or torn is none.
        Ok(container.parse().ok().map(|container| Claim { container, lease: lease.to_owned() }))
    }

    fn says_name(&self, container: &ContainerId, name: &ContainerName) -> Result<bool> {
        match self.container(container) {
            Ok(record) => Ok(record.name == *name),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a claim must be respected.
    fn claim_counts(&self, name: &ContainerName) -> Result<Option<ContainerId>> {
        let Some(claim) = self.read_claim(name)? else {
            return Ok(None);
        };
        let lease_is_a_name = claim.lease.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let counts = (lease_is_a_name && self.lease_lives(&claim.lease)?)
            || self.says_name(&claim.container, name)?;
        Ok(counts.then_some(claim.container))
    }

    /// Claims that do not count.
    pub(crate) fn stale_claims(&self) -> Result<Vec<ContainerName>> {
        let mut stale = Vec::new();
        for text in files::names_in(&self.dir("names"))? {
            if let Ok(name) = text.parse::<ContainerName>()
                && self.claim_counts(&name)?.is_none()
            {
                stale.push(name);
            }
        }
        Ok(stale)
    }

    /// Removes the claims that do not count.
    pub(crate) fn free_stale_claims(&self, _alone: &HeldAlone) -> Result<usize> {
        let stale = self.stale_claims()?;
        for name in &stale {
            files::remove_file(&self.claim_path(name))?;
        }
        Ok(stale.len())
    }

    /// Frees a name if it is this container's.
    pub(crate) fn free_name(&self, name: &ContainerName, container: &ContainerId) -> Result<()> {
        match self.read_claim(name)? {
            Some(claim) if claim.container == *container => {
                files::remove_file(&self.claim_path(name))
            }
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Gives a container whose claim was lost its name back, or a new one if that is taken.
    pub(crate) fn give_name_back(&self, record: &ContainerRecord) -> Result<ContainerName> {
        let lease = self.begin()?;
        match lease.claim(&record.name, &record.id) {
            Ok(()) => Ok(record.name.clone()),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let name = lease.claim_random(&record.id)?;
                self.set_name(&record.id, &name)?;
                Ok(name)
            }
            Err(error) => Err(error),
        }
    }
}

impl Lease {
    /// Takes a name for a container, or says who has it. Takes the store lock.
    pub(crate) fn claim(&self, name: &ContainerName, container: &ContainerId) -> Result<()> {
        if self.try_claim(name, container)? {
            return Ok(());
        }
        let store = self.store();
        let _alone = store.hold_alone()?;
        if let Some(owner) = store.claim_counts(name)? {
            return Err(taken(name, &owner));
        }
        files::remove_file(&store.claim_path(name))?;
        match self.try_claim(name, container)? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Conflict, format!("the name {name} is taken"))),
        }
    }

    fn try_claim(&self, name: &ContainerName, container: &ContainerId) -> Result<bool> {
        let temp = self.dir().join(format!("name-{container}"));
        let text = format!("{container} {}\n", self.name());
        files::write_atomic(&temp, text.as_bytes(), Flush::Later)?;
        files::rename_new(&temp, &self.store().claim_path(name))
    }
}

fn taken(name: &ContainerName, owner: &ContainerId) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("the container name {name} is taken by container {}", owner.short()),
    )
    .with_hint("remove that container, or choose another name")
}
