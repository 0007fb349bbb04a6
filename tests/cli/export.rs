//! `export` and `diff`: a container's files as a whole, and what it changed in them.

use minidock_tests::{Busybox, Call, stage};

fn shell(busybox: &Busybox, script: &str) -> minidock_tests::Output {
    let minidock = format!("{} --root {}", stage::minidock().display(), busybox.root().display());
    Call::new("sh").args(["-c", script]).env("M", minidock).dir(busybox.dir()).run()
}

#[test]
fn what_is_exported_runs_again() {
    let busybox = Busybox::new();
    let change = "echo own > /own; rm /etc/group; mkdir -m 700 /d; chown 7:8 /d; sleep 1000";
    busybox.start("c", &["-v", "vol:/vol", "--tmpfs", "/tmp"], change);
    // What is mounted is not part of it.
    busybox.run(["exec", "c", "touch", "/vol/v", "/tmp/t"]).succeeds();
    let look = "cat /own; stat -c '%u:%g %a' /d; ls /vol /etc/group";
    for state in ["running", "exited"] {
        let script = format!(
            "set -e; $M export c | $M import - {state}; $M export -o {state}.tar c
            $M export c | cmp - {state}.tar"
        );
        let output = shell(&busybox, &script);
        output.succeeds();
        let run = busybox.run(["run", "--rm", "--network", "none", state, "sh", "-c", look]);
        assert_eq!(run.stdout, "own\n7:8 700\n/vol:\n", "{state}: {}", run.told());
        run.stderr_has("/etc/group");
        busybox.run(["stop", "-t", "0", "c"]).succeeds();
    }
    busybox.run(["export", "nothing"]).exits(1).stderr_has("no such container");
    let gone = shell(&busybox, "{ $M export c; echo $? >&2; } | head -c 1000 | wc -c");
    assert_eq!((gone.stdout.trim(), gone.stderr.as_str()), ("1000", "0\n"));
    // A file appears whole or not at all.
    shell(&busybox, "$M export -o /no/where/x c").exits(1).stderr_has("/no/where");
}

#[test]
fn changes_are_told_as_docker_tells_them() {
    let busybox = Busybox::new();
    let image = "FROM busybox\nRUN mkdir -p /a/b && touch /a/b/c /a/kept /gone\n";
    busybox.build(image).succeeds();
    let create = ["create", "--name", "c", "--network", "none", "built", "sleep", "1000"];
    busybox.run(create).succeeds();
    assert_eq!(busybox.run(["diff", "c"]).succeeds().stdout, "", "nothing before it starts");
    busybox.run(["start", "c"]).succeeds();
    assert_eq!(busybox.run(["diff", "c"]).succeeds().stdout, "", "nor by its start");
    let change = "rm -r /a/b /gone; mkdir /a/b; touch /a/b/new; echo x > /a/kept; \
                  touch /tmp/one /tmp/two; rm /tmp/two; echo >> /etc/passwd";
    busybox.run(["exec", "c", "sh", "-c", change]).succeeds();
    let wanted = "C /a\nC /a/b\nD /a/b/c\nA /a/b/new\nC /a/kept\nC /etc\nC /etc/passwd\n\
                  D /gone\nC /tmp\nA /tmp/one\n";
    assert_eq!(busybox.run(["container", "diff", "c"]).succeeds().stdout, wanted);
    busybox.run(["stop", "-t", "0", "c"]).succeeds();
    assert_eq!(busybox.run(["diff", "c"]).succeeds().stdout, wanted);
    busybox.run(["diff", "nothing"]).exits(1).stderr_has("no such container");
}
