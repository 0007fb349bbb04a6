//! Images as docker's `image inspect` shows them.

use std::path::PathBuf;

use minidock_image::config::ImageConfig;
use minidock_image::digest::Digest;
use serde_json::{Value, json};

use super::{or_null, times};

/// What is known of an image.
pub(crate) struct ImageView<'i> {
    pub(crate) id: &'i Digest,
    pub(crate) tags: Vec<String>,
    pub(crate) digests: Vec<String>,
    /// Bytes of its layers' files.
    pub(crate) size: u64,
    /// When it got its newest name, seconds since 1970.
    pub(crate) tagged_at: Option<i64>,
    /// Trees of its layers under this mapping, lowest first.
    pub(crate) trees: &'i [PathBuf],
    pub(crate) config: &'i ImageConfig,
}

/// One element of docker's array (Engine API, `ImageInspect`).
pub(crate) fn inspect_image(image: &ImageView<'_>) -> Value {
    let config = image.config;
    let comment = config.history.last().map_or("", |step| step.comment.as_str());
    let mut shown = json!({
        "Id": image.id.to_string(),
        "RepoTags": image.tags,
        "RepoDigests": image.digests,
        "Parent": "",
        "Comment": comment,
        "Created": config.created,
        "DockerVersion": config.other.get("docker_version").cloned().unwrap_or_else(|| "".into()),
        "Author": config.author,
        "Config": process(config),
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": image.size,
        "GraphDriver": { "Name": "overlay", "Data": super::lower_dirs(image.trees) },
        "RootFS": { "Type": "layers", "Layers": config.rootfs.diff_ids },
        "Metadata": { "LastTagTime": times::of_seconds(image.tagged_at) },
    });
    if !config.variant.is_empty() {
        shown["Variant"] = config.variant.clone().into();
    }
    shown
}

/// Docker's `Config`: what is not set is there all the same, apart from what docker leaves out.
fn process(config: &ImageConfig) -> Value {
    let process = &config.config;
    // What this version does not know comes first: nothing in it may replace what it does.
    let mut shown = Value::Object(process.other.clone());
    for (name, default) in [
        ("Hostname", json!("")),
        ("Domainname", json!("")),
        ("AttachStdin", json!(false)),
        ("AttachStdout", json!(false)),
        ("AttachStderr", json!(false)),
        ("Tty", json!(false)),
        ("OpenStdin", json!(false)),
        ("StdinOnce", json!(false)),
        ("Image", json!("")),
    ] {
        if shown.get(name).is_none() {
            shown[name] = default;
        }
    }
    shown["User"] = process.user.clone().into();
    shown["Env"] = process.env.clone().into();
    shown["Cmd"] = json!(process.cmd);
    shown["Entrypoint"] = json!(process.entrypoint);
    shown["WorkingDir"] = process.working_dir.clone().into();
    shown["Volumes"] = or_null(json!(process.volumes));
    shown["Labels"] = or_null(json!(process.labels));
    shown["OnBuild"] =
        if process.on_build.is_empty() { Value::Null } else { process.on_build.clone().into() };
    if !process.exposed_ports.is_empty() {
        shown["ExposedPorts"] = json!(process.exposed_ports);
    }
    if let Some(check) = &process.healthcheck {
        shown["Healthcheck"] = json!(check);
    }
    if !process.stop_signal.is_empty() {
        shown["StopSignal"] = process.stop_signal.clone().into();
    }
    if let Some(timeout) = process.stop_timeout {
        shown["StopTimeout"] = timeout.into();
    }
    if !process.shell.is_empty() {
        shown["Shell"] = process.shell.clone().into();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape() {
        let text = br#"{"created":"2024-01-01T00:00:00Z","architecture":"arm64","variant":"v8",
            "os":"linux","docker_version":"20","config":{"Env":["A=b"],"Cmd":["sh"],
            "ExposedPorts":{"80/tcp":{}},"Hostname":"h","Labels":{"Env":"x"}},
            "history":[{"comment":"first"},{"comment":"last"}]}"#;
        let config = ImageConfig::from_json(text).unwrap();
        let id = Digest::of(text);
        let shown = inspect_image(&ImageView {
            id: &id,
            tags: vec!["a:1".to_owned()],
            digests: Vec::new(),
            size: 7,
            tagged_at: Some(0),
            trees: &[],
            config: &config,
        });
        for (path, want) in [
            ("/Id", json!(id.to_string())),
            ("/RepoTags/0", json!("a:1")),
            ("/RepoDigests", json!([])),
            ("/Comment", json!("last")),
            ("/DockerVersion", json!("20")),
            ("/Variant", json!("v8")),
            ("/Config/Hostname", json!("h")),
            ("/Config/Cmd", json!(["sh"])),
            ("/Config/Entrypoint", Value::Null),
            ("/Config/Volumes", Value::Null),
            ("/Config/ExposedPorts", json!({"80/tcp": {}})),
            ("/Config/Labels/Env", json!("x")),
            ("/GraphDriver", json!({"Name": "overlay", "Data": null})),
            ("/RootFS", json!({"Type": "layers", "Layers": []})),
            ("/Metadata/LastTagTime", json!("1970-01-01T00:00:00Z")),
        ] {
            assert_eq!(shown.pointer(path), Some(&want), "{path}");
        }
    }
}
