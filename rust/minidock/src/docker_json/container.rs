//! Containers as docker's `inspect` shows them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{config, host_config, joined, network, text, texts, times};
use crate::container::{ContainerState, ContainerSummary, Status};

/// What is known of a container.
pub(crate) struct ContainerView<'c> {
    pub(crate) summary: &'c ContainerSummary,
    /// Its first process as the host sees it; 0 when it does not run.
    pub(crate) pid: i32,
    /// Its directory in the store.
    pub(crate) directory: &'c Path,
    /// Trees of its layers under this mapping, lowest first.
    pub(crate) trees: &'c [PathBuf],
    /// Where the files of a volume lie.
    pub(crate) volume: &'c dyn Fn(&str) -> Option<PathBuf>,
}

/// One element of docker's array (Engine API, `ContainerInspect`).
pub(crate) fn inspect_container(view: &ContainerView<'_>) -> Value {
    let ContainerSummary { record, config: settings, state } = view.summary;
    let inside = |name: &str| view.directory.join(name).to_string_lossy().into_owned();
    let volume = |name: &str| (view.volume)(name);
    json!({
        "Id": record.id.as_str(),
        "Created": times::of_seconds(Some(record.created)),
        "Path": settings.args.first().map(text).unwrap_or_default(),
        "Args": texts(settings.args.get(1..).unwrap_or_default()),
        "State": state_json(state, view.pid),
        "Image": record.image.map(|id| id.to_string()).unwrap_or_default(),
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": inside(minidock_proto::record::LOG),
        "Name": format!("/{}", record.name),
        "RestartCount": 0,
        "Driver": "overlay",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": null,
        "HostConfig": host_config::host_config(settings),
        "GraphDriver": {
            "Name": "overlay",
            "Data": {
                "LowerDir": joined(view.trees),
                "UpperDir": inside(minidock_proto::record::UPPER),
                "WorkDir": inside(minidock_proto::record::WORK),
            },
        },
        "Mounts": settings
            .mounts
            .iter()
            .map(|mount| host_config::mount(mount, &volume))
            .collect::<Vec<_>>(),
        "Config": config::config(settings),
        "NetworkSettings": network::settings(settings, state.status == Status::Running),
    })
}

fn state_json(state: &ContainerState, pid: i32) -> Value {
    json!({
        "Status": state.status,
        "Running": state.status == Status::Running,
        "Paused": false,
        "Restarting": false,
        "OOMKilled": false,
        "Dead": false,
        "Pid": pid,
        "ExitCode": state.exit_code.unwrap_or(0),
        "Error": state.error.as_deref().unwrap_or_default(),
        "StartedAt": times::of_nanoseconds(state.started_at),
        "FinishedAt": times::of_nanoseconds(state.finished_at),
    })
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
