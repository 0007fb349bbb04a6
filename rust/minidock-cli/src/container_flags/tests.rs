//! Lines of `run`, and what they ask of the engine.

use clap::Parser;
use minidock::container::{NetworkMode, SeccompOption};

use super::*;

#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    flags: ContainerFlags,
}

fn options(words: &[&str]) -> Result<ContainerOptions> {
    let line = Line::try_parse_from(std::iter::once(&"run").chain(words)).unwrap();
    line.flags.options()
}

#[test]
fn everything_arrives() {
    let options = options(&[
        "--rm",
        "-it",
        "--name",
        "web",
        "-e",
        "A=b",
        "-w",
        "/w",
        "-u",
        "1:2",
        "-v",
        "data:/d",
        "--mount",
        "type=tmpfs,target=/m",
        "--tmpfs",
        "/t",
        "--read-only",
        "-p",
        "80-81:8080-8081",
        "-P",
        "--expose",
        "5-6/udp",
        "--entrypoint",
        "/e",
        "-h",
        "host",
        "--network",
        "none",
        "--cap-add",
        "A,B",
        "--cap-drop",
        "ALL",
        "--group-add",
        "g",
        "--security-opt",
        "seccomp=unconfined",
        "--security-opt",
        "no-new-privileges",
        "--privileged",
        "--ulimit",
        "nofile=1:2",
        "--init",
        "-l",
        "k=v",
        "--stop-signal",
        "INT",
        "--stop-timeout",
        "3",
        "--shm-size",
        "1m",
        "--add-host",
        "h:1.2.3.4",
        "image",
        "-e",
        "--rm",
    ])
    .unwrap();
    assert!(options.auto_remove && options.stdin_open && options.tty && options.read_only);
    assert!(options.publish_all && options.privileged && options.no_new_privileges && options.init);
    assert_eq!(options.name.as_ref().map(|name| name.as_str()), Some("web"));
    assert_eq!(options.image, "image");
    assert_eq!(
        options.command,
        ["-e", "--rm"].map(Bytes::from),
        "flags after the image are the program's"
    );
    assert_eq!(options.env, [Bytes::from("A=b")]);
    assert_eq!(options.entrypoint, Some(vec![Bytes::from("/e")]));
    assert_eq!((options.workdir, options.user), (Some(Bytes::from("/w")), Some("1:2".to_owned())));
    assert_eq!(options.hostname.as_deref(), Some("host"));
    assert_eq!((options.mounts.len(), options.ports.len(), options.limits.len()), (3, 2, 1));
    assert_eq!(options.expose, ["5/udp", "6/udp"]);
    assert_eq!(options.network, NetworkMode::None);
    assert_eq!(
        (options.cap_add, options.cap_drop),
        (vec!["A".into(), "B".into()], vec!["ALL".to_owned()])
    );
    assert_eq!(
        (options.groups, options.extra_hosts),
        (vec!["g".to_owned()], vec!["h:1.2.3.4".to_owned()])
    );
    assert_eq!(options.seccomp, SeccompOption::Unconfined);
    assert_eq!(options.labels.get("k").map(String::as_str), Some("v"));
    assert_eq!((options.stop_signal.as_deref(), options.stop_timeout), (Some("INT"), Some(3)));
    assert_eq!(options.shm_size, Some(1 << 20));
}

#[test]
fn an_empty_entrypoint_is_none_at_all() {
    assert_eq!(options(&["--entrypoint", "", "x"]).unwrap().entrypoint, Some(Vec::new()));
    assert_eq!(options(&["x"]).unwrap().entrypoint, None);
    assert_eq!(options(&["x"]).unwrap().network, NetworkMode::Private);
}

#[test]
fn files_come_before_flags() {
    let dir = tempfile::tempdir().unwrap();
    let (env, labels) = (dir.path().join("env"), dir.path().join("labels"));
    std::fs::write(&env, "A=file\nB=file\n").unwrap();
    std::fs::write(&labels, "k=file\nl=file\n").unwrap();
    let (env, labels) = (env.to_str().unwrap(), labels.to_str().unwrap());
    let words = ["-e", "A=flag", "--env-file", env, "--label-file", labels, "-l", "k=flag", "x"];
    let options = options(&words).unwrap();
    assert_eq!(options.env, ["A=file", "B=file", "A=flag"].map(Bytes::from));
    assert_eq!(options.labels["k"], "flag");
    assert_eq!(options.labels["l"], "file");
}

#[test]
fn mistakes_are_one_line() {
    for (words, text) in [
        (&["--name", "a b", "x"][..], "\"a b\" is not a container name"),
        (&["-p", "x", "i"], "--publish \"x\": the container's port is not a port"),
        (&["--env-file", "/nonexistent", "i"], "cannot read /nonexistent: No such file"),
        (
            &["--security-opt", "seccomp=/nonexistent", "i"],
            "cannot read /nonexistent: No such file",
        ),
        (&["--network", "mine", "i"], "--network \"mine\": named networks are not built in yet"),
        (&["--shm-size", "x", "i"], "\"x\" is not a size"),
        (&[""], "the name of the image is missing"),
    ] {
        let shown = options(words).unwrap_err().to_string();
        assert!(shown.starts_with(text) && !shown.contains('\n'), "{words:?}: {shown}");
    }
}
