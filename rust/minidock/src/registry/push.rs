//! `push`: an image of the store becomes one of a registry. What came from a registry goes out
//! byte for byte; what was made here gets a manifest.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use minidock_image::config::ImageConfig;
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use minidock_image::manifest::Manifest;
use minidock_image::media;
use minidock_image::reference::Reference;
use minidock_registry::{BlobSource, Mounted, Repository};

use super::event::{LayerState, TransferEvent};
use super::failure::of_registry;
use super::options::{ManifestFormat, PushOptions};
use super::pack::{Packing, is_plain, media_type};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::image::{parsed_config, seconds_of};
use crate::store::{ExpectedBlob, ImageRecord, LocalId, ManifestRecord, NewImage};

/// Layers that go at once (docker's default).
const AT_ONCE: usize = 5;

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The name it was pushed under.
    pub reference: Reference,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The manifest's length in bytes.
    pub size: u64,
}

impl Engine {
    /// Pushes the image that a name leads to, under that name. Blobs that the registry has are
    /// not sent, those that a repository beside has are taken over.
    ///
    /// `tell` is called from several threads.
    pub fn push_image(
        &self,
        reference: &Reference,
        options: &PushOptions,
        tell: &(dyn Fn(TransferEvent) + Sync),
    ) -> Result<Pushed> {
        crate::image::require_tag(reference)?;
        let id = self.store().image_of(reference)?.ok_or_else(|| {
            let message =
                format!("there is no image {} to be pushed", quoted(&reference.familiar()));
            Error::new(ErrorKind::NotFound, message)
                .with_hint("give an image that name: minidock tag IMAGE NAME")
        })?;
        let image = self.store().image(&id)?;
        let config = parsed_config(&image)?;
        config.check_layer_count(image.layers.len()).map_err(|error| {
            let message = format!("image {} is damaged", id.short());
            Error::new(ErrorKind::Corrupt, message)
                .with_hint("run `minidock system check --repair`")
                .with_source(error)
        })?;
        let lease = self.store().begin()?;
        image.layers.iter().try_for_each(|layer| lease.keep_layer(layer))?;
        let failed = Arc::new(AtomicBool::new(false));
        let client = super::client(options.credentials.as_ref(), &options.cancel, &failed)?;
        let beside = self.repositories_beside(reference, &image)?;
        let mut from: Vec<String> = beside.values().cloned().collect();
        from.sort();
        from.dedup();
        let repository = client.to_push(reference.domain(), reference.path(), &from);
        tell(TransferEvent::Started { reference: reference.clone() });
        let go_on = || {
            options.cancel.check()?;
            match failed.load(Ordering::Relaxed) {
                false => Ok(()),
                true => Err(Error::new(ErrorKind::Cancelled, "another layer failed")),
            }
        };
        let push = Push {
            packing: Packing { engine: self, lease: &lease, go_on: &go_on },
            repository: &repository,
            image: &image,
            config: &config,
            beside: &beside,
            failed: &failed,
            tell,
        };
        push.all(reference, options)
    }

    /// Repositories of the same registry that a layer of the image is known to be in: another
    /// image with it was pulled from there or pushed to there.
    fn repositories_beside(
        &self,
        reference: &Reference,
        image: &ImageRecord,
    ) -> Result<HashMap<LocalId, String>> {
        let mut beside = HashMap::new();
        for other in self.store().images()? {
            let known = other.references.iter().find(|name| {
                name.digest().is_some()
                    && name.domain() == reference.domain()
                    && name.path() != reference.path()
            });
            let Some(known) = known else { continue };
            for layer in other.layers.iter().filter(|layer| image.layers.contains(layer)) {
                beside.entry(layer.clone()).or_insert_with(|| known.path().to_owned());
            }
        }
        Ok(beside)
    }
}

/// One image on its way out.
struct Push<'p> {
    packing: Packing<'p>,
    repository: &'p Repository<'p>,
    image: &'p ImageRecord,
    config: &'p ImageConfig,
    beside: &'p HashMap<LocalId, String>,
    failed: &'p AtomicBool,
    tell: &'p (dyn Fn(TransferEvent) + Sync),
}

/// A layer to be pushed.
struct Layer<'l> {
    id: &'l LocalId,
    diff_id: &'l Digest,
    /// Its blob in the manifest that the image came with.
    blob: Option<Descriptor>,
}

impl Push<'_> {
    fn all(&self, reference: &Reference, options: &PushOptions) -> Result<Pushed> {
        let config = self.config_blob()?;
        // Asked first: whoever may not push learns it before anything is compressed.
        let has_config = self.repository.has_blob(&config).map_err(of_registry)?;
        let kept = self.kept_manifest(options.format)?;
        let layers = self.layers(kept.as_ref().map(|(_, _, manifest)| manifest));
        let blobs = self.send_layers(&layers)?;
        let (bytes, media_type) = match kept {
            Some((bytes, media_type, _)) => (bytes, media_type),
            None => self.made_manifest(&blobs, options.format)?,
        };
        if !has_config {
            let file = self.packing.engine.store().open_blob(&config.digest)?;
            let source = BlobSource { file: Arc::new(file), progress: Arc::new(|_| ()) };
            self.repository.push_blob(&config, None, &source).map_err(of_registry)?;
        }
        let tag = reference.manifest_key();
        self.repository.put_manifest(&tag, &bytes, &media_type).map_err(of_registry)?;
        self.remember(reference, &bytes, &media_type, &config, &blobs)
    }

    /// The manifest that the image came with, if it is to stay and everything it names is here or
    /// there already.
    fn kept_manifest(
        &self,
        format: Option<ManifestFormat>,
    ) -> Result<Option<(Vec<u8>, String, Manifest)>> {
        let Some(record) = &self.image.manifest else { return Ok(None) };
        let wanted = match format {
            None => record.media_type.as_str(),
            Some(ManifestFormat::Oci) => media::OCI_MANIFEST,
            Some(ManifestFormat::Docker) => media::DOCKER_MANIFEST,
        };
        if wanted != record.media_type || !self.packing.keep(&record.digest)? {
            return Ok(None);
        }
        let path = self.packing.engine.store().blob_path(&record.digest);
        let bytes = std::fs::read(&path).map_err(|error| Error::at("read", &path, error))?;
        let Ok(manifest) = Manifest::from_json(&bytes, &record.media_type) else {
            return Ok(None);
        };
        // A manifest that was made here for plain tars is not worth keeping.
        let came = self.image.references.iter().any(|name| name.digest().is_some());
        let plain = manifest.layers.iter().any(|layer| is_plain(&layer.media_type));
        let matches = record.digest.matches(&bytes)
            && manifest.layers.len() == self.image.layers.len()
            && manifest.config.digest == self.image.id;
        if !matches || (plain && !came) {
            return Ok(None);
        }
        for (blob, layer) in manifest.layers.iter().zip(&self.image.layers) {
            if !self.packing.keep(&blob.digest)? && !self.is_there(blob, layer)? {
                return Ok(None);
            }
        }
        Ok(Some((bytes, record.media_type.clone(), manifest)))
    }

    /// Whether the registry has a blob that is not here, or takes it over from beside.
    fn is_there(&self, blob: &Descriptor, layer: &LocalId) -> Result<bool> {
        if self.repository.has_blob(blob).map_err(of_registry)? {
            return Ok(true);
        }
        match self.beside.get(layer) {
            Some(from) => self.repository.mount_blob(blob, from).map_err(of_registry),
            None => Ok(false),
        }
    }

    fn layers<'l>(&'l self, kept: Option<&Manifest>) -> Vec<Layer<'l>> {
        let pairs = self.image.layers.iter().zip(&self.config.rootfs.diff_ids).enumerate();
        pairs
            .map(|(at, (id, diff_id))| {
                let blob = kept.and_then(|manifest| manifest.layers.get(at).cloned());
                Layer { id, diff_id, blob }
            })
            .collect()
    }

    /// Sends what the registry lacks; gives the layers' blobs in their order.
    fn send_layers(&self, layers: &[Layer<'_>]) -> Result<Vec<Descriptor>> {
        let next = AtomicUsize::new(0);
        let sent: Mutex<HashMap<usize, Descriptor>> = Mutex::default();
        let failure: Mutex<Option<Error>> = Mutex::default();
        // The same layer twice is sent once.
        let first = |at: usize| layers.iter().position(|one| one.diff_id == layers[at].diff_id);
        for layer in layers {
            self.say(layer, 0, LayerState::Pending);
        }
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(layers.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= layers.len() || (self.packing.go_on)().is_err() {
                            return;
                        }
                        if first(at) != Some(at) {
                            continue;
                        }
                        match self.send(&layers[at]) {
                            Ok(blob) => drop(lock(&sent).insert(at, blob)),
                            Err(error) => {
                                self.failed.store(true, Ordering::Relaxed);
                                lock(&failure).get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        (self.packing.go_on)()?;
        let sent = lock(&sent);
        let blobs = (0..layers.len()).map(|at| sent.get(&first(at)?).cloned());
        blobs
            .collect::<Option<_>>()
            .ok_or_else(|| Error::new(ErrorKind::Runtime, "a layer was neither pushed nor refused"))
    }

    fn send(&self, layer: &Layer<'_>) -> Result<Descriptor> {
        let known = match &layer.blob {
            Some(blob) => Some(blob.clone()),
            None => self.packing.ready(layer.id)?,
        };
        let blob = match known {
            Some(blob) => blob,
            None => {
                self.say(layer, 0, LayerState::Packing);
                self.packing.pack(layer.id, layer.diff_id)?
            }
        };
        if self.repository.has_blob(&blob).map_err(of_registry)? {
            self.say(layer, blob.size, LayerState::Present);
            return Ok(blob);
        }
        let file = Arc::new(self.packing.engine.store().open_blob(&blob.digest)?);
        let (sender, moved) = std::sync::mpsc::channel();
        let progress = Arc::new(move |done| {
            // Whoever listens is there until the last one is sent.
            let _ = sender.send(done);
        });
        let from = self.beside.get(layer.id).map(String::as_str);
        let way = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut last = None::<std::time::Instant>;
                for done in moved {
                    let due = last.is_none_or(|last| last.elapsed() >= super::TELL_PAUSE);
                    if due || done == blob.size {
                        last = Some(std::time::Instant::now());
                        self.say(layer, blob.size, LayerState::Moving { done });
                    }
                }
            });
            let source = BlobSource { file, progress };
            self.repository.push_blob(&blob, from, &source).map_err(of_registry)
        });
        let state = match way? {
            Mounted::FromBeside => LayerState::Mounted,
            _ => LayerState::Done,
        };
        self.say(layer, blob.size, state);
        Ok(blob)
    }

    fn made_manifest(
        &self,
        blobs: &[Descriptor],
        format: Option<ManifestFormat>,
    ) -> Result<(Vec<u8>, String)> {
        let docker = format == Some(ManifestFormat::Docker);
        let layers = blobs
            .iter()
            .map(|blob| {
                Descriptor::new(media_type(&blob.media_type, docker), blob.digest, blob.size)
            })
            .collect();
        let (kind, config) = match docker {
            true => (media::DOCKER_MANIFEST, media::DOCKER_CONFIG),
            false => (media::OCI_MANIFEST, media::OCI_CONFIG),
        };
        let config = Descriptor::new(config, self.image.id, self.image.config.len() as u64);
        let bytes = Manifest::new(kind, config, layers).to_json().map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the image's manifest cannot be written")
                .with_source(error)
        })?;
        Ok((bytes, kind.to_owned()))
    }

    fn config_blob(&self) -> Result<Descriptor> {
        self.store_small(&self.image.id, &self.image.config)?;
        Ok(Descriptor::new(media::OCI_CONFIG, self.image.id, self.image.config.len() as u64))
    }

    fn store_small(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let expected = ExpectedBlob { digest: *digest, size: bytes.len() as u64 };
        let mut writer = self.packing.lease.blob_writer(Some(expected))?;
        writer.write_all(bytes).map_err(|error| Error::io("cannot write a blob", error))?;
        writer.commit().map(drop)
    }

    /// Notes what the registry calls the image now, and keeps what was made for it.
    fn remember(
        &self,
        reference: &Reference,
        bytes: &[u8],
        media_type: &str,
        config: &Descriptor,
        layers: &[Descriptor],
    ) -> Result<Pushed> {
        let digest = Digest::of(bytes);
        self.store_small(&digest, bytes)?;
        let mut blobs = vec![digest, config.digest];
        for layer in layers {
            if !blobs.contains(&layer.digest) && self.packing.keep(&layer.digest)? {
                blobs.push(layer.digest);
            }
        }
        self.packing.came_as(&self.image.layers, &mut blobs)?;
        let size = bytes.len() as u64;
        self.packing.engine.store().put_image(&NewImage {
            config: &self.image.config,
            layers: &self.image.layers,
            blobs: &blobs,
            manifest: Some(ManifestRecord { digest, media_type: media_type.to_owned(), size }),
            created: seconds_of(self.config.created.as_deref()),
            references: &[reference.with_digest(digest)],
        })?;
        Ok(Pushed { reference: reference.clone(), digest, size })
    }

    fn say(&self, layer: &Layer<'_>, size: u64, state: LayerState) {
        (self.tell)(TransferEvent::Layer { digest: *layer.diff_id, size, state });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
