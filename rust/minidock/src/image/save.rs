//! `save`: images into an archive, with the bytes that they came with where these are still there.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;

use std::collections::HashMap;

use minidock_image::archive::{ArchiveFormat, SaveImage, write_archive};
use minidock_image::config::ImageConfig;
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use minidock_image::manifest::Manifest;
use minidock_image::media;
use minidock_image::reference::{ImageQuery, Reference};

use super::failure::{of_archive, smuggled};
use super::own_manifest::manifest_bytes;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::{ImageRecord, Lease, LocalId, ManifestRecord};

impl Engine {
    /// Writes images to an archive. A name with a tag saves that name, a name without one saves
    /// all tags of the repository, and an id saves the image without a name, as docker does.
    ///
    /// What was written before an error must be thrown away.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions, image::ArchiveFormat};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let file = std::fs::File::create("tiny.tar").unwrap();
    /// engine.save_images(&["tiny:1"], ArchiveFormat::Docker, file)?;
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn save_images(
        &self,
        queries: &[impl AsRef<str>],
        format: ArchiveFormat,
        out: impl Write,
    ) -> Result<()> {
        let chosen = self.chosen(queries)?;
        let names: Vec<_> = chosen
            .iter()
            .map(|(id, names)| {
                let name = names.first().map_or_else(|| id.to_string(), Reference::familiar);
                (id.to_string(), name)
            })
            .collect();
        let lease = self.store().begin()?;
        let mut saving = Saving { engine: self, lease: &lease, made: HashMap::new() };
        let images = chosen
            .into_iter()
            .map(|(id, references)| saving.image(&id, references))
            .collect::<Result<Vec<_>>>()?;
        let out = BufWriter::with_capacity(128 * 1024, out);
        let mut out =
            write_archive(format, &images, out, |digest| saving.open(digest).map_err(smuggled))
                .map_err(of_archive)?;
        out.flush().map_err(|error| Error::io("cannot write the image archive", error))?;
        for (id, name) in names {
            self.store().image_event(&id, "save", &name);
        }
        Ok(())
    }

    /// Images in the order they were first asked for, each with the names that were asked for.
    fn chosen(&self, queries: &[impl AsRef<str>]) -> Result<Vec<(Digest, Vec<Reference>)>> {
        if queries.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "no image is named to be saved"));
        }
        let mut chosen: Vec<(Digest, Vec<Reference>)> = Vec::new();
        for query in queries {
            for (id, name) in self.meant(query.as_ref())? {
                let at = match chosen.iter().position(|(known, _)| *known == id) {
                    Some(at) => at,
                    None => {
                        chosen.push((id, Vec::new()));
                        chosen.len() - 1
                    }
                };
                let names = &mut chosen[at].1;
                names.extend(name.filter(|name| !names.contains(name)));
            }
        }
        Ok(chosen)
    }

    fn meant(&self, query: &str) -> Result<Vec<(Digest, Option<Reference>)>> {
        let parsed = ImageQuery::parse(query).ok();
        if let Some(name) = parsed.as_ref().and_then(ImageQuery::reference)
            && is_bare(query)
            && parsed.as_ref().and_then(ImageQuery::exact_id).is_none()
        {
            let tags = self.tags_of(&name.repository())?;
            if !tags.is_empty() {
                return Ok(tags);
            }
        }
        let id = self.store().resolve_image(query)?;
        let name = parsed.as_ref().and_then(ImageQuery::reference);
        let name = match name {
            Some(name) if name.digest().is_none() => Some(name.clone())
                .filter(|_| self.store().image_of(name).is_ok_and(|to| to == Some(id))),
            _ => None,
        };
        Ok(vec![(id, name)])
    }

    fn tags_of(&self, repository: &str) -> Result<Vec<(Digest, Option<Reference>)>> {
        let mut tags = Vec::new();
        for image in self.store().images()? {
            for name in image.references {
                if name.repository() == repository && name.digest().is_none() {
                    tags.push((image.id, Some(name)));
                }
            }
        }
        Ok(tags)
    }
}

/// Whether a name has neither a tag nor a digest.
fn is_bare(query: &str) -> bool {
    let last = query.rsplit('/').next().unwrap_or(query);
    !last.contains([':', '@'])
}

/// One call of `save`: blobs of the store, and tars that were made for it.
struct Saving<'s> {
    engine: &'s Engine,
    lease: &'s Lease,
    made: HashMap<Digest, PathBuf>,
}

impl Saving<'_> {
    fn image(&mut self, id: &Digest, references: Vec<Reference>) -> Result<SaveImage> {
        let image = self.engine.store().image(id)?;
        if let Some(record) = &image.manifest
            && let Some(manifest) = self.stored_manifest(record)?
        {
            return Ok(SaveImage { references, manifest, media_type: record.media_type.clone() });
        }
        let config = super::parsed_config(&image)?;
        let mut layers = Vec::new();
        for (layer, diff_id) in paired(&image, &config)? {
            layers.push(self.layer(layer, diff_id)?);
        }
        self.write_config(&image)?;
        let manifest = manifest_bytes(&image.config, layers)?;
        Ok(SaveImage { references, manifest, media_type: media::OCI_MANIFEST.to_owned() })
    }

    /// The manifest that the image came with, if it and everything it names are there; all of it
    /// is kept for the life of this call.
    fn stored_manifest(&self, record: &ManifestRecord) -> Result<Option<Vec<u8>>> {
        if !self.kept(&record.digest)? {
            return Ok(None);
        }
        let path = self.engine.store().blob_path(&record.digest);
        let bytes = std::fs::read(&path).map_err(|error| Error::at("read", &path, error))?;
        if !record.digest.matches(&bytes) {
            return Ok(None);
        }
        let Ok(manifest) = Manifest::from_json(&bytes, &record.media_type) else {
            return Ok(None);
        };
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if !self.kept(&blob.digest)? {
                return Ok(None);
            }
        }
        Ok(Some(bytes))
    }

    fn kept(&self, digest: &Digest) -> Result<bool> {
        match self.lease.keep_blob(digest) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The blob a layer came as, else its tar, written to a file of this call and compared with
    /// the config.
    fn layer(&mut self, layer: &LocalId, diff_id: &Digest) -> Result<Descriptor> {
        if let Some(blob) = self.engine.store().packed(layer)?
            && self.kept(&blob.digest)?
        {
            return Ok(blob);
        }
        let path = self.lease.dir().join(format!("save-{layer}"));
        if !self.made.contains_key(diff_id) {
            let file = crate::store::files::create_new(&path)?;
            let (found, _) = self.engine.export_layer(layer, file)?;
            if found != *diff_id {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "layer {layer} has diff-id {found} by its files, the image says {diff_id}"
                    ),
                )
                .with_hint("the bytes it came with are gone; pull or load the image again"));
            }
            self.made.insert(*diff_id, path.clone());
        }
        let path = self.made.get(diff_id).unwrap_or(&path);
        let size = std::fs::metadata(path).map_err(|error| Error::at("read", path, error))?.len();
        Ok(Descriptor::new(media::OCI_LAYER, *diff_id, size))
    }

    fn write_config(&mut self, image: &ImageRecord) -> Result<()> {
        let path = self.lease.dir().join(format!("save-config-{}", image.id.short()));
        let mut file = crate::store::files::create_new(&path)?;
        file.write_all(&image.config).map_err(|e| Error::at("write", &path, e))?;
        self.made.insert(image.id, path);
        Ok(())
    }

    fn open(&self, digest: &Digest) -> Result<Box<dyn Read>> {
        match self.made.get(digest) {
            None => Ok(Box::new(self.engine.store().open_blob(digest)?)),
            Some(path) => {
                let file = File::open(path).map_err(|error| Error::at("open", path, error))?;
                Ok(Box::new(file))
            }
        }
    }
}

/// The image's layers with the diff-ids of its config.
fn paired<'i>(
    image: &'i ImageRecord,
    config: &'i ImageConfig,
) -> Result<impl Iterator<Item = (&'i LocalId, &'i Digest)>> {
    let diff_ids = &config.rootfs.diff_ids;
    if diff_ids.len() == image.layers.len() {
        return Ok(image.layers.iter().zip(diff_ids));
    }
    let message = format!(
        "image {} has {} layers, its config names {}",
        quoted(&image.id.short()),
        image.layers.len(),
        diff_ids.len()
    );
    Err(Error::new(ErrorKind::Corrupt, message).with_hint("run `minidock system check --repair`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_tag() {
        for (query, bare) in [
            ("tiny", true),
            ("localhost:5000/tiny", true),
            ("tiny:1", false),
            ("localhost:5000/tiny:1", false),
            ("tiny@sha256:00", false),
        ] {
            assert_eq!(is_bare(query), bare, "{query}");
        }
    }
}
