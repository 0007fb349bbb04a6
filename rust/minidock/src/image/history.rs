//! `history`: the steps that an image says it was made by, with the sizes of their layers.

use minidock_image::digest::Digest;

use crate::engine::Engine;
use crate::error::Result;

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The image's id at its newest step; docker's `<missing>` elsewhere.
    pub id: Option<Digest>,
    /// When, seconds since 1970.
    pub created: i64,
    /// The instruction.
    pub created_by: String,
    /// Bytes of the files of its layer; 0 for a step that made none.
    pub size: u64,
    /// A note.
    pub comment: String,
    /// Names of the image, at its newest step.
    pub tags: Vec<String>,
}

impl Engine {
    /// The steps of an image, the newest first. What they say is the image's word; only sizes are
    /// known here.
    pub fn image_history(&self, query: &str) -> Result<Vec<HistoryRow>> {
        let id = self.store().resolve_image(query)?;
        let image = self.store().image(&id)?;
        let config = super::parsed_config(&image)?;
        let mut layers = image.layers.iter();
        let mut rows = Vec::new();
        for step in config.history {
            let layer = if step.empty_layer { None } else { layers.next() };
            rows.push(HistoryRow {
                id: None,
                created: super::seconds_of(step.created.as_deref()),
                created_by: step.created_by,
                size: layer.map_or(Ok(0), |layer| self.store().layer(layer).map(|l| l.size))?,
                comment: step.comment,
                tags: Vec::new(),
            });
        }
        // Layers that no step speaks of are the image's all the same.
        for layer in layers {
            let layer = self.store().layer(layer)?;
            rows.push(HistoryRow {
                id: None,
                created: image.created,
                created_by: String::new(),
                size: layer.size,
                comment: String::new(),
                tags: Vec::new(),
            });
        }
        rows.reverse();
        if let Some(newest) = rows.first_mut() {
            newest.id = Some(id);
            let tags = image.references.iter().filter(|name| name.digest().is_none());
            newest.tags = tags.map(minidock_image::reference::Reference::familiar).collect();
        }
        Ok(rows)
    }
}
