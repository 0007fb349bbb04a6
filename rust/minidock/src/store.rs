//! Owns the store: where images, layers, containers and volumes lie, and that every kill leaves it
//! as it was before or as it is after.
//!
//! Must not start processes, enter namespaces, use the network, or change anything of the host
//! process (cwd, umask, signals, environment). What runs is decided elsewhere.
//!
//! ```text
//! version              read and write numbers, uuid
//! lock                 store lock: shared for moments of work, exclusive for removal
//! meta.lock meta.sqlite  images, references, build cache
//! records/             a second copy of images and references, to mend a damaged database
//! blobs/               an OCI image layout: what was pulled, loaded, pushed or saved
//! partial/             blobs whose transfer was cut, and the locks of those who work on them
//! layers/<local-id>/   index, meta.json, diff-id, unsynced, tree-<mapping>/root
//! containers/<id>/     head.json, config.json, lock, and what the supervisor keeps there
//! names/<name>         which container has the name
//! volumes/<name>/      _data, meta.json
//! ingest/<random>/     a lease: lock held for an operation's life; stale = lockable
//! trash/               on its way out
//! userns/              holders of user namespaces
//! mnt/                 empty: supervisors mount over it, each in its own mount namespace
//! reserve              blocks given back so that removal works on a full disk
//! ```
//!
//! Order of locks: `lock`, then `meta.lock`; neither is held twice by one thread, nor while bytes
//! are transferred.

mod blobs;
mod boot;
mod cache;
mod check;
mod claims;
mod containers;
pub(crate) mod files;
mod ids;
mod images;
mod layers;
mod lease;
mod location;
mod lock;
mod meta;
mod partial;
mod prune;
mod records;
mod roots;
mod trash;
mod usage;
mod version;
mod volumes;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use minidock_image::digest::Digest;
use rustix::process::{Pid, getpid};

use crate::error::{Error, ErrorKind, Result};

pub use blobs::{BlobWriter, ExpectedBlob};
pub use cache::{CacheEntry, NewCacheEntry};
pub use check::{CheckReport, Damage, Finding};
pub(crate) use containers::copied_now;
pub use containers::{ContainerIngest, ContainerList, ContainerRecord, NewContainer};
pub use ids::{ContainerId, ContainerName, LocalId, MappingName, VolumeName};
pub use images::{ImageRecord, ManifestRecord, NewImage, RemovedImage, Tagged};
pub use layers::{LayerIngest, LayerMeta, LayerRecord, TreeIngest};
pub use lease::Lease;
pub use location::ROOT_VARIABLE;
pub use partial::{BlobTurn, PartialBlob};
pub use prune::{ImagePrune, PruneOptions, PruneReport};
pub use trash::ForeignRemover;
pub use usage::{Usage, UsageItem};
pub use version::Access;
pub use volumes::VolumeRecord;

pub(crate) use lock::Lock;
use lock::Mode;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The root; without it `MINIDOCK_ROOT`, then the XDG data directory.
    pub root: Option<PathBuf>,
}

/// An open store. Clones share one handle; all methods may be called from any thread.
///
/// A handle made before `fork` gives [`ErrorKind::Forked`] in the child.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    uuid: String,
    access: Access,
    owner: Pid,
    boot: String,
    database: Mutex<meta::Cached>,
    diff_ids: Mutex<HashMap<LocalId, Digest>>,
    remover: OnceLock<Arc<dyn ForeignRemover>>,
}

/// Proof that the store lock is held, so that it is not taken twice.
pub(crate) struct Held {
    _lock: Lock,
}

/// Proof that the store lock is held alone: nothing is created or removed meanwhile.
pub(crate) struct HeldAlone {
    held: Held,
}

impl std::ops::Deref for HeldAlone {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("root", &self.inner.root).finish_non_exhaustive()
    }
}

/// Directories of a store, made at every opening.
const DIRECTORIES: &[&str] = &[
    "ingest",
    "trash",
    "records",
    "records/images",
    "blobs",
    "blobs/blobs",
    "blobs/blobs/sha256",
    "blobs/blobs/sha512",
    "partial",
    "layers",
    "containers",
    "names",
    "volumes",
    "events",
    "userns",
    "mnt",
];

/// Files of a store; a directory with other things and no version file is not made a store.
const FILES: &[&str] = &[
    "version",
    "lock",
    "lock.queue",
    "trash.lock",
    "trash.queue",
    "meta.lock",
    "meta.queue",
    "meta.sqlite",
    "meta.sqlite-journal",
    "reserve",
];

/// Directories that trees are made in which have nothing to do with each other.
const SPREAD: &[&str] = &["ingest", "containers"];

impl Store {
    /// Opens the store, and makes it where there is none.
    pub fn open(options: &StoreOptions) -> Result<Self> {
        let root = location::choose(options.root.as_deref())?;
        Self::open_at(&root, boot::current()?)
    }

    fn open_at(root: &Path, boot: String) -> Result<Self> {
        let root = location::prepare(root)?;
        let (version, access) = Self::settle_version(&root)?;
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                uuid: version.uuid,
                access,
                owner: getpid(),
                boot,
                database: Mutex::default(),
                diff_ids: Mutex::default(),
                remover: OnceLock::new(),
            }),
        })
    }

    fn settle_version(root: &Path) -> Result<(version::Version, Access)> {
        let path = root.join("version");
        let version = match version::read(&path)? {
            version::Found::Version(version) => version,
            version::Found::Absent | version::Found::Damaged => Self::initialise(root)?,
        };
        let access = version::judge(root, &version)?;
        if access != Access::ReadWrite {
            return Ok((version, access));
        }
        if rustix::fs::access(root, rustix::fs::Access::WRITE_OK) == Err(rustix::io::Errno::ROFS) {
            return Ok((version, Access::ReadOnlyMount));
        }
        for name in DIRECTORIES {
            files::ensure_dir(&root.join(name))?;
        }
        for name in SPREAD {
            files::spread_below(&root.join(name))?;
        }
        Ok((version, access))
    }

    /// Makes a store, or finishes one whose making was cut short, or gives a store whose version
    /// file was lost a new one, if its database says that this version may write it.
    fn initialise(root: &Path) -> Result<version::Version> {
        Self::refuse_foreign(root)?;
        let _alone = Lock::wait(&root.join("lock"), Mode::Exclusive)?;
        let path = root.join("version");
        if let version::Found::Version(version) = version::read(&path)? {
            return Ok(version);
        }
        meta::require_known_format(root)?;
        for name in DIRECTORIES {
            files::ensure_dir(&root.join(name))?;
        }
        blobs::make_layout(root)?;
        meta::make(root)?;
        trash::fill_reserve(root)?;
        version::write(&path)
    }

    fn refuse_foreign(root: &Path) -> Result<()> {
        let known = |name: &str| DIRECTORIES.contains(&name) || FILES.contains(&name);
        match files::names_in(root)?.into_iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{} holds {name:?} and is not a store", root.display()),
            )
            .with_hint("choose an empty or a new directory")),
        }
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// What tells this store from others, for as long as it exists.
    pub fn uuid(&self) -> &str {
        &self.inner.uuid
    }

    /// Whether the store can be written.
    pub fn access(&self) -> Access {
        self.inner.access
    }

    /// Where the holders of user namespaces are recorded.
    pub fn userns_dir(&self) -> PathBuf {
        self.dir("userns")
    }

    /// An empty directory to mount over, in a mount namespace of one's own.
    pub(crate) fn mount_point(&self) -> PathBuf {
        self.dir("mnt")
    }

    /// Hands in what can delete files of subordinate ids. Only the first one counts; without one
    /// such files wait in `trash/`.
    pub fn set_foreign_remover(&self, remover: Arc<dyn ForeignRemover>) {
        self.inner.remover.get_or_init(|| remover);
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.inner.root.join(name)
    }

    fn boot(&self) -> &str {
        &self.inner.boot
    }

    fn remover(&self) -> Option<&dyn ForeignRemover> {
        self.inner.remover.get().map(AsRef::as_ref)
    }

    /// Whether this process made the handle. Drop code does nothing elsewhere.
    fn is_ours(&self) -> bool {
        self.inner.owner == getpid()
    }

    fn require_ours(&self) -> Result<()> {
        match self.is_ours() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Forked,
                "this store was opened before a fork and cannot be used in the child",
            )
            .with_hint("open it anew in the child")),
        }
    }

    pub(crate) fn require_write(&self) -> Result<()> {
        self.require_ours()?;
        version::require_write(&self.inner.root, self.inner.access)
    }

    /// The store lock for a moment of work: nothing that exists vanishes meanwhile.
    fn hold(&self) -> Result<Held> {
        self.require_ours()?;
        Ok(Held { _lock: Lock::wait(&self.dir("lock"), Mode::Shared)? })
    }

    /// The store lock for a moment of removal: nothing appears or vanishes meanwhile.
    fn hold_alone(&self) -> Result<HeldAlone> {
        self.require_write()?;
        Ok(HeldAlone { held: Held { _lock: Lock::wait(&self.dir("lock"), Mode::Exclusive)? } })
    }
}
