//! `pull`: an image of a registry becomes one of the store, complete or not at all.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use minidock_image::config::{ImageConfig, MAX_CONFIG_LEN};
use minidock_image::descriptor::{Descriptor, Platform};
use minidock_image::digest::Digest;
use minidock_image::reference::{ImageQuery, Reference};
use minidock_registry::Repository;

use super::event::TransferEvent;
use super::failure::of_registry;
use super::layers::{Fetching, Placed, Wanted};
use super::options::{PullOptions, PullPolicy};
use super::pack::Packing;
use super::platform::fits;
use super::resolve::{Resolved, resolve};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::image::{host_platform, seconds_of};
use crate::store::{ExpectedBlob, Lease, ManifestRecord, NewImage};

/// An image that was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Its id.
    pub id: Digest,
    /// The name it was asked for by.
    pub reference: Reference,
    /// What the registry calls it: `NAME@DIGEST` is this very image for ever.
    pub digest: Digest,
    /// All of it was here, under this name.
    pub up_to_date: bool,
    /// Entries of its new layers whose owner this mapping of ids cannot represent in files.
    pub flattened: u64,
}

impl Engine {
    /// Pulls an image. What is here already is not fetched again, a transfer that was cut goes on
    /// where it stopped, and what another operation is fetching is waited for.
    ///
    /// `tell` is called from several threads.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let reference = "debian:bookworm".parse().unwrap();
    /// let pulled = engine.pull_image(&reference, &Default::default(), &|_| {})?;
    /// println!("{}@{}", reference.familiar_repository(), pulled.digest);
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn pull_image(
        &self,
        reference: &Reference,
        options: &PullOptions,
        tell: &(dyn Fn(TransferEvent) + Sync),
    ) -> Result<Pulled> {
        let failed = Arc::new(AtomicBool::new(false));
        let client = super::client(options.credentials.as_ref(), &options.cancel, &failed)?;
        let repository = client.to_pull(reference.domain(), reference.path());
        tell(TransferEvent::Started { reference: reference.clone() });
        let platform = options.platform.clone().unwrap_or_else(host_platform);
        let resolved = resolve(&repository, reference, &platform)?;
        let digest = resolved.named;
        tell(TransferEvent::Resolved { reference: reference.clone(), digest });
        let lease = self.store().begin()?;
        let pull = Pull {
            engine: self,
            lease: &lease,
            repository: &repository,
            reference,
            resolved: &resolved,
        };
        let config = pull.config()?;
        pull.check_platform(&config, &platform, options.platform.is_some(), tell)?;
        let wanted = pull.wanted(&config)?;
        let fetching = Fetching {
            engine: self,
            lease: &lease,
            repository: &repository,
            cancel: &options.cancel,
            failed,
            tell,
            joined: Mutex::default(),
        };
        let placed = fetching.all(&wanted)?;
        options.cancel.check()?;
        pull.put(&config, &wanted, &placed)
    }

    /// The tags of a repository.
    pub fn registry_tags(
        &self,
        repository: &Reference,
        options: &PullOptions,
    ) -> Result<Vec<String>> {
        let failed = Arc::new(AtomicBool::new(false));
        let client = super::client(options.credentials.as_ref(), &options.cancel, &failed)?;
        let found = client.to_pull(repository.domain(), repository.path()).tags();
        found.map_err(of_registry)
    }

    /// The image that a user names, pulled first where the policy says so. An id is never pulled.
    pub fn obtain_image(
        &self,
        query: &str,
        policy: PullPolicy,
        options: &PullOptions,
        tell: &(dyn Fn(TransferEvent) + Sync),
    ) -> Result<Digest> {
        let here = self.store().resolve_image(query);
        let missing = match (here, policy) {
            (Ok(id), PullPolicy::Missing | PullPolicy::Never) => return Ok(id),
            (Ok(id), PullPolicy::Always) if is_id(query, &id) => return Ok(id),
            (Ok(_), PullPolicy::Always) => None,
            (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(error),
            (Err(error), _) => Some(error),
        };
        let parsed = ImageQuery::parse(query).ok();
        match (parsed.as_ref().and_then(ImageQuery::reference), missing) {
            (_, Some(_)) if policy == PullPolicy::Never => {
                let message =
                    format!("image {} is not here, and is not to be pulled", quoted(query));
                Err(Error::new(ErrorKind::NotFound, message)
                    .with_hint("`minidock images` lists what is here, `minidock pull` gets it"))
            }
            (Some(reference), _) => self.pull_image(reference, options, tell).map(|done| done.id),
            (None, Some(error)) => Err(error),
            (None, None) => self.store().resolve_image(query),
        }
    }
}

/// Whether a text means an image by its id and not by a name.
fn is_id(query: &str, id: &Digest) -> bool {
    let parsed = ImageQuery::parse(query).ok();
    parsed.and_then(|parsed| parsed.exact_id()).as_ref() == Some(id)
}

/// One image on its way in.
struct Pull<'p> {
    engine: &'p Engine,
    lease: &'p Lease,
    repository: &'p Repository<'p>,
    reference: &'p Reference,
    resolved: &'p Resolved,
}

impl Pull<'_> {
    /// The config's bytes, from the store or the registry; in the store afterwards.
    fn config(&self) -> Result<Vec<u8>> {
        let blob = &self.resolved.manifest.config;
        let store = self.engine.store();
        if store.has_blob(&blob.digest)? && blob.size <= MAX_CONFIG_LEN {
            let path = store.blob_path(&blob.digest);
            match std::fs::read(&path) {
                Ok(bytes) if blob.digest.matches(&bytes) => {
                    if self.packing().keep(&blob.digest)? {
                        return Ok(bytes);
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::at("read", &path, error)),
            }
        }
        let bytes = self.repository.small_blob(blob, MAX_CONFIG_LEN).map_err(of_registry)?;
        self.store_small(&blob.digest, &bytes)?;
        Ok(bytes)
    }

    fn packing(&self) -> Packing<'_> {
        Packing { engine: self.engine, lease: self.lease, go_on: &|| Ok(()) }
    }

    fn store_small(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let expected = ExpectedBlob { digest: *digest, size: bytes.len() as u64 };
        let mut writer = self.lease.blob_writer(Some(expected))?;
        writer.write_all(bytes).map_err(|error| Error::io("cannot write a blob", error))?;
        writer.commit().map(drop)
    }

    fn parsed(&self, config: &[u8]) -> Result<ImageConfig> {
        let name = quoted(&self.reference.familiar());
        let parsed = ImageConfig::from_json(config)
            .and_then(|parsed| {
                parsed.check_layer_count(self.resolved.manifest.layers.len()).map(|()| parsed)
            })
            .map_err(|error| {
                let message = format!("the config of {name} cannot be used");
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })?;
        Ok(parsed)
    }

    /// An image that was asked for by its platform has to be for it; one that is for another
    /// machine without being asked for is told.
    fn check_platform(
        &self,
        config: &[u8],
        wanted: &Platform,
        asked: bool,
        tell: &(dyn Fn(TransferEvent) + Sync),
    ) -> Result<()> {
        let found = self.parsed(config)?.platform();
        if fits(&found, wanted) {
            return Ok(());
        }
        let name = quoted(&self.reference.familiar());
        let message = format!("{name} is for {found}, not for {wanted}");
        match asked {
            true => Err(Error::new(ErrorKind::NotFound, message)),
            false => {
                tell(TransferEvent::Warning { text: message });
                Ok(())
            }
        }
    }

    /// The layers, each once: the same blob with the same diff-id is one.
    fn wanted(&self, config: &[u8]) -> Result<Vec<Wanted>> {
        let parsed = self.parsed(config)?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for (blob, diff_id) in self.pairs(&parsed) {
            let known = |one: &Wanted| one.blob.digest == blob.digest && one.diff_id == *diff_id;
            if !wanted.iter().any(known) {
                wanted.push(Wanted { blob: blob.clone(), diff_id: *diff_id });
            }
        }
        Ok(wanted)
    }

    fn pairs<'c>(
        &'c self,
        parsed: &'c ImageConfig,
    ) -> impl Iterator<Item = (&'c Descriptor, &'c Digest)> {
        self.resolved.manifest.layers.iter().zip(&parsed.rootfs.diff_ids)
    }

    /// Gives the image its place and its names, all at once.
    fn put(&self, config: &[u8], wanted: &[Wanted], placed: &[Placed]) -> Result<Pulled> {
        let parsed = self.parsed(config)?;
        let places: HashMap<_, _> =
            wanted.iter().map(|layer| (layer.blob.digest, layer.diff_id)).zip(placed).collect();
        let fetched = &self.resolved.fetched;
        self.store_small(&fetched.digest, &fetched.bytes)?;
        let mut blobs = vec![fetched.digest, self.resolved.manifest.config.digest];
        let mut ids = Vec::new();
        for (blob, diff_id) in self.pairs(&parsed) {
            let place = places.get(&(blob.digest, *diff_id)).ok_or_else(|| {
                Error::new(ErrorKind::Runtime, format!("layer {diff_id} was not fetched"))
            })?;
            ids.push(place.id.clone());
            // A layer that was here may have come as another blob, or as none.
            if !blobs.contains(&blob.digest) && self.packing().keep(&blob.digest)? {
                blobs.push(blob.digest);
            }
        }
        self.packing().came_as(&ids, &mut blobs)?;
        let media_type = match self.resolved.manifest.media_type.as_str() {
            "" => fetched.media_type.clone(),
            inside => inside.to_owned(),
        };
        let references = self.references();
        let store = self.engine.store();
        let before = store.image_of(&references[0])?;
        let id = store.put_image(&NewImage {
            config,
            layers: &ids,
            blobs: &blobs,
            manifest: Some(ManifestRecord {
                digest: fetched.digest,
                media_type,
                size: fetched.bytes.len() as u64,
            }),
            created: seconds_of(parsed.created.as_deref()),
            references: &references,
        })?;
        Ok(Pulled {
            id,
            reference: self.reference.clone(),
            digest: self.resolved.named,
            up_to_date: before == Some(id) && placed.iter().all(|layer| layer.was_here),
            flattened: placed.iter().map(|layer| layer.flattened).sum(),
        })
    }

    /// The tag, unless a digest was asked for, and the digest.
    fn references(&self) -> Vec<Reference> {
        let pinned = self.reference.with_digest(self.resolved.named);
        match self.reference.digest() {
            Some(_) => vec![pinned],
            None => vec![self.reference.clone(), pinned],
        }
    }
}
