//! R31: with every capability and without a filter, a container still reaches no namespace of a
//! supervisor, and no file of the host.

use std::fs;

use minidock_tests::Call;

use crate::places::value;
use crate::probe;
use crate::world::{Running, World};

/// Where namespaces have handles (Linux 6.18), those of an owner's are open to it.
const OPEN: [&str; 2] = ["opened", "EOPNOTSUPP"];

const POWERFUL: &[&[&str]] = &[
    &["--privileged"],
    &["--security-opt", "seccomp=unconfined"],
    &["--cap-add", "SYS_ADMIN"],
    &["--cap-add", "ALL"],
    &["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"],
    &["--cap-add", "DAC_READ_SEARCH", "--cap-add", "SYS_PTRACE"],
    &[],
];

/// The mount namespaces of a container's first process and its supervisor, as file handles.
fn mount_namespaces(world: &World, container: &Running<'_>) -> Vec<String> {
    let pid = world.run(["inspect", "--format", "{{.State.Pid}}", container.name]);
    let init = pid.succeeds().line().to_owned();
    let status = fs::read_to_string(format!("/proc/{init}/status")).unwrap().replace(":\t", "=");
    let files = [&init, value(&status, "PPid")].map(|pid| format!("/proc/{pid}/ns/mnt"));
    let told = Call::new(probe::install(world.dir())).args(["handle"]).args(files).run();
    let handles = told.succeeds().stdout.lines().filter(|line| line.contains(':'));
    handles.map(str::to_owned).collect()
}

#[test]
fn guessed_file_handles_of_namespaces_lead_nowhere() {
    let world = World::with_base();
    let victim = world.start("victim", &["--network", "none"], "base");
    let theirs = mount_namespaces(&world, &victim);
    let canary = world.canary.path().join("f");
    for flags in POWERFUL {
        let flags = [&["--network", "none"], *flags].concat();
        let running = world.start("attack", &flags, "base");
        let own = mount_namespaces(&world, &running);
        let mut attack = vec!["/probe", "handles", canary.to_str().unwrap()];
        attack.extend(theirs.iter().chain(&own).map(String::as_str));
        let exec = running.exec(&attack);
        drop(running);
        let words = [&["run", "--rm"], flags.as_slice(), &["base"], &attack].concat();
        let init = world.run(words);
        for output in [exec, init] {
            let text = &output.succeeds().stdout;
            assert_eq!(value(text, "joined"), "0", "{flags:?}: {text}");
            assert_eq!(value(text, "reached"), "0", "{flags:?}: {text}");
            if flags.contains(&"--privileged") {
                assert!(OPEN.contains(&value(text, "own")), "{text}");
            }
        }
        world.canary.untouched(&format!("{flags:?}"));
    }
    drop(victim);
    world.unharmed("guessed handles");
}

/// The control: in one user namespace, without a nested one, the same attack joins a sibling.
#[test]
fn guessed_file_handles_work_within_one_user_namespace() {
    let world = World::new();
    let script = "unshare --mount sh -c 'echo >ready; exec sleep 10' & sibling=$!; \
                  until [ -e ready ]; do sleep 0.01; done; \
                  handle=$(\"$1\" handle /proc/$sibling/ns/mnt | grep :); \
                  \"$1\" handles \"$2\" $handle; kill $sibling";
    let attack = Call::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([probe::install(world.dir()), world.canary.path().join("sub/deep/x")])
        .dir(world.dir())
        .run();
    let text = &attack.succeeds().stdout;
    assert!(OPEN.contains(&value(text, "own")), "{text}");
    let joined = value(text, "joined").parse::<u32>().unwrap();
    assert!(joined > 0, "{text}");
    if value(text, "own") == "opened" {
        assert!(text.contains("JOINED by handle"), "{text}");
    }
}
