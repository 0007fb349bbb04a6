//! `import`: a tar of a root file system becomes an image of one layer.

use std::io::{self, Read, Write};

use minidock_dockerfile::Dockerfile;
use minidock_image::config::{History, ImageConfig, RootFs};
use minidock_image::descriptor::{Descriptor, Platform};
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use super::change::{StageSettings, apply_instruction};
use super::own_manifest::layer_media_type;
use super::{host_platform, now_text, seconds_of};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::{BlobWriter, NewImage};

/// How a root file system becomes an image.
///
/// ```
/// use minidock::image::ImportOptions;
/// let options = ImportOptions {
///     reference: Some("tiny:1".parse()?),
///     changes: vec!["CMD [\"/bin/sh\"]".into(), "ENV LANG=C".into()],
///     ..ImportOptions::default()
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The image's name; without one it is dangling.
    pub reference: Option<Reference>,
    /// Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
    /// STOPSIGNAL, USER, VOLUME and WORKDIR.
    pub changes: Vec<String>,
    /// A note for the image's history; docker's `Imported from -` without.
    pub message: Option<String>,
    /// The machine that it is for; this one without.
    pub platform: Option<Platform>,
}

/// What may change an image outside of a build (docker's `--change`).
const CHANGES: [&str; 11] = [
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

impl Engine {
    /// Makes an image of a tar of a root file system, plain or compressed with gzip or zstd, from
    /// a stream that need not be seekable. An archive that is cut off stores nothing.
    ///
    /// An error of the reader ends it: that is how a caller cancels.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions, image::ImportOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// let tar = std::fs::File::open("rootfs.tar.gz").unwrap();
    /// let options = ImportOptions { reference: "tiny".parse().ok(), ..Default::default() };
    /// println!("{}", engine.import_image(tar, &options)?);
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn import_image(&self, tar: impl Read + Send, options: &ImportOptions) -> Result<Digest> {
        if let Some(reference) = &options.reference {
            super::require_tag(reference)?;
        }
        let mut config = empty(options);
        change(&mut config, &options.changes)?;
        let joined = self.join()?;
        let lease = self.store().begin()?;
        let mut kept = Kept { inner: tar, blob: lease.blob_writer(None)? };
        let unpacked = self.unpack_layer(&lease, &joined, &mut kept, None)?;
        if !unpacked.has_end {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the tar is empty or cut off: it has no end mark (a block of zeros)",
            )
            .with_hint("nothing was stored; make the archive again with tar"));
        }
        config.rootfs = RootFs { diff_ids: vec![unpacked.diff_id], ..RootFs::default() };
        let media_type = layer_media_type(unpacked.compression);
        let layer = match lease.find_layer(&unpacked.diff_id)? {
            Some(layer) => layer,
            None => unpacked.commit()?,
        };
        let blob = kept.blob.commit()?;
        let bytes = super::config_bytes(&config)?;
        let mut blobs = vec![blob.digest];
        let descriptor = Descriptor::new(media_type, blob.digest, blob.size);
        let manifest = super::store_manifest(&lease, &bytes, vec![descriptor.clone()], &mut blobs)?;
        self.store().set_packed(&layer, &descriptor)?;
        let id = self.store().put_image(&NewImage {
            config: &bytes,
            layers: &[layer],
            blobs: &blobs,
            manifest: Some(manifest),
            created: seconds_of(config.created.as_deref()),
            references: options.reference.as_slice(),
        })?;
        let name = options.reference.as_ref().map_or_else(|| id.to_string(), Reference::familiar);
        self.store().image_event(&id.to_string(), "import", &name);
        Ok(id)
    }
}

/// Passes a stream on and keeps its bytes as a blob: a tar that was not written here cannot be
/// made again, and `save` and `push` need what the diff-id is of.
struct Kept<'lease, R> {
    inner: R,
    blob: BlobWriter<'lease>,
}

impl<R: Read> Read for Kept<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.blob.write_all(&buffer[..read])?;
        Ok(read)
    }
}

fn empty(options: &ImportOptions) -> ImageConfig {
    let platform = options.platform.clone().unwrap_or_else(host_platform);
    let now = now_text();
    let comment = options.message.clone().unwrap_or_else(|| "Imported from -".to_owned());
    ImageConfig {
        created: Some(now.clone()),
        architecture: platform.architecture,
        variant: platform.variant,
        os: platform.os,
        history: vec![History { created: Some(now), comment, ..History::default() }],
        ..ImageConfig::default()
    }
}

/// Applies `--change` texts in their order.
pub(crate) fn change(config: &mut ImageConfig, changes: &[String]) -> Result<()> {
    let mut stage = StageSettings::default();
    for text in changes {
        let refuse = |message: &str| {
            let message = format!("the change {} cannot be made: {message}", quoted(text));
            Error::new(ErrorKind::InvalidInput, message)
        };
        let parsed = Dockerfile::parse(text.as_bytes())
            .map_err(|error| refuse(&error.to_string()).with_hint(error.hint()))?;
        for instruction in &parsed.instructions {
            let name = instruction.kind.name();
            if !CHANGES.contains(&name) {
                let hint = format!("allowed are {}", CHANGES.join(", "));
                return Err(refuse(&format!("{name} makes no setting")).with_hint(hint));
            }
            let env = |name: &str| variable(config, name);
            let expanded = instruction
                .expand(&env)
                .map_err(|error| refuse(&error.to_string()).with_hint(error.hint()))?;
            apply_instruction(config, &expanded.instruction.kind, &mut stage)?;
        }
    }
    Ok(())
}

fn variable(config: &ImageConfig, name: &str) -> Option<String> {
    config.config.env.iter().find_map(|entry| {
        let (known, value) = entry.split_once('=')?;
        (known == name).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<ImageConfig> {
        let mut config = empty(&ImportOptions::default());
        let changes: Vec<String> = changes.iter().map(|text| (*text).to_owned()).collect();
        change(&mut config, &changes).map(|()| config)
    }

    #[test]
    fn changes_see_the_variables_before_them() {
        let config = changed(&["ENV A=/a B=x", "WORKDIR $A/b", "LABEL k=${B}"]).unwrap();
        assert_eq!(config.config.working_dir, "/a/b");
        assert_eq!(config.config.labels["k"], "x");
    }

    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        for (text, want) in [
            ("RUN true", "RUN makes no setting"),
            ("COPY a b", "COPY makes no setting"),
            ("SHELL [\"x\"]", "SHELL makes no setting"),
            ("FROM x", "FROM makes no setting"),
            ("FORM x", "unknown instruction"),
            ("", "\"\""),
        ] {
            let error = changed(&[text]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn history_is_docker_imports() {
        let config = changed(&[]).unwrap();
        assert_eq!(config.history.len(), 1);
        assert_eq!(config.history[0].comment, "Imported from -");
        assert!(!config.history[0].empty_layer);
    }
}
