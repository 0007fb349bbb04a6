//! R3, R10, R11, R13, R17: what a process of a container is born with is the same for init, exec
//! and RUN, and nothing of it is the caller's.

use std::collections::BTreeMap;

use minidock_tests::Call;

use crate::places::{Everywhere, value, values};
use crate::probe;
use crate::world::World;

/// A caller with habits: ignored and blocked signals, a mask, a directory, a score, descriptors.
const CALLER: &str = "trap '' USR1 USR2 HUP PIPE; umask 0077; cd /usr; \
     echo 321 > /proc/self/oom_score_adj; ulimit -S -n 512; \
     exec 7</etc/passwd 8</ 9>/dev/null; export LISTEN_FDS=50 LISTEN_PID=$$; exec \"$@\"";

/// Docker's default capabilities (capabilities(7)): chown, dac_override, fowner, fsetid, kill,
/// setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
pub(crate) const DEFAULT: &str = "00000000a80425fb";

#[test]
fn init_exec_and_run_are_born_alike() {
    let world = World::with_base();
    let facts = Everywhere::probe(&world, &["--network", "none"], "base", &["facts"]);
    let own = |text: &str| -> Vec<String> {
        let differs = |line: &&str| !line.starts_with("ns.") && !line.starts_with("env=HOSTNAME");
        text.lines().filter(differs).map(str::to_owned).collect()
    };
    assert_eq!(own(&facts.init), own(&facts.exec), "init and exec");
    assert_eq!(own(&facts.init), own(&facts.run), "init and RUN");
}

#[test]
fn every_place_has_the_documented_state() {
    let world = World::with_base();
    let facts = Everywhere::probe(&world, &[], "base", &["facts"]);
    for (place, text) in facts.each() {
        let expected = [
            ("fds", "0 1 2 "),
            ("CapInh", "0000000000000000"),
            ("CapPrm", DEFAULT),
            ("CapEff", DEFAULT),
            ("CapBnd", DEFAULT),
            ("CapAmb", "0000000000000000"),
            ("NoNewPrivs", "0"),
            ("Seccomp", "2"),
            ("SigBlk", "0000000000000000"),
            ("SigIgn", "0000000000000000"),
            ("SigCgt", "0000000000000000"),
            ("Groups", "0"),
            ("Umask", "0022"),
            ("cwd", "/"),
            ("keyctl", "EPERM"),
            ("pdeathsig", "0"),
            ("securebits", "0"),
            ("subreaper", "0"),
            ("personality", "0"),
        ];
        for (name, wanted) in expected {
            assert_eq!(value(text, name), wanted, "{name} in {place}");
        }
    }
}

#[test]
fn exec_is_in_the_namespaces_of_init_and_none_is_the_hosts() {
    let world = World::with_base();
    let shared = world.start("shared", &["--network", "none"], "base");
    let init = namespaces(&shared.exec(&["sh", "-c", LINKS_OF_INIT]).succeeds().stdout);
    let exec = namespaces(&shared.exec(&["/probe", "facts"]).succeeds().stdout);
    assert_eq!(init, exec);
    let outside = Call::new(probe::install(world.dir())).args(["facts"]).run();
    let outside = namespaces(&outside.succeeds().stdout);
    for (kind, host) in &outside {
        assert!(host.contains(":["), "{kind}: {host}");
        // Containers have no clocks of their own.
        assert_eq!(*kind == "time", init[kind] == *host, "{kind}: {host}");
    }
}

const LINKS_OF_INIT: &str = "for kind in cgroup ipc mnt net pid time user uts; do \
     echo ns.$kind=$(readlink /proc/1/ns/$kind); done";

fn namespaces(text: &str) -> BTreeMap<&'static str, String> {
    ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]
        .into_iter()
        .map(|kind| (kind, value(text, &format!("ns.{kind}")).to_owned()))
        .collect()
}

#[test]
fn a_callers_habits_stay_outside() {
    let world = World::with_base();
    let plain = world.run(["run", "--rm", "--network", "none", "base", "/probe", "facts"]);
    let begin = Call::new(probe::install(world.dir()));
    let call = world.words(["run", "--rm", "--network", "none", "base", "/probe", "facts"]);
    let begun = begin
        .args(["inherit", "sh", "-c", CALLER, "sh"])
        .args(call)
        .env("HOME", world.canary.path())
        .run();
    let mut inside = Vec::new();
    for line in begun.succeeds().stdout.lines() {
        let of_the_host = ["ns.", "limit=Max open files", "oom_score_adj=", "env=HOSTNAME"];
        if !of_the_host.iter().any(|start| line.starts_with(start)) {
            inside.push(line);
            assert!(plain.stdout.contains(line), "{line} is the caller's: {}", plain.told());
        }
    }
    assert!(inside.len() > 40, "{}", begun.told());
    assert_eq!(value(&begun.stdout, "fds"), "0 1 2 ");
    assert_eq!(values(&begun.stdout, "env=LISTEN_FDS").len(), 0);
    // A memory score is the kernel's to inherit: a process may never lower it.
    assert_eq!(value(&begun.stdout, "oom_score_adj"), "321");
}

/// The control: the same caller does hand all that to a program outside.
#[test]
fn a_callers_habits_reach_programs_outside() {
    let world = World::new();
    let program = probe::install(world.dir());
    let begun = Call::new(&program)
        .args(["inherit", "sh", "-c", CALLER, "sh"])
        .args([program.as_os_str()])
        .args(["facts"])
        .run();
    let text = &begun.succeeds().stdout;
    assert!(value(text, "fds").split_whitespace().count() > 100, "{text}");
    assert_ne!(value(text, "SigIgn"), "0000000000000000");
    assert_eq!(value(text, "Umask"), "0077");
    assert_eq!(values(text, "env=LISTEN_FDS"), ["50"]);
}

#[test]
fn further_descriptors_of_exec_and_build_stay_outside() {
    let world = World::with_base();
    let program = probe::install(world.dir());
    let running = world.start("held", &["--network", "none"], "base");
    let inherit = |call: Vec<std::ffi::OsString>| {
        let begin = Call::new(&program).args(["inherit"]).args(call);
        begin.env("HOME", world.canary.path()).env("LISTEN_FDS", "50").run()
    };
    let exec = inherit(world.words(["exec", running.name, "/probe", "facts"]));
    assert_eq!(value(&exec.succeeds().stdout, "fds"), "0 1 2 ");
    let context =
        world.context("fds", "FROM base\nRUN [\"/probe\", \"-o\", \"/out\", \"facts\"]\n");
    let mut words = world.words(["build", "--no-cache", "-t", "fds"]);
    words.push(context.into_os_string());
    inherit(words).succeeds();
    let run = world.run(["run", "--rm", "--network", "none", "fds", "cat", "/out"]);
    assert_eq!(value(&run.succeeds().stdout, "fds"), "0 1 2 ");
    assert!(!run.stdout.contains("LISTEN_FDS"), "{}", run.told());
}
