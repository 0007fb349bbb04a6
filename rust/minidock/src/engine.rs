//! The engine: one store, one runtime program, one mapping of ids.
//!
//! It is a value without global state: several may exist in a process, over one store or over
//! many, and any thread may use one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use minidock_proto::mapping::Mapping;

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{self, UserNamespace};
use crate::runtime::Runtime;
use crate::store::{ForeignRemover, MappingName, Store, StoreOptions};

/// How an engine is opened.
///
/// ```no_run
/// use minidock::{Engine, EngineOptions};
/// let engine = Engine::open(&EngineOptions::default())?;
/// # Ok::<(), minidock::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where the store lies; without it `MINIDOCK_ROOT`, then `$XDG_DATA_HOME/minidock`.
    pub root: Option<PathBuf>,
    /// The program `minidock-runtime`; without it the places that [`Runtime`] looks at.
    pub runtime: Option<PathBuf>,
    /// Which ids containers have.
    pub user_namespace: UserNamespace,
}

/// Builds, keeps and runs containers. Clones share one store handle.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Looked for at the first need: what only reads the store works without it.
    runtime: OnceLock<Runtime>,
    wanted_runtime: Option<PathBuf>,
    mapping: mapping::Chosen,
}

impl Engine {
    /// Opens the store, made where there is none, and decides the mapping.
    pub fn open(options: &EngineOptions) -> Result<Self> {
        let store = Store::open(&StoreOptions { root: options.root.clone() })?;
        let mapping = mapping::choose(options.user_namespace)?;
        let inner = Inner {
            store,
            runtime: OnceLock::new(),
            wanted_runtime: options.runtime.clone(),
            mapping,
        };
        let engine = Self { inner: Arc::new(inner) };
        let remover = Remover(Arc::downgrade(&engine.inner));
        engine.inner.store.set_foreign_remover(Arc::new(remover));
        Ok(engine)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The ids that containers have.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.inner.mapping.mapping
    }

    /// Why containers have a single id, where they do and nobody asked for it.
    #[must_use]
    pub fn single_id_reason(&self) -> Option<&str> {
        self.inner.mapping.single_because.as_deref()
    }

    /// Groups of this process that containers keep, because a namespace with a single id cannot
    /// drop them (`setgroups` is denied there, user_namespaces(7)). Files that such a group may
    /// read can be read inside; they show as group 65534.
    #[must_use]
    pub fn kept_groups(&self) -> Vec<u32> {
        if !self.mapping().is_single() {
            return Vec::new();
        }
        let own = rustix::process::getgid();
        // Asking for the own groups does not fail.
        let groups = rustix::process::getgroups().unwrap_or_default();
        groups.into_iter().filter(|group| *group != own).map(|group| group.as_raw()).collect()
    }

    /// The mapping's name in the store.
    pub(crate) fn mapping_name(&self) -> Result<MappingName> {
        self.mapping().name().parse()
    }

    /// An engine over the same store with the mapping of that name, if this host has it.
    pub(crate) fn with_mapping_named(&self, name: &str) -> Option<Self> {
        let mapping = [UserNamespace::Auto, UserNamespace::Single]
            .into_iter()
            .filter_map(|wanted| mapping::choose(wanted).ok())
            .find(|chosen| chosen.mapping.name() == name)?;
        let inner = Inner {
            store: self.inner.store.clone(),
            runtime: OnceLock::new(),
            wanted_runtime: self.inner.wanted_runtime.clone(),
            mapping,
        };
        Some(Self { inner: Arc::new(inner) })
    }

    /// The runtime program.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        runtime_of(&self.inner)
    }
}

fn runtime_of(inner: &Inner) -> Result<&Runtime> {
    if let Some(runtime) = inner.runtime.get() {
        return Ok(runtime);
    }
    let found = Runtime::find(inner.wanted_runtime.as_deref())?;
    Ok(inner.runtime.get_or_init(|| found))
}

/// Deletes what belongs to subordinate ids, inside the user namespace.
///
/// It holds the engine weakly: the store, which the engine owns, keeps it.
struct Remover(std::sync::Weak<Inner>);

impl ForeignRemover for Remover {
    fn remove(&self, path: &Path) -> Result<()> {
        let Some(inner) = self.0.upgrade() else {
            return Err(Error::new(ErrorKind::Io, "the engine is closed"));
        };
        let engine = Engine { inner };
        engine.remove_foreign(&[path])
    }
}
