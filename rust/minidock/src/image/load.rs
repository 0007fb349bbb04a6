//! `load`: archives and layouts become images, complete or not at all.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

use minidock_image::archive::{self, ArchiveError, ArchiveLimits, LoadedLayer};
use minidock_image::compression::Compression;
use minidock_image::config::{ImageConfig, MAX_CONFIG_LEN};
use minidock_image::descriptor::{Descriptor, Platform};
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use super::failure::of_archive;
use super::own_manifest::layer_media_type;
use super::sink::StoreSink;
use super::unpack::{Unpacked, verify_diff_id};
use super::{host_platform, seconds_of};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Joined;
use crate::store::{Lease, LocalId, ManifestRecord, NewImage, PruneOptions};

/// How an archive is read.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Which image of an index is taken; the one for this machine without.
    pub platform: Option<Platform>,
}

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its id.
    pub id: Digest,
    /// The names that the archive gave it. A name with a digest counts without the digest, and
    /// not at all if there is no tag beside it.
    pub references: Vec<Reference>,
    /// Entries of its new layers whose owner this mapping of ids cannot represent in files.
    pub flattened: u64,
}

impl Engine {
    /// Loads the images of a docker archive or an OCI archive, plain or compressed, from a stream
    /// that need not be seekable. Each layer is compared with the image's config before anything
    /// of the archive can be used.
    ///
    /// An error of the reader ends it with nothing stored: that is how a caller cancels.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// for image in engine.load_images(std::io::stdin(), &Default::default())? {
    ///     println!("{} {:?}", image.id, image.references);
    /// }
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn load_images(&self, input: impl Read, options: &LoadOptions) -> Result<Vec<Loaded>> {
        self.load(options, |sink, platform| {
            archive::read_archive(input, sink, platform, &ArchiveLimits::default())
        })
    }

    /// Loads the images of an OCI image layout, a directory (OCI image specification,
    /// image-layout.md).
    pub fn load_layout(&self, directory: &Path, options: &LoadOptions) -> Result<Vec<Loaded>> {
        let opened = File::open(directory).map_err(|error| Error::at("open", directory, error))?;
        self.load(options, |sink, platform| archive::read_layout(opened.as_fd(), sink, platform))
    }

    fn load(
        &self,
        options: &LoadOptions,
        read: impl FnOnce(
            &mut StoreSink<'_>,
            &Platform,
        ) -> Result<Vec<archive::LoadedImage>, ArchiveError>,
    ) -> Result<Vec<Loaded>> {
        let platform = options.platform.clone().unwrap_or_else(host_platform);
        let lease = self.store().begin()?;
        let mut sink = StoreSink::new(&lease);
        let loaded = read(&mut sink, &platform)
            .map_err(of_archive)
            .and_then(|images| self.take_in(&lease, &mut sink, images));
        let used = loaded.as_ref().map_or(&[][..], |(_, used)| used.as_slice());
        let litters = sink.has_others(used);
        drop(sink);
        drop(lease);
        if litters {
            // What cannot be swept now goes with the next prune; it hides nothing from the user.
            let _swept_later = self.store().prune(&PruneOptions::default());
        }
        loaded.map(|(loaded, _)| loaded)
    }

    /// Verifies everything, then puts everything into place. Gives the blobs in use, too.
    fn take_in(
        &self,
        lease: &Lease,
        sink: &mut StoreSink<'_>,
        images: Vec<archive::LoadedImage>,
    ) -> Result<(Vec<Loaded>, Vec<Digest>)> {
        let mut layers = Layers { engine: self, lease, joined: None, known: HashMap::new() };
        for image in &images {
            for layer in &image.layers {
                layers.add(sink, layer)?;
            }
        }
        let mut places = HashMap::new();
        for (blob, layer) in layers.known {
            places.insert(blob, layer.settle()?);
        }
        let (mut loaded, mut used) = (Vec::new(), Vec::new());
        for image in images {
            loaded.push(self.put_loaded(lease, sink, image, &places, &mut used)?);
        }
        Ok((loaded, used))
    }

    fn put_loaded(
        &self,
        lease: &Lease,
        sink: &mut StoreSink<'_>,
        image: archive::LoadedImage,
        places: &HashMap<Key, Place>,
        used: &mut Vec<Digest>,
    ) -> Result<Loaded> {
        let config = config_of(sink, &image.config)?;
        let (mut ids, mut layers, mut flattened) = (Vec::new(), Vec::new(), 0);
        for layer in &image.layers {
            let place = places.get(&key(layer)).ok_or_else(|| {
                Error::new(ErrorKind::Io, format!("layer {} was not taken in", layer.diff_id))
            })?;
            ids.push(place.id.clone());
            flattened += place.flattened;
            let media_type = layer_media_type(place.compression);
            let descriptor = Descriptor::new(media_type, layer.blob, layer.size);
            self.store().set_packed(&place.id, &descriptor)?;
            layers.push(descriptor);
        }
        let mut blobs = vec![image.config];
        blobs.extend(image.layers.iter().map(|layer| layer.blob));
        let manifest = match image.manifest {
            Some(manifest) => {
                blobs.push(manifest.digest);
                Some(ManifestRecord {
                    digest: manifest.digest,
                    media_type: manifest.media_type,
                    size: manifest.size,
                })
            }
            // One that it was pulled with says more than one made here.
            None if self.has_manifest(&image.config)? => None,
            None => Some(super::store_manifest(lease, &config, layers, &mut blobs)?),
        };
        for blob in &blobs {
            sink.keep(blob)?;
        }
        let parsed = ImageConfig::from_json(&config).map_err(|e| of_archive(e.into()))?;
        let references = names(image.references)?;
        let id = self.store().put_image(&NewImage {
            config: &config,
            layers: &ids,
            blobs: &blobs,
            manifest,
            created: seconds_of(parsed.created.as_deref()),
            references: &references,
        })?;
        used.extend(blobs);
        let name = references.first().map_or_else(|| id.to_string(), Reference::familiar);
        self.store().image_event(&id.to_string(), "load", &name);
        Ok(Loaded { id, references, flattened })
    }

    fn has_manifest(&self, id: &Digest) -> Result<bool> {
        let manifest = match self.store().image(id) {
            Ok(image) => image.manifest,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match manifest {
            Some(manifest) => self.store().has_blob(&manifest.digest),
            None => Ok(false),
        }
    }
}

/// One blob may stand for several diff-ids in a forged archive: each pair is verified.
type Key = (Digest, Digest);

fn key(layer: &LoadedLayer) -> Key {
    (layer.blob, layer.diff_id)
}

/// Layers of the archive, verified, none in its place yet.
struct Layers<'e, 'lease> {
    engine: &'e Engine,
    lease: &'lease Lease,
    /// Asked for with the first layer that has to be unpacked.
    joined: Option<Joined>,
    known: HashMap<Key, Verified<'lease>>,
}

enum Verified<'lease> {
    Here { id: LocalId, compression: Compression },
    New(Box<Unpacked<'lease>>),
}

struct Place {
    id: LocalId,
    compression: Compression,
    flattened: u64,
}

impl Verified<'_> {
    fn settle(self) -> Result<Place> {
        Ok(match self {
            Self::Here { id, compression } => Place { id, compression, flattened: 0 },
            Self::New(unpacked) => {
                let (compression, flattened) = (unpacked.compression, unpacked.flattened);
                Place { id: unpacked.commit()?, compression, flattened }
            }
        })
    }
}

impl Layers<'_, '_> {
    fn add(&mut self, sink: &StoreSink<'_>, layer: &LoadedLayer) -> Result<()> {
        if self.known.contains_key(&key(layer)) {
            return Ok(());
        }
        let verified = match self.lease.find_layer(&layer.diff_id)? {
            Some(id) => {
                let blob = sink.reader(&layer.blob)?;
                Verified::Here { id, compression: verify_diff_id(blob, &layer.diff_id)? }
            }
            None => {
                let joined = match self.joined.take() {
                    Some(joined) => joined,
                    None => self.engine.join()?,
                };
                let blob = sink.reader(&layer.blob)?;
                let joined = self.joined.insert(joined);
                let expected = Some(&layer.diff_id);
                let unpacked = self.engine.unpack_layer(self.lease, joined, blob, expected)?;
                Verified::New(Box::new(unpacked))
            }
        };
        self.known.insert(key(layer), verified);
        Ok(())
    }
}

fn config_of(sink: &StoreSink<'_>, digest: &Digest) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    sink.reader(digest)?
        .take(MAX_CONFIG_LEN + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("cannot read an image's config", error))?;
    Ok(bytes)
}

/// The names to give: a digest in one is a claim that nobody checked.
fn names(references: Vec<Reference>) -> Result<Vec<Reference>> {
    let mut names = Vec::new();
    for reference in references {
        let name = match (reference.tag(), reference.digest()) {
            (_, None) => reference,
            (Some(tag), Some(_)) => reference.with_tag(tag).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, "the archive has a damaged name")
                    .with_source(error)
            })?,
            (None, Some(_)) => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_no_names() {
        let digest = Digest::of(b"");
        let parse = |text: &str| text.parse::<Reference>().unwrap();
        let given = [
            parse("a:1"),
            parse(&format!("a:1@{digest}")),
            parse(&format!("b@{digest}")),
            parse("c"),
        ];
        let names = names(given.to_vec()).unwrap();
        let familiar: Vec<_> = names.iter().map(Reference::familiar).collect();
        assert_eq!(familiar, ["a:1", "c:latest"]);
    }
}
