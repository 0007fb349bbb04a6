//! Tests of what is executed, what is refused, and of what a key depends on.

use minidock_dockerfile::{Dockerfile, Kind};

use super::*;

fn parsed(text: &str) -> minidock_dockerfile::Instruction {
    Dockerfile::parse(text.as_bytes()).unwrap().instructions.remove(0)
}

fn command_of(stage: &StageState, text: &str) -> Command {
    match parsed(text).kind {
        Kind::Run(run) => command(stage, run.payload()),
        _ => unreachable!(),
    }
}

#[test]
fn commands() {
    let mut stage = StageState::scratch("0".into());
    for (text, want) in [
        ("RUN make all", vec!["/bin/sh", "-c", "make all"]),
        ("RUN [\"make\", \"all\"]", vec!["make", "all"]),
        ("RUN <<EOF\na\nb\nEOF", vec!["/bin/sh", "-c", "a\nb\n"]),
        ("RUN cat <<EOF\na\nEOF", vec!["/bin/sh", "-c", "cat <<EOF\na\nEOF"]),
        ("RUN <<EOF\n#!/bin/env x\nEOF", vec!["/run/minidock/EOF"]),
    ] {
        assert_eq!(command_of(&stage, text).args, want, "{text}");
    }
    stage.config.config.shell = vec!["/bin/bash".into(), "-ec".into()];
    assert_eq!(command_of(&stage, "RUN a").args, ["/bin/bash", "-ec", "a"]);
    let script = command_of(&stage, "RUN <<EOF\n#!/bin/x\ny\nEOF").script;
    assert_eq!(script, Some(("EOF".into(), "#!/bin/x\ny\n".into())));
}

#[test]
fn refusals() {
    for (text, what) in [
        ("RUN --mount=type=cache,target=/x a", "RUN --mount=type=cache is not supported"),
        ("RUN --mount=type=secret,id=a a", "RUN --mount=type=secret is not supported"),
        ("RUN --security=insecure a", "RUN --security=insecure is not supported"),
        ("RUN --device=x a", "RUN --device is not supported"),
    ] {
        let instruction = parsed(text);
        let Kind::Run(run) = &instruction.kind else { unreachable!() };
        let error = refuse(run, Place { file: "f", instruction: &instruction }).unwrap_err();
        assert_eq!(error.to_string(), format!("f:1: {what}"));
        assert!(error.excerpt().is_some() && error.hint().is_some());
    }
}

/// Row B9: each of these changes what is remembered.
#[test]
fn keys() {
    type Change = fn(&mut StageState);
    let of = |text: &str, network: NetworkMode, single: bool, change: Change| {
        let mut stage = StageState::scratch("0".into());
        change(&mut stage);
        key(&stage, &command_of(&stage, text), &network, single)
    };
    let arg = |stage: &mut StageState, value: &str| {
        stage.args.push(("A".to_owned(), value.to_owned()));
    };
    let same: Change = |_| {};
    let changes: [Change; 6] = [
        |stage| stage.config.config.user = "1".into(),
        |stage| stage.config.config.working_dir = "/w".into(),
        |stage| stage.config.config.env.push("A=1".into()),
        |stage| stage.config.config.env.push("A=2".into()),
        |stage| stage.config.config.shell = vec!["/bin/sh".into(), "-ec".into()],
        |stage| stage.layers.push(LocalId::random().unwrap()),
    ];
    let mut keys: Vec<Digest> =
        changes.iter().map(|change| of("RUN a", NetworkMode::None, false, *change)).collect();
    keys.push(of("RUN a", NetworkMode::None, false, same));
    keys.push(of("RUN b", NetworkMode::None, false, same));
    keys.push(of("RUN [\"a\"]", NetworkMode::None, false, same));
    keys.push(of("RUN a", NetworkMode::Host, false, same));
    keys.push(of("RUN a", NetworkMode::None, true, same));
    keys.push(of("RUN <<E\n#!a\nE", NetworkMode::None, false, same));
    keys.push(of("RUN <<E\n#!b\nE", NetworkMode::None, false, same));
    for (at, one) in keys.iter().enumerate() {
        assert!(!keys[at + 1..].contains(one), "{at}");
    }
    // Labels, ports and the like do not reach a command, and proxies do not count.
    let labelled = of("RUN a", NetworkMode::None, false, |stage| {
        stage.config.config.labels.insert("a".into(), "b".into());
        stage.config.config.cmd = Some(vec!["x".into()]);
    });
    assert!(keys.contains(&labelled));
    let mut stage = StageState::scratch("0".into());
    arg(&mut stage, "1");
    let with_arg = key(&stage, &command_of(&stage, "RUN a"), &NetworkMode::None, false);
    // An ARG reaches a command as ENV does.
    assert_eq!(with_arg, keys[2]);
}
