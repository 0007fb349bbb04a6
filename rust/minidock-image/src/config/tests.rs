//! Configs as docker and OCI tools write them.

use super::*;

const DOCKER: &str = r#"{
  "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05.678901234Z",
  "author": "someone", "docker_version": "20.10.7", "container": "abc",
  "config": {
    "Hostname": "", "Tty": false, "User": "1000:1000", "ExposedPorts": {"80/tcp": {}},
    "Env": ["PATH=/bin", "A=", "*"], "Cmd": ["sh", "-c", "x"], "Entrypoint": null,
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000, "Retries": 3},
    "ArgsEscaped": true, "Volumes": {"/data": {}}, "WorkingDir": "/w", "OnBuild": null,
    "Labels": {"a": "b"}, "StopSignal": "SIGQUIT", "StopTimeout": 3, "Shell": ["bash", "-c"]
  },
  "rootfs": {"type": "layers", "diff_ids": [
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},
  "history": [
    {"created": "2024-01-02T03:04:05Z", "created_by": "ADD x / #", "comment": "c", "author": "a"},
    {"created_by": "CMD [\"sh\"]", "empty_layer": true, "x": 1}
  ]
}"#;

#[test]
fn reads_every_field() {
    let config = ImageConfig::from_json(DOCKER.as_bytes()).unwrap();
    let process = &config.config;
    assert_eq!((config.os.as_str(), config.author.as_str()), ("linux", "someone"));
    assert_eq!(config.platform().to_string(), "linux/amd64");
    assert_eq!(config.other["docker_version"], "20.10.7");
    assert_eq!(process.user, "1000:1000");
    assert!(process.exposed_ports.0.contains("80/tcp") && process.volumes.0.contains("/data"));
    assert_eq!(process.env, ["PATH=/bin", "A=", "*"]);
    assert_eq!((process.cmd.as_ref().unwrap().len(), &process.entrypoint), (3, &None));
    assert_eq!(process.healthcheck.as_ref().unwrap().interval, 5_000_000_000);
    assert!(process.args_escaped && process.on_build.is_empty());
    assert_eq!((process.working_dir.as_str(), process.stop_signal.as_str()), ("/w", "SIGQUIT"));
    assert_eq!((process.stop_timeout, process.shell.len()), (Some(3), 2));
    assert_eq!(config.rootfs.diff_ids.len(), 1);
    assert!(config.check_layer_count(1).is_ok());
    assert!(config.history[1].empty_layer && config.history[1].other["x"] == 1);
}

#[test]
fn round_trip_keeps_everything_but_null() {
    let config = ImageConfig::from_json(DOCKER.as_bytes()).unwrap();
    let json = config.to_json().unwrap();
    assert_eq!(ImageConfig::from_json(&json).unwrap(), config);
    let mut expected: serde_json::Value = serde_json::from_str(DOCKER).unwrap();
    for null in ["Entrypoint", "OnBuild"] {
        expected["config"].as_object_mut().unwrap().remove(null);
    }
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), expected);
}

#[test]
fn null_is_absence() {
    let text = r#"{"architecture":null,"os":null,"created":null,"config":null,"rootfs":null,
        "history":null,"author":null}"#;
    let config = ImageConfig::from_json(text.as_bytes()).unwrap();
    assert_eq!(config.config, ProcessConfig::default());
    let text = r#"{"config":{"Env":null,"Labels":null,"Volumes":null,"ExposedPorts":null,
        "User":null,"Cmd":null,"Healthcheck":null,"Shell":null,"ArgsEscaped":null}}"#;
    let config = ImageConfig::from_json(text.as_bytes()).unwrap();
    assert_eq!(config.config, ProcessConfig::default());
    let set = ImageConfig::from_json(br#"{"config":{"Entrypoint":[]}}"#).unwrap();
    assert_eq!(set.config.entrypoint, Some(Vec::new()));
}

/// Row U14, the part that a config shows.
#[test]
fn refusals() {
    let config = ImageConfig::from_json(DOCKER.as_bytes()).unwrap();
    let line = config.check_layer_count(2).unwrap_err().to_string();
    assert!(line.contains("lists 1 layers, its manifest 2"), "{line}");
    for (json, expected) in [
        (r#"{"rootfs":{"type":"other"}}"#.to_owned(), "rootfs of type \"other\""),
        (r#"{"rootfs":{"diff_ids":["sha256:x"]}}"#.to_owned(), "is not valid"),
        (r#"{"config":{"Env":"x"}}"#.to_owned(), "is not valid"),
        (r#"{"os":1}"#.to_owned(), "is not valid"),
        (r#"{"os":"a","os":"b"}"#.to_owned(), "is not valid"),
        ("{".to_owned(), "is not valid"),
        (" ".repeat(1 + MAX_CONFIG_LEN as usize), "at most 8388608"),
    ] {
        let line = ImageConfig::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(line.contains(expected), "{line}");
    }
}
