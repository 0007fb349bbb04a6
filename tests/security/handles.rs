//! R31: with every capability and without a filter, a container still reaches no namespace of a
//! supervisor, and no file of the host.

use crate::places::value;
use crate::world::World;

const POWERFUL: &[&[&str]] = &[
    &["--privileged"],
    &["--security-opt", "seccomp=unconfined"],
    &["--cap-add", "SYS_ADMIN"],
    &["--cap-add", "ALL"],
    &["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"],
    &["--cap-add", "DAC_READ_SEARCH", "--cap-add", "SYS_PTRACE"],
    &[],
];

#[test]
fn guessed_file_handles_of_namespaces_lead_nowhere() {
    let world = World::with_base();
    let victim = world.start("victim", &["--network", "none"], "base");
    let canary = world.canary.path().join("f");
    for flags in POWERFUL {
        let flags = [&["--network", "none"], *flags].concat();
        let attack = ["/probe", "handles", canary.to_str().unwrap()];
        let running = world.start("attack", &flags, "base");
        let exec = running.exec(&attack);
        drop(running);
        let words = [&["run", "--rm"], flags.as_slice(), &["base"], &attack].concat();
        let init = world.run(words);
        for output in [exec, init] {
            let text = &output.succeeds().stdout;
            assert_eq!(value(text, "joined"), "0", "{flags:?}: {text}");
            assert_eq!(value(text, "reached"), "0", "{flags:?}: {text}");
            if flags.contains(&"--privileged") {
                // The control: the handles of its own namespaces are good.
                let own = value(text, "own");
                assert!(["opened", "EOPNOTSUPP"].contains(&own), "{text}");
            }
        }
        world.canary.untouched(&format!("{flags:?}"));
    }
    drop(victim);
    world.unharmed("guessed handles");
}
