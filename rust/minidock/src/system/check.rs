//! `system check` with the files of layers: only inside of a mapping can all of them be read.
//!
//! A tree is exported to nowhere, which compares every file with the index. What differs is made
//! again from the blob that the layer came as, if that is there.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::path::Path;

use minidock_proto::Outgoing;
use minidock_proto::request::{Export, Verb};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{CheckReport, Damage, LocalId, MappingName};

/// How thoroughly the store is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Mend what can be mended.
    pub repair: bool,
    /// Read every file of every layer, too, and compare its length and digest with the index.
    pub full: bool,
}

impl Engine {
    /// Looks for damage in the store ([`Store::check`](crate::store::Store::check)), and if asked
    /// to in the files of all layers.
    pub fn check(&self, options: CheckOptions) -> Result<CheckReport> {
        let mut report = self.store().check(options.repair)?;
        if options.full {
            for record in self.store().layers()? {
                for mapping in self.store().trees(&record.id)? {
                    self.check_tree(&record.id, &mapping, options.repair, &mut report)?;
                }
            }
            self.store().sync_pending()?;
        }
        Ok(report)
    }

    fn check_tree(
        &self,
        layer: &LocalId,
        mapping: &MappingName,
        repair: bool,
        report: &mut CheckReport,
    ) -> Result<()> {
        let Some(engine) = self.with_mapping_named(mapping.as_str()) else {
            report.unreadable_trees += 1;
            return Ok(());
        };
        let Some(reason) = engine.tree_damage(layer, mapping)? else {
            report.trees += 1;
            return Ok(());
        };
        report.trees += 1;
        let from = self.source_of(layer)?;
        let remedy = match &from {
            Some(_) => "`--full --repair` makes the files again from the layer's blob",
            None => "that content is lost: no blob holds it; build, import or load it again",
        };
        let what = format!("files of layer {layer} are not what was stored: {reason}");
        let damage = Damage::Tree { layer: layer.clone(), mapping: mapping.clone(), reason };
        let finding = report.found(damage, what, remedy);
        let Some((blob, diff_id)) = from.filter(|_| repair) else { return Ok(()) };
        if !self.store().discard_tree(layer, mapping)? {
            finding.remedy = "stop the containers that use it, then repair".to_owned();
            return Ok(());
        }
        let lease = self.store().begin()?;
        let ingest = lease.begin_tree(layer, mapping)?;
        let root = ingest.root_path();
        rustix::fs::mkdir(&root, rustix::fs::Mode::from_raw_mode(0o755))
            .map_err(|error| Error::at("make", &root, error))?;
        engine.unpack_again(&lease, &engine.join()?, blob, &diff_id, &root)?;
        ingest.commit()?;
        match engine.tree_damage(layer, mapping)? {
            None => finding.mended("made again from the layer's blob"),
            Some(reason) => finding.remedy = format!("made again, and still: {reason}"),
        }
        Ok(())
    }

    /// The first difference between a tree and its index.
    fn tree_damage(&self, layer: &LocalId, mapping: &MappingName) -> Result<Option<String>> {
        let Some(tree) = self.store().tree_path(layer, mapping)? else { return Ok(None) };
        let open = |path: &Path| File::open(path).map_err(|e| Error::at("open", path, e));
        let (tree, index) = (open(&tree)?, open(&self.store().layer_index_path(layer))?);
        let nowhere = Path::new("/dev/null");
        let nowhere = OpenOptions::new()
            .write(true)
            .open(nowhere)
            .map_err(|error| Error::at("open", nowhere, error))?;
        let joined = self.join()?;
        let mut fds = Outgoing::default();
        let (tree, index, tar) =
            (fds.push(tree.as_fd()), fds.push(index.as_fd()), fds.push(nowhere.as_fd()));
        let verb = |join| Verb::Export(Export { join, tree, index, tar });
        match self.run_verb(&joined, fds, verb) {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(error.one_line())),
            Err(error) => Err(error),
        }
    }

    /// The blob that a layer can be made from again, whole, and the digest of what is in it.
    fn source_of(&self, layer: &LocalId) -> Result<Option<(File, minidock_image::digest::Digest)>> {
        let store = self.store();
        let (Some(blob), Some(diff_id)) = (store.packed(layer)?, store.diff_id(layer)?) else {
            return Ok(None);
        };
        if !store.has_blob(&blob.digest)? || !store.verify_blob(&blob.digest)? {
            return Ok(None);
        }
        Ok(Some((store.open_blob(&blob.digest)?, diff_id)))
    }
}
