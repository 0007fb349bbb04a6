//! kill -9 while files are copied: nothing of the copy lives on, the store is whole, and the only
//! trace is a file that is not complete, under its own name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use minidock_tests::process::{Process, below};
use minidock_tests::{Busybox, Leaks, stage};

use crate::aftermath::nothing_is_left;
use crate::random::Random;

const KILLS: usize = 32;
const SIZE: usize = 24 << 20;

fn spawn(busybox: &Busybox, words: &[&str]) -> Child {
    let mut command = Command::new(stage::minidock());
    command.arg("--root").arg(busybox.root()).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until nothing runs but what ran before.
fn settled(before: &[Process], told: &str) {
    let begun = Instant::now();
    loop {
        let now = below(std::process::id());
        let new: Vec<_> = now.iter().filter(|process| !before.contains(process)).collect();
        if new.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "left after {told}: {new:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_killed_copy_leaves_nothing_but_a_part_of_its_file() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    let file = busybox.write("big", vec![b'x'; SIZE]).display().to_string();
    let out = busybox.dir().join("out");
    fs::create_dir(&out).unwrap();
    busybox.start("running", &[], "sleep 1000");
    let create = ["create", "--name", "still", "--network", "none", "busybox", "sleep", "1000"];
    busybox.run(create).succeeds();
    let to = out.display().to_string();
    let mut longest = Duration::ZERO;
    for name in ["running", "still"] {
        longest = longest.max(busybox.run(["cp", &file, &format!("{name}:/big")]).took);
        longest = longest.max(busybox.run(["cp", &format!("{name}:/big"), &to]).took);
    }
    fs::remove_file(out.join("big")).unwrap();
    let before = below(std::process::id());
    let mut random = Random::new();
    let mut hits = 0;
    for round in 0..KILLS {
        let name = if round % 2 == 0 { "running" } else { "still" };
        let (inside, new) = (format!("{name}:/big"), format!("{name}:/tmp/new"));
        let words = match round % 4 / 2 {
            0 => ["cp", &inside, &to],
            _ => ["cp", &file, &new],
        };
        let delay = Duration::from_micros(random.below(longest.as_micros() as u64));
        let told = format!("round {round}, {words:?} after {delay:?}, {}", random.seed());
        let mut child = spawn(&busybox, &words);
        std::thread::sleep(delay);
        hits += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        settled(&before, &told);
        let left = names(&out);
        assert!(left.is_empty() || left == ["big"], "{told}: {left:?}");
        let check = busybox.run(["system", "check"]);
        assert_eq!(check.code, Some(0), "{told}: {}", check.told());
        busybox.run(words).succeeds();
        if out.join("big").exists() {
            assert_eq!(fs::metadata(out.join("big")).unwrap().size(), SIZE as u64, "{told}");
            fs::remove_file(out.join("big")).unwrap();
        }
    }
    assert!(hits > 0, "no kill hit a living process, {}", random.seed());
    // Whatever was copied into it, it starts.
    busybox.run(["start", "still"]).succeeds();
    let sizes = ["exec", "still", "stat", "-c", "%s", "/big", "/tmp/new"];
    assert_eq!(busybox.run(sizes).succeeds().stdout, format!("{SIZE}\n{SIZE}\n"));
    busybox.run(["rm", "-f", "running", "still"]).succeeds();
    nothing_is_left(&busybox, &leaks, &format!("{hits} kills, {}", random.seed()));
}

/// The container ends, or is removed, while its files are copied: the call says so and ends.
#[test]
fn a_container_that_ends_meanwhile_ends_the_copy_with_a_word() {
    let busybox = Busybox::new();
    busybox.start("c", &[], "sleep 1000");
    let minidock = format!("{} --root {}", stage::minidock().display(), busybox.root().display());
    // The reader takes the first bytes and then waits for the end of the container.
    let script = "
        { $M cp c:/bin/busybox -; echo $? > code; } 2> said | \
          { head -c 1000 > /dev/null; $M rm -f c > /dev/null; cat > /dev/null; }
        cat code said";
    let call = minidock_tests::Call::new("sh").args(["-c", script]).env("M", minidock);
    let output = call.dir(busybox.dir()).run();
    output.succeeds().stdout_has("1\nminidock: ").stdout_has("ended while its files were copied");
}

/// What a stranger keeps open or stops does not keep others away.
#[test]
fn a_copy_that_waits_keeps_nobody_from_a_running_container() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.start("c", &[], "sleep 1000");
    let mut waiting = Command::new(stage::minidock());
    waiting.arg("--root").arg(busybox.root()).args(["cp", "-", "c:/tmp"]);
    let mut waiting = waiting.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let file = busybox.write("f", "content").display().to_string();
    busybox.run(["cp", &file, "c:/tmp"]).succeeds();
    busybox.run(["exec", "c", "cat", "/tmp/f"]).succeeds().stdout_has("content");
    busybox.run(["rm", "-f", "c"]).succeeds();
    drop(waiting.stdin.take());
    assert_ne!(waiting.wait().unwrap().code(), Some(0));
    nothing_is_left(&busybox, &leaks, "a copy that waited");
}
