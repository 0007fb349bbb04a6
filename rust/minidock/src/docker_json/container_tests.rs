//! Containers in docker's shape: the fields that clients read.

use serde_json::json;

use super::*;
use crate::container::{
    ContainerConfig, MountKind, MountOptions, NetworkMode, Protocol, PublishedPort, SeccompOption,
};
use crate::store::ContainerRecord;

fn settings() -> ContainerConfig {
    let port =
        |host, container| PublishedPort { address: None, host, container, protocol: Protocol::Tcp };
    let mount =
        |target: &str, kind, read_only| MountOptions { target: target.into(), kind, read_only };
    let volume = |name: &str| MountKind::Volume { name: Some(name.to_owned()), no_copy: false };
    let bind = MountKind::Bind { source: "/src".into(), create: false };
    ContainerConfig {
        image: "tiny".to_owned(),
        args: vec!["/e".into(), "a".into(), "b".into()],
        entrypoint_len: 1,
        env: vec!["A=b".into()],
        cwd: "/w".into(),
        user: String::new(),
        groups: Vec::new(),
        tty: false,
        stdin_open: false,
        hostname: "h".to_owned(),
        mounts: vec![
            mount("/b", bind, true),
            mount("/v", volume("data"), false),
            mount("/x", volume("anon"), false),
            mount(
                "/t",
                MountKind::Tmpfs { size: Some(64), inodes: None, mode: Some(0o1777), exec: false },
                false,
            ),
        ],
        anonymous_volumes: vec!["anon".to_owned()],
        read_only: false,
        network: NetworkMode::Private,
        ports: vec![port(0, 80), port(8443, 443)],
        exposed: ["80/tcp".to_owned(), "9/udp".to_owned()].into(),
        // docker's default with CAP_SYS_PTRACE (19) and without CAP_CHOWN (0).
        capabilities: (crate::container::DEFAULT_CAPABILITIES
            .iter()
            .filter_map(|name| minidock_sys::seccomp::CapSet::from_name(name))
            .fold(0, |set, one| set | one.bits())
            | 1 << 19)
            & !1,
        privileged: false,
        seccomp: SeccompOption::Unconfined,
        no_new_privileges: true,
        limits: Vec::new(),
        init: false,
        labels: [("k".to_owned(), "v".to_owned())].into(),
        stop_signal: 15,
        stop_timeout: 10,
        auto_remove: false,
        shm_size: 64 << 20,
        hosts: vec!["10.0.0.1\tdb".to_owned()],
        has_healthcheck: false,
        bound: vec![40001, 8443],
        started_at_once: false,
        own_user_namespace: false,
    }
}

fn shown(state: ContainerState, pid: i32) -> Value {
    let record = ContainerRecord {
        id: "ab".repeat(32).parse().unwrap(),
        name: "web".parse().unwrap(),
        image: None,
        layers: Vec::new(),
        created: 0,
        boot: String::new(),
    };
    let summary = ContainerSummary { record, config: settings(), state };
    inspect_container(&ContainerView {
        summary: &summary,
        pid,
        directory: Path::new("/s/c"),
        trees: &["/low".into(), "/top".into()],
        volume: &|name| Some(Path::new("/vol").join(name)),
    })
}

fn running() -> ContainerState {
    ContainerState {
        status: Status::Running,
        started_at: Some(1_000_000_001),
        finished_at: None,
        exit_code: None,
        error: None,
    }
}

#[test]
fn a_running_container() {
    let shown = shown(running(), 77);
    for (path, want) in [
        ("/Name", json!("/web")),
        ("/Path", json!("/e")),
        ("/Args", json!(["a", "b"])),
        ("/Created", json!("1970-01-01T00:00:00Z")),
        ("/State/Status", json!("running")),
        ("/State/Running", json!(true)),
        ("/State/Pid", json!(77)),
        ("/State/StartedAt", json!("1970-01-01T00:00:01.000000001Z")),
        ("/State/FinishedAt", json!("0001-01-01T00:00:00Z")),
        ("/LogPath", json!("/s/c/log")),
        ("/GraphDriver/Data/LowerDir", json!("/top:/low")),
        ("/Config/Entrypoint", json!(["/e"])),
        ("/Config/Cmd", json!(["a", "b"])),
        ("/Config/Volumes", json!({"/x": {}})),
        ("/Config/ExposedPorts", json!({"80/tcp": {}, "9/udp": {}})),
        ("/Config/StopSignal", json!("SIGTERM")),
        ("/HostConfig/Binds", json!(["/src:/b:ro", "data:/v", "anon:/x"])),
        ("/HostConfig/Tmpfs", json!({"/t": "size=64,mode=1777"})),
        ("/HostConfig/CapAdd", json!(["CAP_SYS_PTRACE"])),
        ("/HostConfig/CapDrop", json!(["CAP_CHOWN"])),
        ("/HostConfig/SecurityOpt", json!(["no-new-privileges", "seccomp=unconfined"])),
        ("/HostConfig/ExtraHosts", json!(["db:10.0.0.1"])),
        ("/HostConfig/NetworkMode", json!("private")),
        (
            "/HostConfig/PortBindings",
            json!({"80/tcp": [{"HostIp": "", "HostPort": ""}],
                   "443/tcp": [{"HostIp": "", "HostPort": "8443"}]}),
        ),
        (
            "/NetworkSettings/Ports",
            json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40001"}],
                   "443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8443"}], "9/udp": null}),
        ),
        ("/Mounts/0/Type", json!("bind")),
        ("/Mounts/0/RW", json!(false)),
        ("/Mounts/1/Source", json!("/vol/data")),
        ("/Mounts/3/Type", json!("tmpfs")),
    ] {
        assert_eq!(shown.pointer(path), Some(&want), "{path}");
    }
}

#[test]
fn an_ended_container() {
    let state = ContainerState {
        status: Status::Exited,
        finished_at: Some(2_000_000_000),
        exit_code: Some(3),
        error: Some("why".to_owned()),
        ..running()
    };
    let shown = shown(state, 0);
    for (path, want) in [
        ("/State/Status", json!("exited")),
        ("/State/Running", json!(false)),
        ("/State/ExitCode", json!(3)),
        ("/State/Error", json!("why")),
        ("/State/FinishedAt", json!("1970-01-01T00:00:02Z")),
        ("/NetworkSettings/Ports", json!({})),
    ] {
        assert_eq!(shown.pointer(path), Some(&want), "{path}");
    }
}
