//! R17: the keys of the caller's session keyring stay outside, also without a filter.

use minidock_tests::Call;

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

    for flags in [&["--security-opt", "seccomp=unconfined"] as &[&str], &["--privileged"], &[]] {
        let words = [&["run", "--rm", "--network", "none"], flags, &["base", "/probe", "key"]];
        let init = with_key(world.words(words.concat()));
        let start = [&["run", "-d", "--name", "keys", "--network", "none"], flags].concat();
        with_key(world.words([start.as_slice(), &["base", "sleep", "1000"]].concat())).succeeds();
        let exec = with_key(world.words(["exec", "keys", "/probe", "key"]));
        world.run(["rm", "-f", "keys"]).succeeds();
        for output in [init, exec] {
            let found = output.succeeds().stdout.contains("=found");
            assert!(!found, "{flags:?}: {}", output.told());
            assert!(output.stdout.contains("search-3="), "{}", output.told());
        }
    }
    let line = "FROM base\nRUN [\"/probe\", \"-o\", \"/out\", \"key\"]\n";
    let context = world.context("key", line);
    let mut words = world.words(["build", "-t", "key"]);
    words.push(context.into_os_string());
    with_key(words).succeeds();
    let run = world.run(["run", "--rm", "--network", "none", "key", "cat", "/out"]);
    assert!(!run.succeeds().stdout.contains("=found"), "{}", run.told());
}
