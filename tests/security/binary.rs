//! R1 (CVE-2019-5736): the programs of minidock are files of the user, who is root in the
//! container. Nothing inside may change them, through `/proc/PID/exe` or otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use minidock_tests::{Call, stage};

use crate::places::{value, values};
use crate::tarball::Tarball;
use crate::world::World;

/// The programs, copied so that they belong to the user: only then can the user's containers
/// change them at all.
struct Own {
    world: World,
    bin: PathBuf,
    runtime: PathBuf,
    before: String,
}

impl Own {
    fn new() -> Self {
        let world = World::new();
        world.import(&Tarball::busybox(), "base").succeeds();
        let (bin, runtime) = (world.dir().join("minidock"), world.dir().join("minidock-runtime"));
        for (from, to) in [(stage::minidock(), &bin), (stage::runtime(), &runtime)] {
            fs::copy(from, to).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let before = state(&bin, &runtime);
        // The user can write to both, while they are not running.
        for path in [&bin, &runtime] {
            fs::OpenOptions::new().write(true).open(path).unwrap();
        }
        Self { world, bin, runtime, before }
    }

    fn call(&self, words: &[&str]) -> Call {
        let root = self.world.root();
        Call::new(&self.bin)
            .args(["--root".as_ref(), root.as_os_str()])
            .args(words)
            .env("MINIDOCK_RUNTIME", &self.runtime)
    }

    /// A container whose program is whatever `/proc/self/exe` is, left waiting for input.
    fn entered_by_itself(&self, flags: &[&str], name: &str) -> Child {
        let mut command = Command::new(&self.bin);
        command.arg("--root").arg(self.world.root()).env("MINIDOCK_RUNTIME", &self.runtime);
        command.args(["run", "--rm", "-i", "--name", name, "--network", "none"]).args(flags);
        command.args(["--entrypoint", "/proc/self/exe", "base"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    #[track_caller]
    fn unchanged(&self) {
        assert_eq!(state(&self.bin, &self.runtime), self.before);
    }
}

/// Hashes, modes, owners, times and extended attributes, all in one text.
fn state(bin: &Path, runtime: &Path) -> String {
    let sums = Call::new("sha256sum").args([bin, runtime]).run();
    let stats = Call::new("stat").args(["--format", "%a %u %g %s %y %z"]).args([bin, runtime]).run();
    let mut names = vec![0_u8; 4096];
    let attributes = [bin, runtime].map(|path| rustix::fs::listxattr(path, &mut names).unwrap());
    format!("{}{}{attributes:?}", sums.succeeds().stdout, stats.succeeds().stdout)
}

/// The rewriter saw a program that is not the container's, 2,000 times, and changed none.
#[track_caller]
fn beaten(text: &str, least: u64) {
    let number = |name| value(text, name).parse::<u64>().unwrap();
    assert!(number("seen") >= least, "too little was attacked: {text}");
    assert_eq!(number("worked"), 0, "{text}");
    for answer in values(text, "errno") {
        let name = answer.split(' ').next().unwrap();
        assert!(["EROFS", "ETXTBSY", "EPERM", "EACCES"].contains(&name), "{text}");
    }
}

fn attack_a_container_that_runs_our_program(flags: &[&str]) {
    let own = Own::new();
    let mut child = own.entered_by_itself(flags, "self");
    let mut output = None;
    for _ in 0..50 {
        let found = own.call(&["exec", "self", "/probe", "rewrite", "0", "2000"]).run();
        if found.code == Some(0) {
            output = Some(found);
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(child.stdin.take());
    let status = child.wait().unwrap();
    assert!(!status.success(), "our program is no program for containers: {status}");
    beaten(&output.expect("the container never ran").stdout, 2_000);
    own.unchanged();
}

#[test]
fn the_runtime_as_a_containers_program_cannot_be_written() {
    attack_a_container_that_runs_our_program(&[]);
}

#[test]
fn the_runtime_cannot_be_written_with_all_capabilities() {
    attack_a_container_that_runs_our_program(&["--privileged"]);
}

#[test]
fn the_runtime_cannot_be_written_without_a_filter() {
    attack_a_container_that_runs_our_program(&["--security-opt", "seccomp=unconfined"]);
}

/// A container that lies in wait while processes are put into it, as themselves and as
/// `/proc/self/exe`.
#[test]
fn processes_entering_a_container_bring_nothing_that_can_be_written() {
    for flags in [&[] as &[&str], &["--privileged"]] {
        let own = Own::new();
        let words = [&["run", "-d", "--name", "trap", "--network", "none"], flags].concat();
        let words = [words.as_slice(), &["base", "/probe", "rewrite", "3", "1"]].concat();
        own.call(&words).run().succeeds();
        for _ in 0..10 {
            own.call(&["exec", "trap", "true"]).run();
            let itself = own.call(&["exec", "trap", "/proc/self/exe"]).run();
            assert_ne!(itself.code, Some(0), "{}", itself.told());
        }
        own.call(&["wait", "trap"]).run().succeeds();
        let logs = own.call(&["logs", "trap"]).run();
        beaten(&logs.succeeds().stdout, 0);
        own.call(&["rm", "-f", "trap"]).run().succeeds();
        own.unchanged();
    }
}

#[test]
fn a_build_step_and_an_image_can_only_run_the_program_that_refuses_them() {
    let own = Own::new();
    let text = "FROM base\nENTRYPOINT [\"/proc/self/exe\"]\nRUN [\"/proc/self/exe\"]\n";
    let context = own.world.context("self", text);
    let built = own.call(&["build", "-t", "self", context.to_str().unwrap()]).run();
    assert_ne!(built.code, Some(0), "{}", built.told());
    own.unchanged();
}
