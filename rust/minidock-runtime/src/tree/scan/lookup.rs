//! What the layers below have at a place, by their indexes, as an overlay would show it.

use minidock_image::layer::{Entry, EntryKind, EntryPath, LayerIndex};

/// The layers below that have a directory, topmost first.
#[derive(Debug, Clone)]
pub(in super::super) struct Below<'a> {
    layers: Vec<&'a LayerIndex>,
}

impl<'a> Below<'a> {
    /// For the root, which every layer has.
    pub(in super::super) fn root(parents: &'a [LayerIndex]) -> Self {
        let mut layers = Vec::new();
        for layer in parents {
            layers.push(layer);
            if layer.get(&EntryPath::root()).is_some_and(is_opaque) {
                break;
            }
        }
        Self { layers }
    }

    /// For the directory at `path`.
    pub(in super::super) fn at(parents: &'a [LayerIndex], path: &EntryPath) -> Self {
        let steps = path.ancestors().chain([path.clone()]).filter(|step| !step.is_root());
        steps.fold(Self::root(parents), |below, step| below.enter(&step))
    }

    /// For a directory that is new.
    pub(super) fn nothing() -> Self {
        Self { layers: Vec::new() }
    }

    /// For a directory in this one.
    pub(in super::super) fn enter(&self, path: &EntryPath) -> Self {
        let mut layers = Vec::new();
        for layer in &self.layers {
            match layer.get(path) {
                None => {}
                Some(entry) if entry.is_directory() => {
                    layers.push(*layer);
                    if is_opaque(entry) {
                        break;
                    }
                }
                Some(_) => break,
            }
        }
        Self { layers }
    }

    /// The layers that have the directory, topmost first.
    pub(in super::super) fn layers(&self) -> &[&'a LayerIndex] {
        &self.layers
    }

    /// Whether any layer has the directory.
    pub(super) fn has_directory(&self) -> bool {
        !self.layers.is_empty()
    }

    /// The directory's own entry, from the topmost layer whose tar mentioned it.
    pub(in super::super) fn own_entry(&self, path: &EntryPath) -> Option<&'a Entry> {
        let mut entries = self.layers.iter().filter_map(|layer| layer.get(path));
        entries.find(|entry| !matches!(entry.kind, EntryKind::Directory { implied: true, .. }))
    }

    /// What is visible at a path in the directory; hard links are followed to the file.
    pub(in super::super) fn entry(&self, path: &EntryPath) -> Option<&'a Entry> {
        let entry = self.layers.iter().find_map(|layer| layer.resolve(path))?;
        (entry.kind != EntryKind::Whiteout).then_some(entry)
    }
}

fn is_opaque(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Directory { opaque: true, .. })
}
