//! `run` and `exec`: what the program sees, and what its end looks like from outside.

use std::process::{Command, Stdio};

use minidock_tests::{Busybox, Call, stage};

#[test]
fn exit_statuses() {
    let busybox = Busybox::new();
    for (script, code) in [
        ("true", 0),
        ("exit 1", 1),
        ("exit 125", 125),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$; sleep 1", 0),
    ] {
        // The first process of a pid namespace ignores what it has no handler for.
        let script = if code == 137 { "sh -c 'kill -KILL $$'; exit $?" } else { script };
        busybox.sh(script).exits(code);
    }
    let run = |words: &[&str]| busybox.call(["run", "--rm", "--network", "none"]).args(words).run();
    run(&["busybox", "/nowhere"]).exits(127).stderr_has("/nowhere");
    run(&["busybox", "not-in-the-path"]).exits(127).stderr_has("not-in-the-path");
    run(&["busybox", "/etc/passwd"]).exits(126).stderr_has("/etc/passwd");
    run(&["busybox", "/etc"]).exits(126).stderr_has("/etc");
    run(&["nothing-of-that-name", "true"]).exits(125).stderr_has("nothing-of-that-name");
    run(&["--no-such-flag", "busybox"]).exits(125).stderr_has("--no-such-flag");
    run(&["--memory", "1g", "busybox"]).exits(125).stderr_has("--memory is not supported");
    busybox.run(["ps", "--no-such-flag"]).exits(2).stderr_has("--no-such-flag");
    busybox.run(["inspect", "nothing"]).exits(1).stderr_has("nothing");
    assert_eq!(busybox.run(["ps", "-aq"]).succeeds().stdout, "", "what failed left nothing");
}

#[test]
fn signals_sent_to_the_command_line_reach_the_program() {
    let busybox = Busybox::new();
    let script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = Command::new(stage::minidock())
        .arg("--root")
        .arg(busybox.root())
        .args(["run", "--rm", "--network", "none", "busybox", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "got it");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn standard_streams_carry_any_bytes_to_their_end() {
    let busybox = Busybox::new();
    let input = busybox.dir().join("input");
    let bytes: Vec<u8> =
        (0..1_000_003_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&input, bytes).unwrap();
    let minidock = format!("{} --root {}", stage::minidock().display(), busybox.root().display());
    let script = "set -e
        want=$(sha256sum < $IN)
        [ \"$($M run --rm -i --network none busybox cat < $IN | sha256sum)\" = \"$want\" ]
        [ \"$(cat $IN | $M run --rm -i --network none busybox sha256sum)\" = \"$want\" ]
        $M run -d --name base --network none busybox sleep 1000 >/dev/null
        [ \"$(cat $IN | $M exec -i base cat | sha256sum)\" = \"$want\" ]
        [ \"$(echo unread | $M run --rm --network none busybox cat)\" = '' ]
        echo same";
    let output = Call::new("sh").args(["-c", script]).env("M", minidock).env("IN", &input).run();
    assert_eq!(output.succeeds().stdout, "same\n", "{}", output.told());
    let both = busybox.sh("echo out; echo err >&2");
    assert_eq!((both.stdout.as_str(), both.stderr.as_str()), ("out\n", "err\n"));
    // A program that reads nothing does not keep the caller waiting.
    let full = busybox.call(["run", "--rm", "-i", "--network", "none", "busybox", "true"]);
    full.input(vec![b'x'; 1 << 20]).run().succeeds();
}

#[test]
fn users_and_directories() {
    let busybox = Busybox::new();
    for (user, expected) in [
        ("user", "1000 1000 1000 /home"),
        ("1000", "1000 1000 1000 /home"),
        ("1234", "1234 0 0 /"),
        ("1234:5", "1234 5 5 /"),
        ("user:0", "1000 0 0 /home"),
        ("0:user", "0 1000 1000 /root"),
        ("root", "0 0 0 /root"),
    ] {
        let output = busybox.sh_with(&["-u", user], "echo $(id -u) $(id -g) $(id -G) $HOME");
        assert_eq!(output.succeeds().line(), expected, "{user}");
    }
    let more = busybox.sh_with(&["-u", "1:2", "--group-add", "3", "--group-add", "user"], "id -G");
    assert_eq!(more.succeeds().line(), "2 3 1000");
    busybox
        .sh_with(&["-u", "nobody-of-that-name"], "true")
        .exits(125)
        .stderr_has("nobody-of-that-name");
    let made = busybox.sh_with(&["-w", "/new/deep"], "pwd; stat -c %a .");
    assert_eq!(made.succeeds().stdout, "/new/deep\n755\n");
    busybox.sh_with(&["-w", "relative"], "true").exits(125).stderr_has("relative");
    busybox.sh_with(&["-w", "/etc/passwd"], "true");
}

#[test]
fn settings_reach_the_program() {
    let busybox = Busybox::new();
    let env_file =
        busybox.write("env", "# note\nFROM_FILE=1\nBOTH=file\nHOST_VALUE\nABSENT_VALUE\n");
    let call = busybox.call(["run", "--rm", "--network", "none", "--env-file"]).args([env_file]);
    let call = call.args(["-e", "BOTH=flag", "-e", "EMPTY=", "-e", "HOST_VALUE", "busybox", "env"]);
    let output = call.env("HOST_VALUE", "host's").env("SECRET", "x").run();
    let mut lines: Vec<&str> = output.succeeds().stdout.lines().collect();
    lines.retain(|line| !line.starts_with("HOSTNAME="));
    lines.sort_unstable();
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let want = ["BOTH=flag", "EMPTY=", "FROM_FILE=1", "HOME=/root", "HOST_VALUE=host's", path];
    assert_eq!(lines, want, "{}", output.told());
    let name = busybox.sh_with(&["--hostname", "box"], "hostname; cat /etc/hostname");
    assert_eq!(name.succeeds().stdout, "box\nbox\n");
    let call = ["run", "--rm", "--hostname", "box", "busybox", "grep", "-cw", "box", "/etc/hosts"];
    busybox.run(call).succeeds();
    let limit = busybox.sh_with(&["--ulimit", "nofile=77:99"], "ulimit -Sn; ulimit -Hn");
    assert_eq!(limit.succeeds().stdout, "77\n99\n");
    let hosts = busybox.sh_with(&["--add-host", "away:192.0.2.7"], "grep away /etc/hosts");
    assert!(hosts.succeeds().line().starts_with("192.0.2.7"), "{}", hosts.told());
    let shm = busybox.sh_with(&["--shm-size", "1m"], "df -k /dev/shm | tail -1 | awk '{print $2}'");
    assert_eq!(shm.succeeds().line(), "1024");
}

#[test]
fn entrypoints() {
    let busybox = Busybox::new();
    busybox.build("FROM busybox\nENTRYPOINT [\"echo\", \"entry\"]\nCMD [\"cmd\"]\n").succeeds();
    for (words, expected) in [
        (&["built"][..], "entry cmd\n"),
        (&["built", "own"], "entry own\n"),
        (&["--entrypoint", "basename", "built", "/a/b"], "b\n"),
        (&["--entrypoint", "", "built", "echo", "none"], "none\n"),
    ] {
        let output = busybox.call(["run", "--rm", "--network", "none"]).args(words).run();
        assert_eq!(output.succeeds().stdout, expected, "{words:?}");
    }
}

#[test]
fn rights() {
    let busybox = Busybox::new();
    let caps = |flags: &[&str]| {
        let output = busybox.sh_with(flags, "grep CapEff /proc/self/status | cut -f2");
        u64::from_str_radix(output.succeeds().line(), 16).unwrap()
    };
    let (chown, net_admin, sys_admin) = (1 << 0, 1 << 12, 1 << 21);
    assert_eq!(caps(&[]), 0x0000_0000_a804_25fb, "docker's default");
    assert_eq!(caps(&["--cap-drop", "ALL"]), 0);
    assert_eq!(caps(&["--cap-drop", "ALL", "--cap-add", "CHOWN"]), chown);
    assert_eq!(caps(&["--cap-drop", "chown"]) & chown, 0);
    assert_ne!(caps(&["--cap-add", "NET_ADMIN"]) & net_admin, 0);
    let all = caps(&["--privileged"]);
    assert_ne!(all & sys_admin, 0);
    assert_eq!(caps(&["-u", "1000"]), 0);
    busybox.sh_with(&["--cap-add", "NOPE"], "true").exits(125).stderr_has("NOPE");
    // All of it counts in a user namespace of the container's own.
    busybox.sh("mount -t tmpfs x /tmp 2>/dev/null").exits(1);
    let mount = "mount -t tmpfs x /tmp && touch /tmp/x && umount /tmp";
    busybox.sh_with(&["--privileged"], mount).succeeds();
    let namespaces = "readlink /proc/self/ns/user";
    let shared = busybox.sh(namespaces).succeeds().line().to_owned();
    assert_eq!(busybox.sh(namespaces).line(), shared);
    assert_ne!(busybox.sh_with(&["--privileged"], namespaces).line(), shared);
    let filter = "grep Seccomp: /proc/self/status | cut -f2";
    assert_eq!(busybox.sh(filter).line(), "2");
    assert_eq!(busybox.sh_with(&["--security-opt", "seccomp=unconfined"], filter).line(), "0");
    let privs = "grep NoNewPrivs /proc/self/status | cut -f2";
    assert_eq!(busybox.sh(privs).line(), "0");
    assert_eq!(busybox.sh_with(&["--security-opt", "no-new-privileges"], privs).line(), "1");
}

#[test]
fn a_small_init_reaps_what_others_leave() {
    let busybox = Busybox::new();
    // Three orphans end while the main program lives.
    let script = "for i in 1 2 3; do (sleep 0.1 & ) ; done; sleep 0.6; \
                  grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
    busybox.start("base", &["--init"], "for i in 1 2 3; do (sleep 0.1 &); done; sleep 1000");
    let count = "sleep 0.4; grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
    assert_eq!(busybox.run(["exec", "base", "sh", "-c", count]).succeeds().line(), "0");
    assert_eq!(busybox.sh_with(&["--init"], script).succeeds().line(), "0");
    busybox.sh_with(&["--init"], "exit 7").exits(7);
    // Signals pass through it.
    busybox.run(["stop", "-t", "5", "base"]).succeeds();
    let code = busybox.inspect("base", "{{.State.ExitCode}}");
    assert_eq!(code, "143");
}
