//! COPY, ADD and WORKDIR: files from the context, a stage or an image into a new layer.

use std::io::{BufWriter, Write};
use std::os::fd::{AsFd, OwnedFd};

use minidock_dockerfile::{Add, Copy, CopySource, Instruction, Source, Stages};
use minidock_image::digest::Digest;
use minidock_proto::request::{self, Answer, Layer, Read, Rootfs, Verb};
use minidock_proto::{Bytes, Outgoing};

mod target;

use super::Build;
use super::context::Manifest;
use super::diff_ids::panicked;
use super::event::BuildEvent;
use super::failure::Place;
use super::history;
use super::key::KeyBuilder;
use super::layer::NewLayer;
use super::obtain::Obtain;
use super::stage::{StageState, absolute};
use super::stream::{is_broken, stream};
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::store::LocalId;
use target::{Target, refuse_add, target};

const BUFFER: usize = 256 * 1024;

/// Where files come from.
enum Files {
    /// The context and heredocs.
    Manifest(Manifest),
    /// A stage's or an image's root file system.
    Layers { layers: Vec<LocalId>, paths: Vec<String> },
}

impl Build<'_> {
    /// COPY, its variables put in.
    pub(super) fn copy_instruction(
        &mut self,
        stage: &mut StageState,
        copy: &Copy,
        place: Place<'_>,
        number: usize,
    ) -> Result<()> {
        let target = target(stage, copy.into(), place)?;
        let files = match &copy.from {
            None => self.manifest(&copy.sources, false, place)?,
            Some(from) => self.files_of(from, copy, place, number)?,
        };
        self.copy_step(stage, "copy", files, target, history::copy(copy), place)
    }

    /// ADD, its variables put in.
    pub(super) fn add_instruction(
        &mut self,
        stage: &mut StageState,
        add: &Add,
        place: Place<'_>,
    ) -> Result<()> {
        refuse_add(add, place)?;
        let target = target(stage, add.into(), place)?;
        let files = self.manifest(&add.sources, add.unpack.unwrap_or(true), place)?;
        self.copy_step(stage, "add", files, target, history::add(add), place)
    }

    /// The directory of WORKDIR, as docker's BuildKit makes it: with its parents, of the user in
    /// force, always a layer of its own.
    pub(super) fn make_workdir(&mut self, stage: &mut StageState, place: Place<'_>) -> Result<()> {
        let user = &stage.config.config.user;
        let target = Target {
            path: stage.workdir(),
            directory: true,
            chown: (!user.is_empty()).then(|| user.clone()),
            chmod: None,
        };
        let line = format!("WORKDIR {}", target.path);
        let files = Files::Manifest(Manifest::root_only());
        self.copy_step(stage, "workdir", files, target, line, place)
    }

    fn copy_step(
        &mut self,
        stage: &mut StageState,
        kind: &str,
        files: Files,
        mut target: Target,
        line: String,
        place: Place<'_>,
    ) -> Result<()> {
        if let Files::Manifest(manifest) = &files {
            target.directory |= manifest.has_archive();
        }
        let key = key(kind, stage, &files, &target);
        self.layer_step(stage, key, line, |build, stage| {
            let made = build.copy_files(stage, &files, &target);
            made.map_err(|error| place.error(error, None))
        })
    }

    fn manifest(&self, sources: &[CopySource], unpack: bool, place: Place<'_>) -> Result<Files> {
        let mut manifest = Manifest::default();
        for source in sources {
            let (added, text) = match source {
                CopySource::Heredoc(heredoc) => (manifest.add_heredoc(heredoc), &heredoc.name),
                CopySource::Path(path) => match &self.input.context {
                    Some(context) => {
                        let cancel = &self.options.cancel;
                        (manifest.add_path(context, path, unpack, cancel), path)
                    }
                    None => {
                        let hint = "give a context directory, for example `.`";
                        return Err(place.mistake("the build has no context", Some(path), hint));
                    }
                },
            };
            added.map_err(|error| place.error(error, Some(text)))?;
        }
        for text in std::mem::take(&mut manifest.skipped) {
            let text = format!("{}: {text}", place.line());
            self.tell(BuildEvent::Warning { text });
        }
        Ok(Files::Manifest(manifest))
    }

    /// Files of `--from`.
    fn files_of(&self, from: &str, copy: &Copy, place: Place<'_>, number: usize) -> Result<Files> {
        let mut paths = Vec::with_capacity(copy.sources.len());
        for source in &copy.sources {
            match source {
                CopySource::Path(path) => paths.push(absolute("/", path)),
                CopySource::Heredoc(heredoc) => {
                    let hint = "copy the heredoc with a COPY of its own";
                    let message = "COPY --from takes no heredoc";
                    return Err(place.mistake(message, Some(&heredoc.name), hint));
                }
            }
        }
        let layers = match source_of(self.stages, number, from, place)? {
            Source::Stage(index) => match self.results.get(&index) {
                Some(stage) => stage.layers.clone(),
                None => {
                    let message = format!("stage {} was not built", quoted(from));
                    return Err(place.error(Error::new(ErrorKind::NotFound, message), Some(from)));
                }
            },
            Source::Image(reference) => {
                let obtain = Obtain {
                    engine: self.engine,
                    lease: self.lease,
                    options: self.options,
                    events: self.events,
                };
                let image = obtain.image(&reference);
                image.map_err(|error| place.error(error, Some(from)))?.layers
            }
        };
        Ok(Files::Layers { layers, paths })
    }

    fn copy_files(
        &mut self,
        stage: &StageState,
        files: &Files,
        target: &Target,
    ) -> Result<LocalId> {
        self.join_namespace()?;
        let lowers = self.engine.trees(self.joined()?, &stage.layers)?;
        let layer = self.new_layer(&stage.layers)?;
        let (fed, copied) = match files {
            Files::Manifest(manifest) => {
                let (reader, writer) = stream()?;
                let context = self.input.context.as_ref();
                let cancel = &self.options.cancel;
                let feed = move || {
                    let mut writer = BufWriter::with_capacity(BUFFER, writer);
                    manifest.send(context, &mut writer, cancel)?;
                    writer.flush().map_err(|e| Error::io("cannot hand the files over", e))
                };
                beside(feed, || self.receive(&layer, &lowers, target, reader))
            }
            Files::Layers { layers, paths } => {
                let reading = self.reading(layers, paths)?;
                let (reader, writer) =
                    std::io::pipe().map_err(|error| Error::io("cannot make a pipe", error))?;
                let engine = self.engine;
                let joined = self.joined()?;
                let feed = move || reading.run(engine, joined, writer.into());
                beside(feed, || self.receive(&layer, &lowers, target, reader.into()))
            }
        };
        layer.finish(&both(fed, copied)?)
    }

    /// Has the runtime copy what comes on a stream.
    fn receive(
        &self,
        layer: &NewLayer<'_>,
        lowers: &[std::path::PathBuf],
        target: &Target,
        sources: OwnedFd,
    ) -> Result<Layer> {
        let mut fds = Outgoing::default();
        let commit = layer.commit(&mut fds);
        let sources = fds.push(sources.as_fd());
        let answer = self.engine.run_verb(self.joined()?, fds, |join| {
            Verb::Copy(request::Copy {
                join,
                mapping: self.engine.mapping().clone(),
                scratch: layer.directory.join("scratch").into(),
                rootfs: layer.rootfs(lowers),
                sources,
                destination: Bytes::from(target.path.as_str()),
                into_directory: target.directory,
                chown: target.chown.clone(),
                chmod: target.chmod,
                commit,
            })
        })?;
        match answer {
            Answer::Layer(layer) => Ok(layer),
            _ => Err(Error::new(
                ErrorKind::Runtime,
                "minidock-runtime made no layer: it is of another version",
            )),
        }
    }

    fn reading(&mut self, layers: &[LocalId], paths: &[String]) -> Result<Reading> {
        let lowers = self.engine.trees(self.joined()?, layers)?;
        let scratch = self.step_directory()?;
        let lowers = lowers.iter().map(|path| path.as_path().into()).collect();
        Ok(Reading {
            rootfs: Rootfs { lowers, upper: None, read_only: true },
            scratch: scratch.into(),
            // Many ids keep the owners in the trees.
            indexes: match self.engine.mapping().is_single() {
                true => self.indexes(layers)?,
                false => Vec::new(),
            },
            paths: paths.iter().map(|path| Bytes::from(path.as_str())).collect(),
        })
    }
}

/// Reading from a root file system, complete.
struct Reading {
    rootfs: Rootfs,
    scratch: Bytes,
    indexes: Vec<std::fs::File>,
    paths: Vec<Bytes>,
}

impl Reading {
    fn run(
        self,
        engine: &crate::engine::Engine,
        joined: &crate::runtime::Joined,
        tar: OwnedFd,
    ) -> Result<()> {
        let mut fds = Outgoing::default();
        let parents = self.indexes.iter().map(|file| fds.push(file.as_fd())).collect();
        let tar = fds.push(tar.as_fd());
        let (rootfs, scratch, paths) = (self.rootfs, self.scratch, self.paths);
        let mapping = engine.mapping().clone();
        engine
            .run_verb(joined, fds, |join| {
                Verb::Read(Read { join, scratch, mapping, rootfs, parents, paths, tar })
            })
            .map(drop)
    }
}

/// Runs both at the same time.
fn beside<A: Send, B>(
    feed: impl FnOnce() -> Result<A> + Send,
    copy: impl FnOnce() -> Result<B>,
) -> (Result<A>, Result<B>) {
    std::thread::scope(|scope| {
        let feeding = scope.spawn(feed);
        let copied = copy();
        (feeding.join().unwrap_or_else(|_| Err(panicked())), copied)
    })
}

/// The layer, or the error of the side that failed first.
fn both<T>(fed: Result<()>, copied: Result<T>) -> Result<T> {
    match (fed, copied) {
        (Ok(()), copied) => copied,
        (Err(error), Ok(_)) => Err(error),
        // The reader went, or the other runtime says no more than that its stream broke.
        (Err(fed), Err(copied)) if is_broken(&fed) || fed.kind() == ErrorKind::Runtime => {
            Err(copied)
        }
        (Err(fed), Err(_)) => Err(fed),
    }
}

fn key(kind: &str, stage: &StageState, files: &Files, target: &Target) -> Digest {
    let mut key = KeyBuilder::new(kind, &stage.layers);
    key.field("target", &target.path)
        .field("directory", [u8::from(target.directory)])
        .option("chown", target.chown.as_ref())
        .option("chmod", target.chmod.map(u32::to_le_bytes));
    match files {
        Files::Manifest(manifest) => manifest.hash_into(&mut key),
        Files::Layers { layers, paths } => {
            key.list("from", layers.iter().map(LocalId::as_str)).list("paths", paths);
        }
    }
    key.finish()
}

fn source_of(stages: &Stages, number: usize, from: &str, place: Place<'_>) -> Result<Source> {
    let instruction: &Instruction = place.instruction;
    place.parsed(stages.source(number, from, instruction))
}

#[cfg(test)]
#[path = "copy/tests.rs"]
mod tests;
