//! Whole lives, wrong arguments and threads: as they are, under valgrind, and with the sanitizers
//! of the C compiler on the program's side.

use std::time::Duration;

use minidock_tests::Call;

use crate::program::{Scene, programs};

const SANITIZE: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn an_image_and_a_container_live_whole_lives() {
    let scene = Scene::new();
    let life = scene.compile("life", &[]);
    let output = scene.call(&life).arg(scene.out()).run();
    assert_eq!(output.succeeds().stdout, "alive and well\n");
}

#[test]
fn sanitizers_find_nothing() {
    let scene = Scene::new();
    for (name, said) in [("life", "alive and well\n"), ("arguments", "nothing fell over\n")] {
        let program = scene.compile(name, SANITIZE);
        let output = scene.call(&program).arg(scene.out()).limit(LIMIT).run();
        assert_eq!(output.succeeds().stdout, said);
    }
}

#[test]
fn valgrind_finds_nothing() {
    let scene = Scene::new();
    // valgrind 3.19 (Debian 12) lacks openat2 and pidfd_open: no builds, nothing owned.
    for (name, last, said) in
        [("life", Some("bounded"), "alive and well\n"), ("arguments", None, "nothing fell over\n")]
    {
        let program = scene.compile(name, &[]);
        let valgrind = Call::new("valgrind")
            .args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--trace-children=no"])
            .args(["--errors-for-leak-kinds=definite,indirect"])
            .args(["--show-leak-kinds=definite,indirect"])
            .arg(format!("--suppressions={}", programs().join("valgrind.supp").display()))
            .arg(&program)
            .args([scene.root(), scene.tar(), scene.out()])
            .args(last);
        let output = scene.clean(valgrind).limit(LIMIT).run();
        assert_eq!(output.succeeds().stdout, said);
        // Findings stand between `==`; between `--` it tells which system calls it does not know.
        let findings: Vec<_> =
            output.stderr.lines().filter(|line| !line.starts_with("--")).collect();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[test]
fn no_wrong_argument_brings_a_program_down() {
    let scene = Scene::new();
    let arguments = scene.compile("arguments", &[]);
    let output = scene.call(&arguments).arg(scene.out()).run();
    assert_eq!(output.succeeds().stdout, "nothing fell over\n");
}

#[test]
fn sixteen_threads_share_a_client() {
    let scene = Scene::new();
    let threads = scene.compile("threads", &[]);
    let output = scene.call(&threads).args(["6"]).limit(LIMIT).run();
    assert_eq!(output.succeeds().stdout, "all of them\n");
}
