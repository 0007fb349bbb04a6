//! Docker's `Config` of a container: what runs in it.

use serde_json::{Map, Value, json};

use super::{or_null, text, texts};
use crate::container::{ContainerConfig, MountKind};
use crate::signal;

pub(super) fn config(config: &ContainerConfig) -> Value {
    let (entrypoint, command) = config.args.split_at(config.entrypoint_len.min(config.args.len()));
    let empty = Value::Object(Map::new());
    let anonymous = config.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Volume { name: Some(name), .. } if config.anonymous_volumes.contains(name) => {
            Some((text(&mount.target), empty.clone()))
        }
        _ => None,
    });
    let exposed: Map<_, _> = config.exposed.iter().map(|p| (p.clone(), empty.clone())).collect();
    let mut shown = json!({
        "Hostname": config.hostname,
        "Domainname": "",
        "User": config.user,
        "AttachStdin": config.stdin_open,
        "AttachStdout": true,
        "AttachStderr": true,
        "Tty": config.tty,
        "OpenStdin": config.stdin_open,
        "StdinOnce": false,
        "Env": texts(&config.env),
        "Cmd": or_null(json!(texts(command))),
        "Image": config.image,
        "Volumes": or_null(Value::Object(anonymous.collect())),
        "WorkingDir": text(&config.cwd),
        "Entrypoint": or_null(json!(texts(entrypoint))),
        "OnBuild": null,
        "Labels": config.labels,
        "StopSignal": signal::name(config.stop_signal),
        "StopTimeout": config.stop_timeout,
    });
    if !exposed.is_empty() {
        shown["ExposedPorts"] = Value::Object(exposed);
    }
    shown
}
