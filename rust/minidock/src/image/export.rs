//! Layers as tar streams, by their index, and the diff-ids that come of it.
//!
//! The runtime reads the tree; bytes come through a pipe and are hashed on their way.

use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use minidock_image::digest::{Digest, DigestWriter};
use minidock_proto::Outgoing;
use minidock_proto::request::{Export, Verb};

use super::failure::of_stream;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::LocalId;

impl Engine {
    /// Writes a layer as a tar in the frozen format; gives its digest and length. What was
    /// written before an error must be thrown away.
    pub(crate) fn export_layer(&self, layer: &LocalId, out: impl Write) -> Result<(Digest, u64)> {
        let (engine, tree) = self.readable_tree(layer)?;
        let (reader, writer) =
            io::pipe().map_err(|error| Error::io("cannot make a pipe", error))?;
        std::thread::scope(|scope| {
            let exporting = scope.spawn(|| engine.run_export(layer, &tree, OwnedFd::from(writer)));
            // On an error the pipe is closed, which ends the export.
            let copied = copy(reader, out);
            let exported = exporting.join().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Runtime, "the export of a layer panicked"))
            });
            let copied = copied?;
            exported.map(|()| copied)
        })
    }

    /// The diff-id of a layer; computed and remembered if it is not known yet.
    pub fn diff_id_of(&self, layer: &LocalId) -> Result<Digest> {
        if let Some(known) = self.store().diff_id(layer)? {
            return Ok(known);
        }
        let (diff_id, _) = self.export_layer(layer, io::sink())?;
        self.store().set_diff_id(layer, &diff_id)?;
        Ok(diff_id)
    }

    /// A tree of the layer, and an engine that can read it: this one, or one of another mapping.
    fn readable_tree(&self, layer: &LocalId) -> Result<(Self, PathBuf)> {
        let own = self.mapping_name()?;
        if let Some(tree) = self.store().tree_path(layer, &own)? {
            return Ok((self.clone(), tree));
        }
        for name in self.store().trees(layer)? {
            if let Some(engine) = self.with_mapping_named(name.as_str())
                && let Some(tree) = self.store().tree_path(layer, &name)?
            {
                return Ok((engine, tree));
            }
        }
        let message = format!("layer {layer} has no files that this user's mappings can read");
        Err(Error::new(ErrorKind::NotFound, message)
            .with_hint("pull, load or build the image again"))
    }

    fn run_export(&self, layer: &LocalId, tree: &Path, tar: OwnedFd) -> Result<()> {
        let joined = self.join()?;
        let open = |path: &Path| File::open(path).map_err(|error| Error::at("open", path, error));
        let (tree, index) = (open(tree)?, open(&self.store().layer_index_path(layer))?);
        let mut fds = Outgoing::default();
        let (tree, index) = (fds.push(tree.as_fd()), fds.push(index.as_fd()));
        let tar = fds.push(tar.as_fd());
        let verb = |join| Verb::Export(Export { join, tree, index, tar });
        self.run_verb(&joined, fds, verb).map(drop)
    }
}

fn copy(mut reader: PipeReader, out: impl Write) -> Result<(Digest, u64)> {
    let mut writer = DigestWriter::new(out);
    io::copy(&mut reader, &mut writer)
        .and_then(|_| writer.finish())
        .map_err(|error| of_stream("cannot write the layer", error))
}
