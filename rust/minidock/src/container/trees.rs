//! Making sure that a layer has a tree for this engine's mapping.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use minidock_proto::Outgoing;
use minidock_proto::request::{Export, Unpack, Verb};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Joined;
use crate::store::files::set_mode;
use crate::store::{LocalId, MappingName};

impl Engine {
    /// The trees of the layers, topmost first, as an overlay takes them; missing ones are made.
    pub(crate) fn trees(&self, joined: &Joined, layers: &[LocalId]) -> Result<Vec<PathBuf>> {
        let mapping = self.mapping_name()?;
        layers.iter().rev().map(|layer| self.tree(joined, layer, &mapping)).collect()
    }

    fn tree(&self, joined: &Joined, layer: &LocalId, mapping: &MappingName) -> Result<PathBuf> {
        if let Some(tree) = self.store().tree_path(layer, mapping)? {
            return Ok(tree);
        }
        let lease = self.store().begin()?;
        let ingest = lease.begin_tree(layer, mapping)?;
        let root = ingest.root_path();
        rustix::fs::mkdir(&root, rustix::fs::Mode::from_raw_mode(0o755))
            .map_err(|error| Error::at("make", &root, error))?;
        set_mode(&root, 0o755)?;
        let (reader, writer) =
            std::io::pipe().map_err(|error| Error::io("cannot make a pipe", error))?;
        std::thread::scope(|scope| {
            let exporting = scope.spawn(|| self.export_other_tree(layer, OwnedFd::from(writer)));
            let unpacked = self.unpack_tree(joined, OwnedFd::from(reader), &root);
            let exported = exporting.join().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Runtime, "a thread of the engine panicked"))
            });
            exported.and(unpacked)
        })?;
        ingest.commit()
    }

    /// Writes the layer's tar from the tree of another mapping, inside that mapping.
    fn export_other_tree(&self, layer: &LocalId, tar: OwnedFd) -> Result<()> {
        let others = self.store().trees(layer)?;
        let other = others.iter().find_map(|name| {
            let engine = self.with_mapping_named(name.as_str())?;
            let tree = self.store().tree_path(layer, name).ok()??;
            Some((engine, tree))
        });
        let Some((engine, tree)) = other else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "layer {layer} has no files for this user mapping, and none to make them from"
                ),
            )
            .with_hint("pull, load or build the image again under this mapping"));
        };
        let open = |path: &std::path::Path| {
            File::open(path).map_err(|error| Error::at("open", path, error))
        };
        let (tree, index) = (open(&tree)?, open(&self.store().layer_index_path(layer))?);
        let joined = engine.join()?;
        let mut fds = Outgoing::default();
        let (tree, index, tar) =
            (fds.push(tree.as_fd()), fds.push(index.as_fd()), fds.push(tar.as_fd()));
        engine
            .run_verb(&joined, fds, |join| Verb::Export(Export { join, tree, index, tar }))
            .map(drop)
    }

    fn unpack_tree(&self, joined: &Joined, tar: OwnedFd, root: &std::path::Path) -> Result<()> {
        let tree = File::open(root).map_err(|error| Error::at("open", root, error))?;
        let mut fds = Outgoing::default();
        let (tar, tree) = (fds.push(tar.as_fd()), fds.push(tree.as_fd()));
        let mapping = self.mapping().clone();
        self.run_verb(joined, fds, |join| {
            Verb::Unpack(Unpack { join, mapping, tar, tree, index: None })
        })
        .map(drop)
    }
}
