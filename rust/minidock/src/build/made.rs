//! Steps that this build made and the store's cache does not have yet.
//!
//! Every write of the database waits for the disk. Quick steps are therefore written together:
//! some time after the first of them, and at the end of the build, however it ends.

use std::time::{Duration, Instant};

use minidock_image::digest::Digest;

use super::Build;
use crate::error::Result;
use crate::store::{LocalId, NewCacheEntry, Store};

/// What a killed build forgets is at most what it made in this time and the step that it was at.
const LONGEST: Duration = Duration::from_secs(1);

/// A step, as [`NewCacheEntry`] has it.
#[derive(Debug)]
pub(super) struct MadeStep {
    pub(super) key: Digest,
    pub(super) layer: LocalId,
    pub(super) parent: Option<Digest>,
    pub(super) description: String,
}

/// The steps that wait.
#[derive(Debug, Default)]
pub(super) struct Made {
    steps: Vec<MadeStep>,
    since: Option<Instant>,
}

impl Made {
    /// The layer of a step with this key.
    pub(super) fn find(&self, key: &Digest) -> Option<&LocalId> {
        self.steps.iter().find(|step| step.key == *key).map(|step| &step.layer)
    }

    fn add(&mut self, step: MadeStep) -> bool {
        self.steps.push(step);
        self.since.get_or_insert_with(Instant::now).elapsed() >= LONGEST
    }

    fn write(&mut self, store: &Store) -> Result<()> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let entries: Vec<NewCacheEntry<'_>> = self
            .steps
            .iter()
            .map(|step| NewCacheEntry {
                key: step.key,
                layer: &step.layer,
                parent: step.parent,
                description: &step.description,
            })
            .collect();
        store.put_cache(&entries)?;
        *self = Self::default();
        Ok(())
    }
}

impl Build<'_> {
    /// Remembers a step, soon.
    pub(super) fn remember(&mut self, step: MadeStep) -> Result<()> {
        match self.made.add(step) {
            true => self.remember_all(),
            false => Ok(()),
        }
    }

    /// Remembers all steps now.
    pub(super) fn remember_all(&mut self) -> Result<()> {
        self.made.write(self.engine.store())
    }
}
