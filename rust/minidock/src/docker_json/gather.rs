//! What a container's `inspect` shows, gathered from the store and its supervisor.

use serde_json::Value;

use super::{ContainerView, inspect_container};
use crate::engine::Engine;
use crate::error::Result;
use crate::store::VolumeName;

impl Engine {
    /// A container in the shape of docker's `inspect`.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// println!("{}", engine.inspect_container("web")?["State"]["Status"]);
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn inspect_container(&self, query: &str) -> Result<Value> {
        let id = self.find_container(query)?;
        let summary = self.container(&id)?;
        let mapping = self.mapping_name()?;
        let mut trees = Vec::new();
        for layer in &summary.record.layers {
            trees.extend(self.store().tree_path(layer, &mapping)?);
        }
        let volume = |name: &str| {
            name.parse::<VolumeName>().ok().map(|name| self.store().volume_data(&name))
        };
        Ok(inspect_container(&ContainerView {
            summary: &summary,
            pid: self.container_pid(&id)?,
            directory: &self.store().container_dir(&id),
            trees: &trees,
            volume: &volume,
        }))
    }
}
