//! The end of a sandbox's owner is the end of the sandbox, also by kill -9.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use minidock::container::RunOptions;
use minidock::{Engine, EngineOptions};
use minidock_tests::{Leaks, stage};

use crate::world::{World, options};

/// Set in the process that plays the owner: the root of its store.
const OWNER_OF: &str = "MINIDOCK_TEST_SANDBOX_OWNER";

#[test]
fn kill_minus_nine_of_the_owner() {
    if let Some(root) = std::env::var_os(OWNER_OF) {
        own_a_sandbox(Path::new(&root));
    }
    let watch = Leaks::watch();
    {
        let world = World::watched(&watch);
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox_end::kill_minus_nine_of_the_owner", "--nocapture"])
            .env(OWNER_OF, world.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.ends_with("ready"));
        assert!(ready, "the owner ended early");
        assert_eq!(world.run(["ps", "-q"]).succeeds().stdout.lines().count(), 1);
        owner.kill().unwrap();
        owner.wait().unwrap();
        let begun = Instant::now();
        while !world.run(["ps", "-aq"]).succeeds().stdout.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the sandbox outlived its owner");
        }
    }
    watch.none();
}

/// Makes a sandbox with a program in the background, says so, and waits to be killed.
fn own_a_sandbox(root: &Path) -> ! {
    let options_of_engine = EngineOptions {
        root: Some(root.to_owned()),
        runtime: Some(stage::runtime()),
        ..EngineOptions::default()
    };
    let engine = Engine::open(&options_of_engine).unwrap();
    let sandbox = engine.sandbox(&options()).unwrap();
    let script = "setsid sleep 1000 > /dev/null 2>&1 &";
    sandbox.run(["sh", "-c", script], RunOptions::default()).unwrap();
    // What the test waits for, on a line of the test harness.
    drop(writeln!(std::io::stdout(), "ready"));
    loop {
        std::thread::park();
    }
}
