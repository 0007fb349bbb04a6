//! R17: the keys of the caller's session keyring stay outside, also without a filter.

use minidock_tests::{Call, Output};

use crate::places::value;
use crate::probe;
use crate::world::World;

#[test]
fn the_callers_keys_are_not_visible_inside() {
    let world = World::with_base();
    let program = probe::install(world.dir());
    let with_key = |words: Vec<std::ffi::OsString>| {
        Call::new(&program).args(["with-key"]).args(words).env("HOME", world.canary.path()).run()
    };
    // The control: a program outside has the key.
    let outside = with_key(vec![program.clone().into(), "key".into()]);
    assert_eq!(value(&outside.succeeds().stdout, "search-3"), "found", "{}", outside.told());
    assert_eq!(value(&outside.stdout, "listed"), "found", "{}", outside.told());
    assert_eq!(value(&outside.stdout, "read"), "done", "{}", outside.told());

    for flags in [&["--security-opt", "seccomp=unconfined"] as &[&str], &["--privileged"], &[]] {
        let words = [&["run", "--rm", "--network", "none"], flags, &["base", "/probe", "key"]];
        let init = with_key(world.words(words.concat()));
        let start = [&["run", "-d", "--name", "keys", "--network", "none"], flags].concat();
        with_key(world.words([start.as_slice(), &["base", "sleep", "1000"]].concat())).succeeds();
        let exec = with_key(world.words(["exec", "keys", "/probe", "key"]));
        world.run(["rm", "-f", "keys"]).succeeds();
        for output in [init, exec] {
            closed(&output);
            // Nothing is masked with --privileged, and the kernel names there what the same user
            // owns: the name of a key, never more.
            let listed = value(&output.stdout, "listed") == "found";
            assert!(!listed || flags.contains(&"--privileged"), "{flags:?}: {}", output.told());
        }
    }
    let line = "FROM base\nRUN [\"/probe\", \"-o\", \"/out\", \"key\"]\n";
    let context = world.context("key", line);
    let mut words = world.words(["build", "-t", "key"]);
    words.push(context.into_os_string());
    with_key(words).succeeds();
    let run = world.run(["run", "--rm", "--network", "none", "key", "cat", "/out"]);
    closed(&run);
    assert_eq!(value(&run.stdout, "listed"), "no", "{}", run.told());
}

/// No keyring of the program holds the key, and where its number is known it is of no use.
#[track_caller]
fn closed(output: &Output) {
    let text = &output.succeeds().stdout;
    for ring in ["search-3", "search-4", "search-5"] {
        assert_ne!(value(text, ring), "found", "{}", output.told());
    }
    assert!(!text.contains("=done"), "{}", output.told());
}
