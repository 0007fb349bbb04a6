//! The client: one per operation. It owns the threads of the HTTP client and waits for them, so
//! that every call blocks and any of them ends soon after it was cancelled.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::credentials::{Credentials, Logins};
use crate::endpoint::Endpoint;
use crate::settings::Settings;
use crate::{RegistryError, Result};

/// How often it is looked whether the caller cancelled.
const TICK: Duration = Duration::from_millis(25);

/// Where files about registries lie.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Log-ins.
    pub logins: Logins,
    /// Settings, later ones win.
    pub settings: Vec<PathBuf>,
    /// Directories of certificates, docker's `certs.d`.
    pub certificates: Vec<PathBuf>,
}

impl Places {
    /// The places that docker, containers and minidock use.
    #[must_use]
    pub fn from_environment() -> Self {
        let path = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let home = path("HOME");
        let config = path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let below = |base: &Option<PathBuf>, rest: &str| Some(base.as_ref()?.join(rest));
        let docker = path("DOCKER_CONFIG").or_else(|| below(&home, ".docker"));
        let containers = [
            path("REGISTRY_AUTH_FILE"),
            below(&path("XDG_RUNTIME_DIR"), "containers/auth.json"),
            below(&config, "containers/auth.json"),
        ];
        let settings = match path("MINIDOCK_REGISTRIES") {
            Some(named) => vec![named],
            None => [
                Some(PathBuf::from("/etc/minidock/registries.toml")),
                below(&config, "minidock/registries.toml"),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        let certificates = [
            Some(PathBuf::from("/etc/docker/certs.d")),
            Some(PathBuf::from("/etc/containers/certs.d")),
            below(&config, "docker/certs.d"),
            below(&config, "containers/certs.d"),
            below(&config, "minidock/certs.d"),
        ];
        Self {
            logins: Logins {
                docker: below(&docker, "config.json"),
                containers: containers.into_iter().flatten().collect(),
            },
            settings,
            certificates: certificates.into_iter().flatten().collect(),
        }
    }
}

/// How a client behaves.
#[derive(Clone)]
pub struct ClientOptions {
    /// Where files lie.
    pub places: Places,
    /// Credentials of the caller, which go before those of files.
    pub credentials: Option<Credentials>,
    /// Whether the caller wants to stop.
    pub cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
    /// How long nothing may come.
    pub idle: Duration,
    /// The shortest pause before another attempt; later ones double it.
    pub pause: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            places: Places::from_environment(),
            credentials: None,
            cancelled: Arc::new(|| false),
            idle: Duration::from_secs(60),
            pause: Duration::from_millis(250),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("places", &self.places)
            .field("credentials", &self.credentials)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

/// A client of registries.
#[derive(Debug)]
pub struct Client {
    /// Taken by `drop`.
    runtime: Option<Runtime>,
    pub(crate) shared: Arc<Shared>,
}

/// What the calls of one client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: ClientOptions,
    pub(crate) settings: Settings,
    pub(crate) endpoints: Mutex<HashMap<String, Arc<Endpoint>>>,
    /// What let us in, for each registry and scope.
    pub(crate) passes: Mutex<HashMap<(String, String), Pass>>,
}

/// An `Authorization` header, and whether it stands for a log-in.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    pub(crate) header: HeaderValue,
    pub(crate) logged_in: bool,
}

impl Client {
    /// A client; reads the settings, connects to nothing.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let settings = Settings::read(&options.places.settings)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("minidock-registry")
            .enable_all()
            .build()
            .map_err(|error| RegistryError::Setup {
                what: "threads",
                problem: error.to_string(),
            })?;
        let shared =
            Shared { options, settings, endpoints: Mutex::default(), passes: Mutex::default() };
        Ok(Self { runtime: Some(runtime), shared: Arc::new(shared) })
    }

    /// A repository to pull from, such as `library/debian` of `docker.io`.
    #[must_use]
    pub fn to_pull(&self, registry: &str, path: &str) -> Repository<'_> {
        Repository::new(self, registry, vec![format!("repository:{path}:pull")], path)
    }

    /// A repository to push to; blobs may be taken over from other repositories there.
    #[must_use]
    pub fn to_push(&self, registry: &str, path: &str, from: &[String]) -> Repository<'_> {
        let mut scopes = vec![format!("repository:{path}:pull,push")];
        scopes.extend(from.iter().map(|from| format!("repository:{from}:pull")));
        Repository::new(self, registry, scopes, path)
    }

    /// Waits for a piece of work, or until the caller cancels.
    pub(crate) fn wait<T: Send>(&self, work: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
        let Some(runtime) = &self.runtime else {
            return Err(RegistryError::Cancelled);
        };
        let cancelled = &self.shared.options.cancelled;
        let until = async || {
            let mut work = pin!(work());
            let mut ticks = tokio::time::interval(TICK);
            std::future::poll_fn(|context| {
                while ticks.poll_tick(context).is_ready() {
                    if cancelled() {
                        return Poll::Ready(Err(RegistryError::Cancelled));
                    }
                }
                work.as_mut().poll(context)
            })
            .await
        };
        // A host that is itself driven by tokio may call from one of its tasks.
        if Handle::try_current().is_err() {
            return runtime.block_on(until());
        }
        std::thread::scope(|scope| {
            scope.spawn(|| runtime.block_on(until())).join().unwrap_or_else(|_| {
                let problem = "it panicked".to_owned();
                Err(RegistryError::Setup { what: "a request", problem })
            })
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing, and may be called from a host's task.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// The log-in for a registry.
    pub(crate) fn credentials(&self, registry: &str, path: &str) -> Result<Option<Credentials>> {
        match &self.options.credentials {
            Some(given) => Ok(Some(given.clone())),
            None => self.options.places.logins.find(registry, path),
        }
    }

    pub(crate) fn pass(&self, registry: &str, scope: &str) -> Option<Pass> {
        let passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        passes.get(&(registry.to_owned(), scope.to_owned())).cloned()
    }

    pub(crate) fn keep_pass(&self, registry: &str, scope: &str, pass: Pass) {
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        passes.insert((registry.to_owned(), scope.to_owned()), pass);
    }
}

/// A repository of a registry, and where it is reached.
#[derive(Debug)]
pub struct Repository<'c> {
    pub(crate) client: &'c Client,
    pub(crate) registry: String,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
    /// Which of several mirrors answered.
    chosen: Mutex<Option<Arc<Endpoint>>>,
}

impl<'c> Repository<'c> {
    fn new(client: &'c Client, registry: &str, scopes: Vec<String>, path: &str) -> Self {
        Self {
            client,
            registry: registry.to_owned(),
            path: path.to_owned(),
            scopes,
            chosen: Mutex::default(),
        }
    }

    /// The endpoint that answered for the manifest, else the registry's own.
    pub(crate) async fn endpoint(&self) -> Result<Arc<Endpoint>> {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match chosen {
            Some(endpoint) => Ok(endpoint),
            None => self.client.shared.endpoint(&self.registry).await,
        }
    }

    pub(crate) fn choose(&self, endpoint: Arc<Endpoint>) {
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
    }

    /// What is asked for, in words: `library/debian:12`.
    pub(crate) fn what(&self, key: &str) -> String {
        let separator = if key.contains(':') { '@' } else { ':' };
        format!("{}{separator}{key}", self.path)
    }
}
