//! The limits of a sandbox, each by a program that runs into it.

use std::time::Duration;

use minidock::ErrorKind;
use minidock::container::{ContainerOptions, NetworkMode, RunOptions, StartOptions};
use minidock::sandbox::{Sandbox, SandboxLimits};

use crate::world::{World, limited, text};

fn sandbox(world: &World, limits: SandboxLimits) -> Sandbox {
    world.engine.sandbox(&limited(limits)).unwrap()
}

fn sh(sandbox: &Sandbox, script: &str) -> minidock::container::Output {
    sandbox.run(["sh", "-c", script], RunOptions::default()).unwrap()
}

fn within(time: u64) -> RunOptions<'static> {
    RunOptions { timeout: Some(Duration::from_millis(time)), ..RunOptions::default() }
}

/// Programs in the sandbox by name; ended ones that nobody waited for are left out.
fn running(sandbox: &Sandbox, name: &str) -> usize {
    let told = sh(sandbox, "for p in /proc/[0-9]*; do grep -h -E '^(Name|State)' $p/status; done");
    let told = text(&told.stdout);
    let lines: Vec<&str> = told.lines().collect();
    lines
        .chunks(2)
        .filter(|two| two[0].ends_with(name) && !two.get(1).is_some_and(|s| s.contains("zombie")))
        .count()
}

#[test]
fn time() {
    let world = World::new();
    let sandbox = sandbox(&world, SandboxLimits::default());
    // What was there before stays; what the run started goes, wherever it went.
    sh(&sandbox, "setsid sleep 1000 > /dev/null 2>&1 &");
    let script = "echo said; setsid sh -c 'sleep 2000 & sleep 2000' & (sleep 2000 &); trap '' TERM; sleep 2000";
    let output = sandbox.run(["sh", "-c", script], within(400)).unwrap();
    assert_eq!(
        (output.timed_out, output.exit_code, text(&output.stdout)),
        (true, 137, "said\n".into())
    );
    assert_eq!(running(&sandbox, "sleep"), 1);
    let output = sandbox.run(["echo", "on"], within(60_000)).unwrap();
    assert_eq!((output.timed_out, text(&output.stdout)), (false, "on\n".into()));
    // The sandbox's own time counts too.
    let short =
        SandboxLimits { timeout: Some(Duration::from_millis(300)), ..SandboxLimits::default() };
    let short = self::sandbox(&world, short);
    assert!(sh(&short, "sleep 1000").timed_out);
}

#[test]
fn time_of_one_that_forks_without_end() {
    let world = World::new();
    let sandbox =
        sandbox(&world, SandboxLimits { processes: Some(40), ..SandboxLimits::default() });
    // Each process starts the next and ends: no look ever sees them all.
    let script = "f() { (f > /dev/null 2>&1 &); }; f; sleep 1000";
    let output = sandbox.run(["sh", "-c", script], within(500)).unwrap();
    assert!(output.timed_out);
    let bomb = "b() { b | b & }; b; sleep 1000";
    let output = sandbox.run(["sh", "-c", bomb], within(500)).unwrap();
    assert!(output.timed_out);
    assert_eq!(running(&sandbox, "sleep"), 0);
    assert_eq!(text(&sh(&sandbox, "echo alive").stdout), "alive\n");
}

#[test]
fn output() {
    let world = World::new();
    let sandbox = sandbox(&world, SandboxLimits { output: 1000, ..SandboxLimits::default() });
    let output = sh(&sandbox, "yes | head -c 5000000; echo end >&2");
    assert!(output.truncated);
    assert_eq!(
        (output.stdout.len(), text(&output.stderr), output.exit_code),
        (1000, "end\n".into(), 0)
    );
    let less = RunOptions { output_limit: 10, ..RunOptions::default() };
    let output = sandbox.run(["sh", "-c", "seq 100"], less).unwrap();
    assert_eq!((output.stdout.len(), output.truncated), (10, true));
    let exact = sandbox.run(["sh", "-c", "head -c 1000 /dev/zero"], RunOptions::default()).unwrap();
    assert_eq!((exact.stdout.len(), exact.truncated), (1000, false));
}

/// Starts this many sleepers and tells how many of them run.
const SLEEPERS: &str =
    "i=0; while [ $i -lt 30 ]; do sleep 1000 > /dev/null 2>&1 & i=$((i+1)); done; echo never";

#[test]
fn processes_are_counted_for_each_sandbox_alone() {
    let world = World::new();
    // Others of the same user outside: a container with more processes than the limit.
    let busy = ContainerOptions {
        network: NetworkMode::None,
        command: ["sh", "-c", "for i in $(seq 50); do sleep 1000 & done; touch /ready; wait"]
            .map(Into::into)
            .to_vec(),
        ..ContainerOptions::new("busybox")
    };
    let busy = world.engine.create_container(&busy).unwrap();
    world.engine.start_container(&busy.id, StartOptions::default()).unwrap();
    while world
        .engine
        .exec_output(
            &busy.id,
            ["test", "-e", "/ready"].map(Into::into).to_vec(),
            RunOptions::default(),
        )
        .unwrap()
        .exit_code
        != 0
    {}
    let limits = SandboxLimits { processes: Some(20), ..SandboxLimits::default() };
    for _ in 0..2 {
        let sandbox = sandbox(&world, limits.clone());
        let refused = sh(&sandbox, SLEEPERS);
        assert!(text(&refused.stderr).contains("fork"), "{}", text(&refused.stderr));
        assert_eq!(text(&refused.stdout), "");
        // A second sandbox has its own twenty while this one is full.
        let beside = self::sandbox(&world, limits.clone());
        let fine =
            sh(&beside, "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01 & done; wait; echo ok");
        assert_eq!(text(&fine.stdout), "ok\n", "{}", text(&fine.stderr));
    }
    world.run(["rm", "-f", busy.id.as_str()]).succeeds();
}

#[test]
fn files_and_space() {
    let world = World::new();
    let limits = SandboxLimits {
        scratch: 4 << 20,
        file_size: Some(1 << 20),
        open_files: Some(20),
        ..SandboxLimits::default()
    };
    let sandbox = sandbox(&world, limits);
    let big = sh(
        &sandbox,
        "trap '' XFSZ; dd if=/dev/zero of=/scratch/big bs=64k count=32 2>&1; wc -c < /scratch/big",
    );
    assert!(text(&big.stdout).ends_with("1048576\n"), "{}", text(&big.stdout));
    for place in ["/scratch", "/tmp", "/dev/shm"] {
        let full = sh(
            &sandbox,
            &format!(
                "cd {place}; for i in 1 2 3 4 5; do head -c 1000000 /dev/zero > f$i || exit 9; done"
            ),
        );
        assert!(full.exit_code != 0, "{place}");
    }
    let files = sh(&sandbox, "ulimit -n");
    assert_eq!(text(&files.stdout), "20\n");
    let raised = sh(&sandbox, "ulimit -n 100");
    assert!(raised.exit_code != 0);
}

#[test]
fn address_space_and_processor_time() {
    let world = World::new();
    let limits = SandboxLimits {
        address_space: Some(64 << 20),
        cpu_seconds: Some(1),
        ..SandboxLimits::default()
    };
    let sandbox = sandbox(&world, limits);
    let large = sh(&sandbox, "dd if=/dev/zero of=/dev/null bs=200M count=1");
    assert!(large.exit_code != 0, "{}", text(&large.stderr));
    let spin = sh(&sandbox, "while :; do :; done");
    assert_eq!((spin.exit_code, spin.timed_out), (137, false));
}

#[test]
fn what_cannot_be_kept_is_refused_or_told() {
    let world = World::new();
    let limits = SandboxLimits { memory: Some(64 << 20), ..SandboxLimits::default() };
    let refused = world.engine.sandbox(&limited(limits.clone())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::HostUnsupported);
    assert!(refused.hint().is_some_and(|hint| hint.contains("best_effort")));
    let options = minidock::sandbox::SandboxOptions { best_effort: true, ..limited(limits) };
    let sandbox = world.engine.sandbox(&options).unwrap();
    let told: Vec<_> = sandbox.not_enforced().iter().map(|one| one.limit).collect();
    assert_eq!(told, ["memory"]);
}

#[test]
fn a_time_out_is_refused_where_it_could_be_escaped() {
    let world = World::new();
    world.start("loose", &["--privileged"], "sleep 1000");
    let id = world.engine.find_container("loose").unwrap();
    let words = || ["true"].map(Into::into).to_vec();
    let refused = world.engine.exec_output(&id, words(), within(60_000)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    let output = world.engine.exec_output(&id, words(), RunOptions::default()).unwrap();
    assert_eq!(output.exit_code, 0);
    world.run(["rm", "-f", "loose"]).succeeds();
    world.start("tight", &[], "sleep 1000");
    let id = world.engine.find_container("tight").unwrap();
    let sleep = ["sleep", "2000"].map(Into::into).to_vec();
    assert!(world.engine.exec_output(&id, sleep, within(200)).unwrap().timed_out);
    world.run(["rm", "-f", "tight"]).succeeds();
}
