//! R1 (CVE-2019-5736): the programs of minidock are files of the user, who is root in the
//! container. Nothing inside may change them, through `/proc/PID/exe` or otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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

    #[track_caller]
    fn unchanged(&self) {
        assert_eq!(state(&self.bin, &self.runtime), self.before);
    }
}

/// Hashes, modes, owners, times and extended attributes, all in one text.
fn state(bin: &Path, runtime: &Path) -> String {
    let sums = Call::new("sha256sum").args([bin, runtime]).run();
    let stats =
        Call::new("stat").args(["--format", "%a %u %g %s %y %z"]).args([bin, runtime]).run();
    let mut names = vec![0_u8; 4096];
    let attributes = [bin, runtime].map(|path| rustix::fs::listxattr(path, &mut names).unwrap());
    format!("{}{}{attributes:?}", sums.succeeds().stdout, stats.succeeds().stdout)
}

/// The attacker caught a program that is not the container's, tried 2,000 times, changed nothing.
#[track_caller]
fn beaten(text: &str) {
    let number = |name| value(text, name).parse::<u64>().unwrap();
    assert!(number("seen") >= 1 && number("tried") >= 2_000, "nothing was attacked: {text}");
    assert_eq!(number("worked"), 0, "{text}");
    for answer in values(text, "errno") {
        let name = answer.split(' ').next().unwrap();
        assert!(["EROFS", "ETXTBSY", "EPERM", "EACCES"].contains(&name), "{text}");
    }
}

/// A container lies in wait while our own program is executed in it, for the moment in which the
/// program can be opened; what it then holds, it keeps attacking.
fn attacked_while_it_is_executed(flags: &[&str]) {
    let own = Own::new();
    let words = [&["run", "-d", "--name", "trap", "--network", "none"], flags].concat();
    let words = [words.as_slice(), &["base", "/probe", "rewrite", "2000", "20"]].concat();
    own.call(&words).run().succeeds();
    loop {
        let itself = own.call(&["exec", "trap", "/proc/self/exe"]).run();
        assert_ne!(itself.code, Some(0), "{}", itself.told());
        let running = own.call(&["ps", "--quiet"]).run();
        if running.succeeds().stdout.is_empty() {
            break;
        }
    }
    let logs = own.call(&["logs", "trap"]).run();
    own.call(&["rm", "trap"]).run().succeeds();
    beaten(&logs.succeeds().stdout);
    own.unchanged();
}

#[test]
fn our_program_cannot_be_written_by_containers_that_execute_it() {
    attacked_while_it_is_executed(&[]);
}

#[test]
fn our_program_cannot_be_written_with_all_capabilities() {
    attacked_while_it_is_executed(&["--privileged"]);
}

#[test]
fn our_program_cannot_be_written_without_a_filter() {
    attacked_while_it_is_executed(&["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"]);
}

/// `--init` makes our program the first process: it may not even be opened.
#[test]
fn the_init_of_a_container_cannot_be_opened() {
    let own = Own::new();
    for flags in [&[] as &[&str], &["--privileged"]] {
        let words = ["run", "-d", "--init", "--name", "own", "--network", "none"];
        let words = [words.as_slice(), flags, &["base", "sleep", "1000"]].concat();
        own.call(&words).run().succeeds();
        let attack = own.call(&["exec", "own", "/probe", "rewrite", "2000", "1"]).run();
        own.call(&["rm", "-f", "own"]).run().succeeds();
        let text = &attack.succeeds().stdout;
        assert_eq!((value(text, "seen"), value(text, "worked")), ("0", "0"), "{text}");
        assert_ne!(value(text, "unseen"), "0", "{text}");
    }
    own.unchanged();
}

#[test]
fn our_program_is_no_program_for_images() {
    let own = Own::new();
    let tarball = Tarball::busybox().file("script", 0o755, b"#!/proc/self/exe\n");
    own.world.import(&tarball, "base").succeeds();
    for program in ["/proc/self/exe", "/proc/1/exe", "/script"] {
        let words = ["run", "--rm", "--network", "none", "--entrypoint", program, "base", "run"];
        let output = own.call(&words).run();
        assert_ne!(output.code, Some(0), "{}", output.told());
        assert!(!output.stderr.contains("panicked"), "{}", output.told());
    }
    own.unchanged();
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
