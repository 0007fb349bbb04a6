//! Owns `system check`: what is damaged, said one by one, and mended one by one.
//!
//! It never resets everything: what cannot be mended is named, and what must go is only the
//! damaged thing itself. Examining takes no lock for long; mending looks again under the lock.

use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use crate::error::Result;

use super::Store;
use super::ids::{ContainerId, ContainerName, LocalId, MappingName, VolumeName};

mod blobs;
mod database;
mod layers;
mod leftovers;
mod objects;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The database cannot be read or contradicts itself.
    Database {
        /// What is wrong with it.
        reason: String,
    },
    /// The second copy in `records/` is not what the database says: a kill came between the two.
    Records,
    /// The OCI layout's own files are missing or damaged.
    Layout,
    /// A blob's content is not what its name says.
    Blob {
        /// Its name.
        digest: Digest,
    },
    /// A blob of an image is gone.
    BlobMissing {
        /// Its name.
        digest: Digest,
        /// The image.
        image: Digest,
    },
    /// A layer's index, record or diff id is missing or damaged.
    Layer {
        /// The layer.
        layer: LocalId,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer's files are not what its index says.
    Tree {
        /// The layer.
        layer: LocalId,
        /// The mapping of ids that the files are for.
        mapping: MappingName,
        /// The first difference.
        reason: String,
    },
    /// A layer of an image is gone.
    ImageLayerMissing {
        /// The image.
        image: Digest,
        /// The names that lead to it.
        references: Vec<Reference>,
        /// The layer.
        layer: LocalId,
    },
    /// A layer of a container is gone.
    ContainerLayerMissing {
        /// The container.
        container: ContainerId,
        /// The layer.
        layer: LocalId,
    },
    /// A container's own record or settings are missing or damaged.
    Container {
        /// The container.
        container: ContainerId,
        /// What is wrong with it.
        reason: String,
    },
    /// A container that its name does not lead to.
    NameLost {
        /// The container.
        container: ContainerId,
        /// Its name.
        name: ContainerName,
    },
    /// A volume's record is missing or damaged; its files are not.
    Volume {
        /// The volume.
        volume: VolumeName,
    },
    /// Something that minidock did not put there.
    Stray {
        /// Its path below the root.
        path: String,
    },
    /// A name that no container answers to: left by a kill, taken over when it is wanted.
    StaleName {
        /// The name.
        name: ContainerName,
    },
    /// What a killed operation left: swept by the next one.
    StaleLease {
        /// Its name.
        lease: String,
    },
    /// Something that waits to be deleted.
    Trash {
        /// Its name.
        name: String,
    },
    /// A build step whose layer is gone: not found by builds.
    StaleCache {
        /// Its key.
        key: Digest,
    },
    /// A temporary file left by a kill.
    TempFile {
        /// Its path below the root.
        path: String,
    },
}

impl Damage {
    /// Whether this is only what a kill leaves behind, and nothing is lost or wrong.
    pub fn is_leftover(&self) -> bool {
        matches!(
            self,
            Self::Records
                | Self::StaleName { .. }
                | Self::StaleLease { .. }
                | Self::Trash { .. }
                | Self::StaleCache { .. }
                | Self::TempFile { .. }
        )
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, for programs.
    pub damage: Damage,
    /// What is wrong, in one line.
    pub what: String,
    /// What mends it.
    pub remedy: String,
    /// What was done about it, if it was mended.
    pub mended: Option<String>,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Images looked at.
    pub images: usize,
    /// Layers looked at.
    pub layers: usize,
    /// Blobs hashed.
    pub blobs: usize,
    /// Containers looked at.
    pub containers: usize,
    /// Trees of layers whose every file was read; none unless that was asked for.
    pub trees: usize,
    /// Trees that were to be read and belong to ids that this user cannot map any more.
    pub unreadable_trees: usize,
}

impl CheckReport {
    /// Whether nothing is damaged, or all that was is mended. Leftovers of a kill are no damage.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|f| f.damage.is_leftover() || f.mended.is_some())
    }

    pub(crate) fn found(
        &mut self,
        damage: Damage,
        what: impl Into<String>,
        remedy: &str,
    ) -> &mut Finding {
        let what = crate::error::printable(&what.into());
        self.findings.push(Finding { damage, what, remedy: remedy.to_owned(), mended: None });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

impl Finding {
    pub(crate) fn mended(&mut self, how: impl Into<String>) {
        self.mended = Some(how.into());
    }
}

impl Store {
    /// Looks at everything: the database, every image's layers, every layer's index, every blob's
    /// bytes, containers, names, volumes and what kills left. With `repair`, mends what can be.
    /// The files of layers are [`Engine::check`](crate::Engine::check)'s to read.
    pub fn check(&self, repair: bool) -> Result<CheckReport> {
        match repair {
            true => self.require_write()?,
            false => self.require_ours()?,
        }
        let mut report = CheckReport::default();
        // The order matters: what is mended first is what later checks read, and things that are
        // taken away as damaged are missed by what comes after.
        if !self.check_database(&mut report, repair)? {
            // Nothing else can be told from garbage.
            return Ok(report);
        }
        self.check_blobs(&mut report, repair)?;
        self.check_layers(&mut report, repair)?;
        self.check_image_layers(&mut report, repair)?;
        self.check_containers(&mut report, repair)?;
        self.check_volumes(&mut report, repair)?;
        self.check_records(&mut report, repair)?;
        self.check_leftovers(&mut report, repair)?;
        self.check_strays(&mut report)?;
        Ok(report)
    }
}
