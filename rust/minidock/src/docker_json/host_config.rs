//! Docker's `HostConfig` and `Mounts` of a container: what it has of its host.

use std::path::PathBuf;

use minidock_proto::process::{Limit, Resource};
use minidock_sys::seccomp::CapSet;
use serde_json::{Map, Value, json};

use super::{network, or_null, text};
use crate::container::{
    ContainerConfig, DEFAULT_CAPABILITIES, MountKind, MountOptions, SeccompOption,
};

pub(super) fn host_config(config: &ContainerConfig) -> Value {
    let (added, dropped) = capabilities(config);
    let mut shown = json!({
        "Binds": or_null(json!(config.mounts.iter().filter_map(bind).collect::<Vec<_>>())),
        "NetworkMode": network::mode(&config.network),
        "PortBindings": network::bindings(&config.ports),
        "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 },
        "AutoRemove": config.auto_remove,
        "CapAdd": or_null(json!(added)),
        "CapDrop": or_null(json!(dropped)),
        "ExtraHosts": or_null(json!(config.hosts.iter().map(|h| host(h)).collect::<Vec<_>>())),
        "GroupAdd": or_null(json!(config.groups)),
        "IpcMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "Privileged": config.privileged,
        "PublishAllPorts": false,
        "ReadonlyRootfs": config.read_only,
        "SecurityOpt": or_null(json!(security(config))),
        "ShmSize": config.shm_size,
        "Init": config.init,
        "Runtime": "minidock-runtime",
        "Ulimits": config.limits.iter().map(limit).collect::<Vec<_>>(),
        "Memory": 0,
        "NanoCpus": 0,
        "PidsLimit": null,
    });
    let tmpfs: Map<_, _> = config.mounts.iter().filter_map(tmpfs).collect();
    if !tmpfs.is_empty() {
        shown["Tmpfs"] = Value::Object(tmpfs);
    }
    shown
}

/// `address<tab>name` of /etc/hosts as the flag has it.
fn host(line: &str) -> String {
    match line.split_once('\t') {
        Some((address, name)) => format!("{name}:{address}"),
        None => line.to_owned(),
    }
}

fn bind(mount: &MountOptions) -> Option<String> {
    let source = match &mount.kind {
        MountKind::Bind { source, .. } => source.to_string_lossy().into_owned(),
        MountKind::Volume { name, .. } => name.clone()?,
        MountKind::Tmpfs { .. } => return None,
    };
    let mode = if mount.read_only { ":ro" } else { "" };
    Some(format!("{source}:{}{mode}", text(&mount.target)))
}

fn tmpfs(mount: &MountOptions) -> Option<(String, Value)> {
    let MountKind::Tmpfs { size, inodes, mode, exec } = &mount.kind else { return None };
    let mut options = Vec::new();
    options.extend(mount.read_only.then(|| "ro".to_owned()));
    options.extend(size.map(|size| format!("size={size}")));
    options.extend(inodes.map(|inodes| format!("nr_inodes={inodes}")));
    options.extend(mode.map(|mode| format!("mode={mode:o}")));
    options.extend(exec.then(|| "exec".to_owned()));
    Some((text(&mount.target), options.join(",").into()))
}

/// What differs from docker's default; a privileged container has all of them without saying so.
fn capabilities(config: &ContainerConfig) -> (Vec<&'static str>, Vec<&'static str>) {
    if config.privileged {
        return (Vec::new(), Vec::new());
    }
    let default = DEFAULT_CAPABILITIES
        .iter()
        .filter_map(|name| CapSet::from_name(name))
        .fold(0, |set, one| set | one.bits());
    let names = |bits: u64| CapSet::from_bits(bits).names().collect();
    (names(config.capabilities & !default), names(default & !config.capabilities))
}

fn security(config: &ContainerConfig) -> Vec<String> {
    let mut options = Vec::new();
    options.extend(config.no_new_privileges.then(|| "no-new-privileges".to_owned()));
    match &config.seccomp {
        SeccompOption::Default => {}
        SeccompOption::Unconfined => options.push("seccomp=unconfined".to_owned()),
        SeccompOption::Profile(text) => options.push(format!("seccomp={text}")),
    }
    options
}

fn limit(limit: &Limit) -> Value {
    let name = Resource::ALL.iter().find(|(_, resource)| *resource == limit.resource);
    let number = |value: Option<u64>| value.map_or(json!(-1), |value| json!(value));
    json!({
        "Name": name.map_or("", |(name, _)| name),
        "Soft": number(limit.soft),
        "Hard": number(limit.hard),
    })
}

/// One element of `Mounts`; `data` is where a volume's files lie.
pub(super) fn mount(mount: &MountOptions, data: &dyn Fn(&str) -> Option<PathBuf>) -> Value {
    let mut shown = json!({
        "Destination": text(&mount.target),
        "Mode": if mount.read_only { "ro" } else { "" },
        "RW": !mount.read_only,
        "Propagation": "",
    });
    match &mount.kind {
        MountKind::Bind { source, .. } => {
            shown["Type"] = "bind".into();
            shown["Source"] = source.to_string_lossy().into();
            shown["Propagation"] = "rprivate".into();
        }
        MountKind::Volume { name, .. } => {
            let name = name.as_deref().unwrap_or_default();
            let source = data(name).unwrap_or_default();
            shown["Type"] = "volume".into();
            shown["Name"] = name.into();
            shown["Driver"] = "local".into();
            shown["Source"] = source.to_string_lossy().into();
        }
        MountKind::Tmpfs { .. } => {
            shown["Type"] = "tmpfs".into();
            shown["Source"] = "".into();
        }
    }
    shown
}
