//! Volumes as docker's `volume inspect` shows them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::times;
use crate::container::MountKind;
use crate::engine::Engine;
use crate::error::Result;
use crate::store::{VolumeName, VolumeRecord};

impl Engine {
    /// A volume in the shape of docker's `volume inspect`.
    pub fn inspect_volume(&self, name: &VolumeName) -> Result<Value> {
        Ok(self.volume_json(&self.store().volume(name)?))
    }

    /// All volumes in that shape, each with the number of containers that have it in
    /// `UsageData.RefCount`; sizes are not known without looking at every file, docker's -1.
    pub fn inspect_volumes(&self) -> Result<Value> {
        let mut uses: HashMap<String, usize> = HashMap::new();
        for container in self.containers()? {
            for mount in container.config.mounts {
                if let MountKind::Volume { name: Some(name), .. } = mount.kind {
                    *uses.entry(name).or_default() += 1;
                }
            }
        }
        let volumes = self.store().volumes()?;
        let shown = volumes.iter().map(|volume| {
            let count = uses.get(volume.name.as_str()).copied().unwrap_or_default();
            let mut shown = self.volume_json(volume);
            shown["UsageData"] = json!({ "RefCount": count, "Size": -1 });
            shown
        });
        Ok(shown.collect())
    }

    fn volume_json(&self, volume: &VolumeRecord) -> Value {
        let mut labels = volume.labels.clone();
        if volume.anonymous {
            // Docker's mark of a volume that was made without a name.
            labels.insert("com.docker.volume.anonymous".to_owned(), String::new());
        }
        json!({
            "CreatedAt": times::of_seconds(Some(volume.created)),
            "Driver": "local",
            "Labels": super::or_null(json!(labels)),
            "Mountpoint": self.store().volume_data(&volume.name).display().to_string(),
            "Name": volume.name.as_str(),
            "Options": null,
            "Scope": "local",
        })
    }
}
