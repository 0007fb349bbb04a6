//! Sandboxes: what they run, what they keep, what they keep away, and how they end.

use std::time::Duration;

use minidock::ErrorKind;
use minidock::container::RunOptions;
use minidock::sandbox::{Sandbox, SandboxLimits};
use minidock_tests::Leaks;

use crate::world::{World, limited, options, text};

fn sh(sandbox: &Sandbox, script: &str) -> (i32, String) {
    let output = sandbox.run(["sh", "-c", script], RunOptions::default()).unwrap();
    let both = text(&output.stdout) + &text(&output.stderr);
    (output.exit_code, both)
}

#[test]
fn programs_run_one_after_the_other_and_files_stay() {
    let world = World::new();
    let sandbox = world.engine.sandbox(&options()).unwrap();
    assert_eq!(
        sh(&sandbox, "pwd; echo $HOME; echo one > file"),
        (0, "/scratch\n/scratch\n".into())
    );
    assert_eq!(sh(&sandbox, "cat /scratch/file; exit 3"), (3, "one\n".into()));
    let both = sandbox.run(["sh", "-c", "echo out; echo err >&2"], RunOptions::default()).unwrap();
    assert_eq!((text(&both.stdout), text(&both.stderr)), ("out\n".into(), "err\n".into()));
    assert!(!both.timed_out && !both.truncated);
    let options = RunOptions {
        stdin: vec![b'x'; 3 << 20],
        env: vec!["A=1".into()],
        workdir: Some("/tmp".into()),
        user: Some("1000".into()),
        ..RunOptions::default()
    };
    let told = sandbox.run(["sh", "-c", "wc -c; echo $A; pwd; id -u"], options).unwrap();
    assert_eq!(text(&told.stdout), "3145728\n1\n/tmp\n1000\n");
    // A program that does not want its input is no failure.
    let unread = RunOptions { stdin: vec![b'x'; 3 << 20], ..RunOptions::default() };
    assert_eq!(sandbox.run(["true"], unread).unwrap().exit_code, 0);
    let missing = sandbox.run(["nowhere"], RunOptions::default()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::CommandNotFound);
    let none: [&str; 0] = [];
    let empty = sandbox.run(none, RunOptions::default()).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidInput);
    sandbox.close().unwrap();
    sandbox.close().unwrap();
    let closed = sandbox.run(["true"], RunOptions::default()).unwrap_err();
    assert!(matches!(closed.kind(), ErrorKind::NotFound | ErrorKind::Conflict), "{closed}");
    assert_eq!(world.run(["ps", "-aq"]).succeeds().stdout, "");
}

#[test]
fn one_call_runs_and_removes() {
    let world = World::new();
    let run = RunOptions { stdin: b"a b c\n".to_vec(), ..RunOptions::default() };
    let output = world.engine.sandbox_run(&options(), ["wc", "-w"], run).unwrap();
    assert_eq!((output.exit_code, text(&output.stdout).trim()), (0, "3"));
    let failed = world.engine.sandbox_run(&options(), ["nowhere"], RunOptions::default());
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::CommandNotFound);
    assert_eq!(world.run(["ps", "-aq"]).succeeds().stdout, "");
}

#[test]
fn it_is_strict_whatever_the_image_says() {
    let world = World::new();
    let sandbox = world.engine.sandbox(&options()).unwrap();
    let (_, status) = sh(&sandbox, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    let fields: Vec<(&str, &str)> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    assert_eq!(fields.len(), 7, "{status}");
    for (name, value) in fields {
        match name {
            "NoNewPrivs" => assert_eq!(value, "1"),
            "Seccomp" => assert_eq!(value, "2"),
            _ => assert_eq!(value, "0000000000000000", "{name}"),
        }
    }
    assert_eq!(sh(&sandbox, "ls /sys/class/net"), (0, "lo\n".into()));
    for place in ["/x", "/etc/x", "/root/x", "/bin/x"] {
        let (code, said) = sh(&sandbox, &format!("echo x > {place}"));
        assert!(code != 0 && said.contains("Read-only"), "{place}: {said}");
    }
    for place in ["/scratch/x", "/tmp/x", "/dev/shm/x"] {
        assert_eq!(sh(&sandbox, &format!("echo x > {place} && cat {place}")), (0, "x\n".into()));
    }
    let (code, said) = sh(&sandbox, "unshare -U true");
    assert!(code != 0, "{said}");
}

#[test]
fn nothing_is_left_of_one_that_was_dropped() {
    let watch = Leaks::watch();
    {
        let world = World::watched(&watch);
        let sandbox = world.engine.sandbox(&options()).unwrap();
        assert_eq!(
            sh(&sandbox, "sleep 1000 > /dev/null 2>&1 & echo started"),
            (0, "started\n".into())
        );
        drop(sandbox);
        assert_eq!(world.run(["ps", "-aq"]).succeeds().stdout, "");
    }
    watch.none();
}

#[test]
fn several_programs_at_once() {
    let world = World::new();
    let sandbox = world.engine.sandbox(&options()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let script = format!("for i in $(seq 200); do echo {number}; done");
                let expected = format!("{number}\n").repeat(200);
                assert_eq!(sh(sandbox, &script), (0, expected));
            });
        }
    });
}

#[test]
fn callbacks_see_output_as_it_comes() {
    let world = World::new();
    let sandbox = world.engine.sandbox(&options()).unwrap();
    let mut seen = Vec::new();
    // The program waits for what the callback makes: its output came before its end.
    let run = RunOptions {
        on_stdout: Some(Box::new(|bytes| {
            if seen.is_empty() {
                let made = sandbox.run(["touch", "/tmp/go"], RunOptions::default()).unwrap();
                assert_eq!(made.exit_code, 0);
            }
            seen.extend_from_slice(bytes);
        })),
        ..RunOptions::default()
    };
    let script = "echo one; until test -e /tmp/go; do sleep 0.02; done; echo two";
    let output = sandbox.run(["sh", "-c", script], run).unwrap();
    assert_eq!((text(&seen), text(&output.stdout)), ("one\ntwo\n".into(), "one\ntwo\n".into()));
}

#[test]
fn another_thread_can_end_a_run() {
    let world = World::new();
    let sandbox = world
        .engine
        .sandbox(&limited(SandboxLimits { timeout: None, ..SandboxLimits::default() }))
        .unwrap();
    let token = minidock::CancelToken::default();
    let canceller = token.clone();
    let run = RunOptions {
        cancel: token,
        on_stdout: Some(Box::new(move |_| canceller.cancel())),
        ..RunOptions::default()
    };
    let script = "setsid sleep 1001 & echo started; sleep 1002";
    let error = sandbox.run(["sh", "-c", script], run).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let (_, processes) = sh(&sandbox, "ps");
    assert!(!processes.contains("sleep"), "{processes}");
    let early = RunOptions { cancel: minidock::CancelToken::default(), ..RunOptions::default() };
    early.cancel.cancel();
    assert_eq!(sandbox.run(["true"], early).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn one_that_cannot_start_leaves_nothing() {
    let world = World::new();
    let absent = minidock::sandbox::SandboxOptions::new("absent");
    assert_eq!(world.engine.sandbox(&absent).unwrap_err().kind(), ErrorKind::NotFound);
    let outside =
        minidock::sandbox::SandboxOptions { workdir: Some("relative".into()), ..options() };
    assert_eq!(world.engine.sandbox(&outside).unwrap_err().kind(), ErrorKind::InvalidInput);
    let nobody =
        minidock::sandbox::SandboxOptions { user: Some("nobody-here".into()), ..options() };
    assert!(world.engine.sandbox(&nobody).is_err());
    assert_eq!(world.run(["ps", "-aq"]).succeeds().stdout, "");
}

#[test]
fn a_container_of_its_own_with_its_output() {
    let world = World::new();
    let container = minidock::container::ContainerOptions {
        command: ["sh", "-c", "cat; echo err >&2; exit 4"].map(Into::into).to_vec(),
        network: minidock::container::NetworkMode::None,
        ..minidock::container::ContainerOptions::new("busybox")
    };
    let run = RunOptions { stdin: b"in".to_vec(), ..RunOptions::default() };
    let output = world.engine.run_output(&container, run).unwrap();
    assert_eq!(output.exit_code, 4);
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("in".into(), "err\n".into()));
    let slow = minidock::container::ContainerOptions {
        command: ["sh", "-c", "trap '' TERM; sleep 1000"].map(Into::into).to_vec(),
        ..container
    };
    let run = RunOptions { timeout: Some(Duration::from_millis(300)), ..RunOptions::default() };
    let output = world.engine.run_output(&slow, run).unwrap();
    assert_eq!((output.timed_out, output.exit_code), (true, 137));
    assert_eq!(world.run(["ps", "-aq"]).succeeds().stdout, "");
}
