//! R10, R12, R13: capabilities, setuid programs, groups.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use minidock_tests::stage;

use crate::born::DEFAULT;
use crate::places::{Everywhere, value};
use crate::tarball::Tarball;
use crate::world::World;

const NONE: &str = "0000000000000000";

/// The four sets that a process has, in the order of `/proc/PID/status`, and what they must be.
#[track_caller]
fn sets(text: &str, place: &str, bounding: &str, effective: &str) {
    assert_eq!(value(text, "CapInh"), NONE, "CapInh in {place}: {text}");
    assert_eq!(value(text, "CapAmb"), NONE, "CapAmb in {place}: {text}");
    assert_eq!(value(text, "CapBnd"), bounding, "CapBnd in {place}: {text}");
    assert_eq!(value(text, "CapPrm"), effective, "CapPrm in {place}: {text}");
    assert_eq!(value(text, "CapEff"), effective, "CapEff in {place}: {text}");
}

fn hex(set: u64) -> String {
    format!("{set:016x}")
}

#[test]
fn capabilities_are_the_documented_ones_for_root_and_none_for_users() {
    let world = World::with_base();
    let facts = Everywhere::probe(&world, &["--network", "none"], "base", &["facts"]);
    for (place, text) in facts.each() {
        sets(text, place, DEFAULT, DEFAULT);
    }
    let context = world.context("user", "FROM base\nUSER 1000\n");
    world.build(&context, "user").succeeds();
    let facts = Everywhere::probe(&world, &["--network", "none"], "user", &["facts"]);
    for (place, text) in facts.each() {
        sets(text, place, DEFAULT, NONE);
        assert_eq!(value(text, "Uid"), "1000 1000 1000 1000", "in {place}");
    }
}

#[test]
fn capabilities_are_added_and_dropped_for_init_and_exec() {
    let world = World::with_base();
    let default = u64::from_str_radix(DEFAULT, 16).unwrap();
    let (ptrace, raw, chown) = (1_u64 << 19, 1_u64 << 13, 1_u64);
    let cases: &[(&[&str], u64)] = &[
        (&["--cap-drop", "all"], 0),
        (&["--cap-drop", "ALL", "--cap-add", "CHOWN"], chown),
        (&["--cap-drop", "CAP_NET_RAW"], default & !raw),
        (&["--cap-add", "SYS_PTRACE"], default | ptrace),
        (&["--cap-add", "sys_ptrace", "--cap-drop", "net_raw"], (default | ptrace) & !raw),
    ];
    for (flags, wanted) in cases {
        let flags = [&["--network", "none"], *flags].concat();
        let running = world.start("caps", &flags, "base");
        let exec = running.exec(&["/probe", "facts"]);
        sets(&exec.succeeds().stdout, &format!("exec {flags:?}"), &hex(*wanted), &hex(*wanted));
        let init = running.exec(&["cat", "/proc/1/status"]).succeeds().stdout.replace(":\t", "=");
        sets(&init, &format!("init {flags:?}"), &hex(*wanted), &hex(*wanted));
        let user = world.run(["exec", "--user", "1000", running.name, "/probe", "facts"]);
        sets(&user.succeeds().stdout, &format!("a user {flags:?}"), &hex(*wanted), NONE);
    }
    let unknown = world.run(["run", "--rm", "--cap-add", "MAGIC", "base", "true"]);
    crate::world::refused_clearly(unknown.exits(125));
}

/// Bit of CAP_NET_RAW, as a version 2 file capability, permitted and effective
/// (`linux/capability.h`).
const FILE_CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn setuid_programs_and_file_capabilities_work_unless_new_privileges_are_forbidden() {
    let world = World::new();
    let probe = crate::probe::bytes();
    let tarball = Tarball::busybox()
        .file("setuid", 0o4755, probe)
        .pax(&[("SCHILY.xattr.security.capability", FILE_CAPABILITY)])
        .file("capable", 0o755, probe);
    world.import(&tarball, "base").succeeds();
    world.build(&world.context("user", "FROM base\nUSER 1000\n"), "user").succeeds();
    let run = |flags: &[&str], program: &str| {
        let flags = [&["--network", "none", "--user", "1000"], flags].concat();
        let call = [&["run", "--rm"], flags.as_slice(), &["base", program, "ids"]].concat();
        let init = world.run(call).succeeds().stdout.clone();
        let exec = world.start("ids", &flags, "base").exec(&[program, "ids"]);
        [init, exec.succeeds().stdout.clone()]
    };
    let forbidden = ["--security-opt", "no-new-privileges"];
    for (flags, euid, capability) in
        [(&[] as &[&str], "euid=0", hex(1 << 13)), (&forbidden, "euid=1000", hex(0))]
    {
        for text in run(flags, "/setuid") {
            assert!(text.contains(euid), "{flags:?}: {text}");
        }
        for text in run(flags, "/capable") {
            assert_eq!(value(&text, "CapEff"), capability, "{flags:?}: {text}");
            assert_eq!(value(&text, "NoNewPrivs"), if flags.is_empty() { "0" } else { "1" });
        }
    }
    let line = "FROM user\nRUN [\"/setuid\", \"-o\", \"/tmp/out\", \"ids\"]\n";
    world.build(&world.context("setuid", line), "run").succeeds();
    world.run(["run", "--rm", "run", "cat", "/tmp/out"]).succeeds().stdout_has("euid=0");
}

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n\
                      other:x:1001:77::/home:/bin/sh\n";
const GROUP: &str = "root:x:0:\nwheel:x:10:root\nuser:x:1000:\naudio:x:29:user,other\n\
                     video:x:44:user\nbig:x:5000:user\n";

#[test]
fn groups_are_exactly_those_of_the_image_and_the_flags() {
    // The caller's own are none of them.
    let ours = stage::supplementary_group();
    assert!(![10, 29, 33, 44, 77, 1000, 5000].contains(&ours));
    let world = World::new();
    let tarball = Tarball::busybox().file("etc/passwd", 0o644, PASSWD.as_bytes()).file(
        "etc/group",
        0o644,
        GROUP.as_bytes(),
    );
    world.import(&tarball, "base").succeeds();
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "0", "0 10"),
        (&["--user", "0"], "0", "0 10"),
        (&["--user", "0:0"], "0", "0"),
        (&["--user", "user"], "1000", "29 44 1000 5000"),
        (&["--user", "1000"], "1000", "29 44 1000 5000"),
        (&["--user", "1000:1000"], "1000", "1000"),
        (&["--user", "user:audio"], "29", "29"),
        (&["--user", "other"], "77", "29 77"),
        (&["--user", "4242"], "0", "0"),
        (&["--user", "1000:1000", "--group-add", "audio"], "1000", "29 1000"),
        (&["--user", "1000:1000", "--group-add", "33", "--group-add", "44"], "1000", "33 44 1000"),
    ];
    for (flags, gid, groups) in cases {
        let flags = [&["--network", "none"], *flags].concat();
        let running = world.start("groups", &flags, "base");
        let exec = running.exec(&["/probe", "facts"]).succeeds().stdout.clone();
        let init = running.exec(&["cat", "/proc/1/status"]).succeeds().stdout.replace(":\t", "=");
        for text in [exec, init] {
            assert_eq!(value(&text, "Groups").trim_end(), *groups, "{flags:?}: {text}");
            assert_eq!(value(&text, "Gid").split_whitespace().next(), Some(*gid), "{flags:?}");
        }
    }
    for (user, groups) in [("user", "29 44 1000 5000"), ("1000:1000", "1000"), ("0", "0 10")] {
        let text = format!("FROM base\nUSER {user}\nRUN id -G > /tmp/out\n");
        let context = world.context("groups", &text);
        world.build(&context, "run").succeeds();
        let out = world.run(["run", "--rm", "--user", "0", "run", "cat", "/tmp/out"]);
        let mut found: Vec<u32> =
            out.succeeds().stdout.split_whitespace().map(|gid| gid.parse().unwrap()).collect();
        found.sort_unstable();
        let found: Vec<String> = found.iter().map(u32::to_string).collect();
        assert_eq!(found.join(" "), groups, "USER {user}");
    }
}

/// A file that the caller reads by a supplementary group alone is not readable inside.
#[test]
fn what_only_the_callers_groups_may_read_stays_unreadable() {
    let world = World::with_base();
    let group = stage::supplementary_group();
    let shared = world.dir().join("shared");
    fs::create_dir(&shared).unwrap();
    chown(&shared, None, Some(group)).unwrap();
    // What is made in it belongs to the group, whoever makes it.
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o2777)).unwrap();
    let mount = format!("{}:/shared", shared.display());
    let flags = ["--network", "none", "-v", mount.as_str()];
    let make = "echo by-group > /shared/f && chmod 640 /shared/f && echo all > /shared/g";
    let run = |user: &str, script: &str| {
        let call = world.call(["run", "--rm"]).args(flags).args(["--user", user, "base"]);
        call.args(["sh", "-c", script]).run()
    };
    run("1000:1000", make).succeeds();
    let made = fs::metadata(shared.join("f")).unwrap();
    assert_eq!((made.gid(), made.mode() & 0o777), (group, 0o640));
    assert_ne!(made.uid(), rustix::process::getuid().as_raw());
    // The control: here the group does open it.
    assert_eq!(fs::read_to_string(shared.join("f")).unwrap(), "by-group\n");
    for user in ["0", "2000", "2000:1000"] {
        let script = "cat /shared/g && cat /shared/f";
        let read = run(user, script);
        assert_eq!((read.code, read.stdout.as_str()), (Some(1), "all\n"), "{}", read.told());
        let running = world.start("reader", &[&flags[..], &["--user", user]].concat(), "base");
        let read = running.exec(&["sh", "-c", script]);
        assert_eq!((read.code, read.stdout.as_str()), (Some(1), "all\n"), "{}", read.told());
    }
}
