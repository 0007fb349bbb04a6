//! Rows of docker's listings (Engine API, `ImageSummary`, `HistoryResponseItem`,
//! `ContainerSummary`), for faces whose callers take JSON.

use minidock_proto::request::Protocol;
use serde_json::{Value, json};

use super::{network, texts};
use crate::container::{ContainerSummary, Status};
use crate::image::{HistoryRow, ImageSummary, Loaded, Removed};

impl ImageSummary {
    /// As docker's `GET /images/json` shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (digests, tags): (Vec<_>, Vec<_>) =
            self.references.iter().partition(|name| name.digest().is_some());
        let names = |names: Vec<&minidock_image::reference::Reference>| -> Vec<String> {
            names.into_iter().map(|name| name.familiar()).collect()
        };
        json!({
            "Id": self.id.to_string(),
            "RepoTags": names(tags),
            "RepoDigests": names(digests),
            "Created": self.created,
            "Size": self.size,
            "Labels": self.labels,
        })
    }
}

impl HistoryRow {
    /// As docker's `GET /images/NAME/history` shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "Id": self.id.map_or_else(|| "<missing>".to_owned(), |id| id.to_string()),
            "Created": self.created,
            "CreatedBy": self.created_by,
            "Size": self.size,
            "Comment": self.comment,
            "Tags": self.tags,
        })
    }
}

impl Loaded {
    /// Its id and the names it was given.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let names: Vec<_> = self.references.iter().map(|name| name.familiar()).collect();
        json!({ "Id": self.id.to_string(), "RepoTags": names })
    }
}

impl Removed {
    /// As docker's `DELETE /images/NAME` shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Untagged(name) => json!({ "Untagged": name.familiar() }),
            Self::Deleted(id) => json!({ "Deleted": id.to_string() }),
        }
    }
}

impl ContainerSummary {
    /// As docker's `GET /containers/json` shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { record, config, state } = self;
        let running = state.status == Status::Running;
        let ports = config.ports.iter().zip(&config.bound).filter(|_| running);
        let ports: Vec<_> = ports
            .map(|(port, bound)| {
                let address = port.address.map_or_else(|| "0.0.0.0".to_owned(), |a| a.to_string());
                let kind = match port.protocol {
                    Protocol::Tcp => "tcp",
                    Protocol::Udp => "udp",
                };
                json!({
                    "IP": address,
                    "PrivatePort": port.container,
                    "PublicPort": bound,
                    "Type": kind,
                })
            })
            .collect();
        json!({
            "Id": record.id.as_str(),
            "Names": [format!("/{}", record.name)],
            "Image": config.image,
            "ImageID": record.image.map(|id| id.to_string()).unwrap_or_default(),
            "Command": texts(&config.args).join(" "),
            "Created": record.created,
            "State": state.status,
            "ExitCode": state.exit_code,
            "Ports": ports,
            "Labels": config.labels,
            "HostConfig": { "NetworkMode": network::mode(&config.network) },
        })
    }
}
