//! R14: the users of an image are data. Numbers are numbers, and its account files are read within
//! it, bounded, and only where they are files.

use crate::places::value;
use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

#[test]
fn numbers_win_over_names_that_look_like_numbers() {
    let world = World::new();
    let passwd = b"root:x:0:0::/root:/bin/sh\n1000:x:0:0::/:/bin/sh\n+7:x:0:0::/:/bin/sh\n";
    let group = b"root:x:0:\n1000:x:0:\nbig:x:4294967296:root\n";
    let tarball = Tarball::busybox().file("etc/passwd", 0o644, passwd);
    world.import(&tarball.file("etc/group", 0o644, group), "base").succeeds();
    for user in ["1000", "1000:1000", "01000"] {
        let words = ["run", "--rm", "--network", "none", "--user", user, "base", "/probe", "facts"];
        let run = world.run(words);
        if run.code == Some(0) {
            assert_eq!(value(&run.stdout, "Uid"), "1000 1000 1000 1000", "{}", run.told());
        } else {
            refused_clearly(run.exits(125));
            assert_eq!(user, "01000", "{}", run.told());
        }
    }
    for user in [
        "4294967296",
        "-1",
        "0x0",
        "4294967295",
        "1000:-1",
        "1000:4294967296",
        "nobody2",
        "18446744073709551616",
        " ",
        "0 ",
        "../0",
    ] {
        let words = ["run", "--rm", "--network", "none"];
        let user = format!("--user={user}");
        let run = world.run([words.as_slice(), &[&user, "base", "id"]].concat());
        assert_ne!(run.code, Some(0), "{}", run.told());
        refused_clearly(&run);
    }
}

#[test]
fn account_files_that_are_no_files_are_refused_in_bounded_time_and_memory() {
    let world = World::new();
    let canary = world.canary.text().to_owned();
    let line = [b"root:x:0:0:".as_slice(), &vec![b'a'; 8 << 20], b":/root:/bin/sh\n"].concat();
    let many: Vec<u8> = (0..200_000).flat_map(|n| format!("g{n}:x:{n}:x\n").into_bytes()).collect();
    let cases = [
        ("a FIFO", Tarball::busybox().entry(b'6', "etc/passwd", "", 0o644, b"")),
        ("a directory", Tarball::busybox().symlink("etc/passwd", "/etc")),
        ("endless", Tarball::busybox().symlink("etc/passwd", "/dev/zero")),
        ("a terminal", Tarball::busybox().symlink("etc/passwd", "/dev/tty")),
        ("outside", Tarball::busybox().symlink("etc/passwd", &format!("{canary}/passwd"))),
        ("its own memory", Tarball::busybox().symlink("etc/passwd", "/proc/self/mem")),
        ("a loop", Tarball::busybox().symlink("etc/passwd", "passwd")),
        ("a long line", Tarball::busybox().file("etc/passwd", 0o644, &line)),
        ("many groups", Tarball::busybox().file("etc/group", 0o644, &many)),
        ("bytes", Tarball::busybox().file("etc/passwd", 0o644, b"\xff\x00:\n:::::::\n\n")),
    ];
    for (what, tarball) in cases {
        world.import(&tarball, "base").succeeds();
        for user in ["0", "user", "1000:1000"] {
            let words = ["run", "--rm", "--network", "none", "--user", user, "base", "id"];
            let run = world.run(words);
            assert!(run.took.as_secs() < 20, "{what}: {}", run.told());
            assert!(!run.stderr.contains("panicked"), "{what}: {}", run.told());
            if run.code != Some(0) {
                refused_clearly(run.exits(125));
            }
        }
        world.canary.untouched(what);
    }
    world.unharmed("account files");
}
