//! `image inspect`: gathers what is known of an image; `docker_json` gives it its shape.

use minidock_image::reference::Reference;
use serde_json::Value;

use crate::docker_json::{ImageView, inspect_image};
use crate::engine::Engine;
use crate::error::Result;

impl Engine {
    /// An image in the shape of docker's `image inspect`.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// println!("{}", engine.inspect_image("tiny:1")?["Config"]["Cmd"]);
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn inspect_image(&self, query: &str) -> Result<Value> {
        let id = self.store().resolve_image(query)?;
        let image = self.store().image(&id)?;
        let config = super::parsed_config(&image)?;
        let mapping = self.mapping_name()?;
        let mut trees = Vec::new();
        for layer in &image.layers {
            trees.extend(self.store().tree_path(layer, &mapping)?);
        }
        let (digests, tags): (Vec<&Reference>, Vec<_>) =
            image.references.iter().partition(|name| name.digest().is_some());
        Ok(inspect_image(&ImageView {
            id: &image.id,
            tags: tags.into_iter().map(Reference::familiar).collect(),
            digests: digests.into_iter().map(Reference::familiar).collect(),
            size: image.size,
            tagged_at: self.store().tagged_at(&id)?,
            trees: &trees,
            config: &config,
        }))
    }
}
