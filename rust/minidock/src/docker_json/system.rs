//! Docker's `version`, `info`, `system df` and `history` (Engine API, `SystemVersion`,
//! `SystemInfo`, `SystemDataUsage`, `ImageHistory`).

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::ImageFilter;
use crate::system::{CgroupMode, version};

/// Docker's `version`.
#[must_use]
pub fn docker_version() -> Value {
    let name = rustix::system::uname();
    let kernel = name.release().to_string_lossy().into_owned();
    json!({
        "Platform": { "Name": "minidock" },
        "Components": [{ "Name": "minidock", "Version": version() }],
        "Version": version(),
        "Os": "linux",
        "Arch": crate::image::host_platform().architecture,
        "KernelVersion": kernel,
    })
}

impl Engine {
    /// Docker's `info`; what minidock knows beside it is in `Minidock`, see [`Engine::info`].
    pub fn docker_info(&self) -> Result<Value> {
        let info = self.info()?;
        let name = rustix::system::uname();
        let stopped = info.containers.saturating_sub(info.containers_running);
        let facts = serde_json::to_value(&info).map_err(|error| {
            Error::new(ErrorKind::Internal, "facts cannot be written as JSON").with_source(error)
        })?;
        Ok(json!({
            "ID": info.store.id,
            "Name": name.nodename().to_string_lossy(),
            "ServerVersion": info.version,
            "Containers": info.containers,
            "ContainersRunning": info.containers_running,
            "ContainersPaused": 0,
            "ContainersStopped": stopped,
            "Images": info.images,
            "Driver": "overlay",
            "DockerRootDir": info.store.root,
            "LoggingDriver": "json-file",
            "CgroupVersion": if info.cgroup.mode == CgroupMode::V2 { "2" } else { "1" },
            "KernelVersion": info.kernel.release,
            "OSType": "linux",
            "Architecture": info.kernel.machine,
            "NCPU": std::thread::available_parallelism().map_or(1, usize::from),
            "MemTotal": rustix::system::sysinfo().totalram,
            "SecurityOptions": ["name=rootless", "name=seccomp,profile=builtin"],
            "Minidock": facts,
        }))
    }

    /// Docker's `system df`.
    pub fn docker_df(&self) -> Result<Value> {
        let usage = self.store().usage()?;
        let mut containers = Vec::new();
        let mut users = std::collections::HashMap::new();
        for container in self.containers()? {
            if let Some(image) = container.record.image {
                *users.entry(image).or_insert(0_usize) += 1;
            }
            containers.push(json!({
                "Id": container.record.id.as_str(),
                "Names": [format!("/{}", container.record.name)],
                "Image": container.config.image,
                "ImageID": container.record.image.map(|id| id.to_string()).unwrap_or_default(),
                "Created": container.record.created,
                "Labels": container.config.labels,
                "State": container.state.status,
            }));
        }
        let images = self.list_images(&ImageFilter::default())?;
        let images: Vec<_> = images
            .iter()
            .map(|image| {
                let tags = image.references.iter().filter(|name| name.digest().is_none());
                json!({
                    "Id": image.id.to_string(),
                    "RepoTags": tags.map(|name| name.familiar()).collect::<Vec<_>>(),
                    "Created": image.created,
                    "Size": image.size,
                    "SharedSize": -1,
                    "Labels": image.labels,
                    "Containers": users.get(&image.id).copied().unwrap_or_default(),
                })
            })
            .collect();
        Ok(json!({
            "LayersSize": usage.images.size,
            "Images": images,
            "Containers": containers,
            "Volumes": self.inspect_volumes()?,
            "BuildCache": [],
            "BuildCacheUsage": {
                "TotalCount": usage.build_cache.total,
                "TotalSize": usage.build_cache.size,
                "Reclaimable": usage.build_cache.reclaimable,
            },
        }))
    }

    /// Docker's `history` of an image, the newest step first.
    pub fn inspect_history(&self, query: &str) -> Result<Value> {
        let rows = self.image_history(query)?;
        let shown = rows.into_iter().map(|row| {
            json!({
                "Id": row.id.map_or_else(|| "<missing>".to_owned(), |id| id.to_string()),
                "Created": row.created,
                "CreatedBy": row.created_by,
                "Tags": super::or_null(json!(row.tags)),
                "Size": row.size,
                "Comment": row.comment,
            })
        });
        Ok(shown.collect())
    }
}
