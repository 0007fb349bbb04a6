//! Streams that are closed, stopped or gone, and a caller's environment that is not as it should
//! be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use minidock_tests::process::below;
use minidock_tests::{Busybox, Call, Leaks, Output, stage};
use rustix::process::{Pid, Signal, kill_process};

use crate::aftermath::nothing_is_left;

/// A shell line with `$M` for `minidock --root STORE`.
fn shell(busybox: &Busybox, line: &str) -> Output {
    let call = Call::new("sh").args(["-c", line]);
    let command = format!("{} --root {}", stage::minidock().display(), busybox.root().display());
    call.env("M", command).run()
}

#[test]
fn closed_streams_are_no_failure() {
    let busybox = Busybox::new();
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let line = format!("$M run --rm --network none busybox sh -c 'exit 3' {closed}");
        shell(&busybox, &line).exits(3);
        let line = format!("$M images {closed}");
        shell(&busybox, &line).succeeds();
    }
    shell(&busybox, "$M run --rm -i --network none busybox sh -c 'cat; exit 4' <&-").exits(4);
    // A file that happens to get the number of a closed stream is not written into.
    let file = busybox.dir().join("victim");
    let line = format!("$M run --rm --network none busybox echo x >&- 3>{}", file.display());
    shell(&busybox, &line);
    assert_eq!(fs::read_to_string(file).unwrap(), "");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let busybox = Busybox::new();
    let leaks = "$M run --rm --network none busybox sh -c 'yes | head -1'; echo $?";
    assert_eq!(shell(&busybox, leaks).succeeds().stdout, "y\n0\n");
    let line = "{ $M run --rm --network none busybox sh -c 'yes; exit 0'; echo $? >&2; } | head -1";
    let gone = shell(&busybox, line);
    assert_eq!((gone.stdout.as_str(), gone.stderr.as_str()), ("y\n", "0\n"));
    assert_eq!(shell(&busybox, "{ $M images; echo $? >&2; } | true").stderr, "0\n");
    // The owned container ends with its owner.
    let begun = Instant::now();
    while !busybox.run(["ps", "-aq"]).succeeds().stdout.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn programs_start_with_signals_as_they_should_be() {
    let busybox = Busybox::new();
    let call = "trap '' PIPE INT HUP; $M run --rm --network none busybox \
                grep -E 'Sig(Ign|Blk)' /proc/self/status";
    let output = shell(&busybox, call);
    for line in output.succeeds().stdout.lines() {
        assert!(line.ends_with("\t0000000000000000"), "{}", output.told());
    }
}

#[test]
fn a_reader_that_is_stopped_and_killed_takes_nobody_with_it() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.start("base", &[], "sleep 1000");
    let mut reader = Command::new(stage::minidock())
        .arg("--root")
        .arg(busybox.root())
        .args(["run", "--rm", "--name", "flood", "--network", "none", "busybox", "yes"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(reader.id()).unwrap()).unwrap();
    // Nobody reads the pipe, then the command line itself stands still.
    std::thread::sleep(Duration::from_millis(300));
    kill_process(pid, Signal::STOP).unwrap();
    let before = resident_sum();
    std::thread::sleep(Duration::from_secs(1));
    let after = resident_sum();
    assert!(after < before + (8 << 20), "memory grows while nobody reads: {before} -> {after}");
    let other = busybox.run(["exec", "base", "echo", "alive"]);
    assert_eq!(other.succeeds().stdout, "alive\n");
    busybox.run(["ps"]).succeeds().stdout_has("flood");
    reader.kill().unwrap();
    reader.wait().unwrap();
    let begun = Instant::now();
    while busybox.run(["ps", "-a"]).succeeds().stdout.contains("flood") {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "the owner is dead, the container is not"
        );
    }
    busybox.run(["rm", "-f", "base"]).succeeds();
    nothing_is_left(&busybox, &leaks, "a stopped reader");
}

#[test]
fn exec_ends_with_its_caller() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.start("base", &[], "sleep 1000");
    let mut caller = Command::new(stage::minidock())
        .arg("--root")
        .arg(busybox.root())
        .args(["exec", "base", "sleep", "1234"])
        .spawn()
        .unwrap();
    let lives = || below(std::process::id()).iter().any(|process| process.command == "sleep 1234");
    let begun = Instant::now();
    while !lives() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the program does not start");
    }
    caller.kill().unwrap();
    caller.wait().unwrap();
    let begun = Instant::now();
    while lives() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the program outlives its caller");
    }
    busybox.run(["rm", "-f", "base"]).succeeds();
    nothing_is_left(&busybox, &leaks, "a killed exec");
}

/// Bytes of memory of all processes of minidock below this one.
fn resident_sum() -> u64 {
    let pages = |pid: u32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    };
    let all =
        below(std::process::id()).into_iter().filter(|each| each.command.contains("minidock"));
    all.filter_map(|each| pages(each.pid)).sum::<u64>() * 4096
}

#[test]
fn a_strange_environment_works_or_is_named_in_one_line() {
    let busybox = Busybox::new();
    let run = "$M run --rm --network none busybox echo fine";
    let gone = busybox.dir().join("gone");
    for (name, line) in [
        ("no HOME", format!("unset HOME; {run}")),
        ("no PATH", format!("PATH= ; {run}")),
        ("no XDG_RUNTIME_DIR", format!("unset XDG_RUNTIME_DIR; {run}")),
        ("a runtime directory that is not there", format!("XDG_RUNTIME_DIR=/nowhere {run}")),
        ("text that is no UTF-8", format!("X=$(printf '\\377') {run}")),
        ("umask 077", format!("umask 077; {run}")),
        ("umask 000", format!("umask 000; {run}")),
        ("64 descriptors", format!("ulimit -n 64; {run}")),
        ("no working directory", format!("mkdir {0}; cd {0}; rmdir {0}; {run}", gone.display())),
    ] {
        let output = shell(&busybox, &line);
        assert!(output.code == Some(0) && output.stdout == "fine\n", "{name}: {}", output.told());
    }
    let store = busybox.root();
    assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn arguments_of_any_bytes_arrive() {
    let busybox = Busybox::new();
    let line = "$M run --rm --network none busybox printf \"$(printf '\\377\\001')\" | od -An -tx1";
    assert_eq!(shell(&busybox, line).succeeds().line().trim(), "ff 01");
}

#[test]
fn a_store_with_a_very_long_path_works_or_is_refused_in_one_line() {
    let busybox = Busybox::new();
    let mut path = busybox.dir().to_owned();
    for _ in 0..18 {
        path.push("d".repeat(200));
    }
    let output = Call::new(stage::minidock()).args(["--root".as_ref(), path.as_os_str()]);
    let output = output.args(["images"]).run();
    if output.code != Some(0) {
        assert!(
            output.stderr.starts_with("minidock: ") && output.code == Some(1),
            "{}",
            output.told()
        );
        assert!(!output.stderr.contains("panicked"), "{}", output.told());
    }
}
