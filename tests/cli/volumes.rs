//! What is mounted into a container, and where it goes afterwards.

use std::fs;

use minidock_tests::Busybox;

#[test]
fn a_directory_of_the_host() {
    let busybox = Busybox::new();
    let file = busybox.write("shared/in", "from outside\n");
    let dir = file.parent().unwrap().display().to_string();
    let both =
        busybox.sh_with(&["-v", &format!("{dir}:/data")], "cat /data/in; echo x > /data/out");
    assert_eq!(both.succeeds().stdout, "from outside\n");
    assert_eq!(fs::read_to_string(file.with_file_name("out")).unwrap(), "x\n");
    let read = format!("{dir}:/data:ro");
    busybox
        .sh_with(&["-v", &read], "cat /data/in; echo y > /data/out")
        .exits(1)
        .stderr_has("Read-only");
    let mount = format!("type=bind,source={dir},target=/data,readonly");
    busybox.sh_with(&["--mount", &mount], "cat /data/in && ! touch /data/y 2>/dev/null").succeeds();
    // -v makes what is missing, --mount does not.
    let made = busybox.dir().join("made");
    busybox.sh_with(&["-v", &format!("{}:/data", made.display())], "touch /data/x").succeeds();
    assert!(made.join("x").exists());
    let absent = format!("type=bind,source={dir}/absent,target=/data");
    busybox.sh_with(&["--mount", &absent], "true").exits(125).stderr_has("absent");
    let single = format!("{}:/etc/motd:ro", file.display());
    assert_eq!(
        busybox.sh_with(&["-v", &single], "cat /etc/motd").succeeds().line(),
        "from outside"
    );
}

#[test]
fn a_named_volume_stays_and_an_anonymous_one_goes() {
    let busybox = Busybox::new();
    busybox.sh_with(&["-v", "kept:/data"], "echo 1 > /data/x").succeeds();
    assert_eq!(busybox.sh_with(&["-v", "kept:/data:ro"], "cat /data/x").succeeds().line(), "1");
    let names = || busybox.run(["volume", "ls", "-q"]).succeeds().stdout.clone();
    assert_eq!(names(), "kept\n");
    busybox.sh_with(&["-v", "/data"], "touch /data/x").succeeds();
    assert_eq!(names(), "kept\n", "--rm takes the anonymous one with it");
    busybox.start("one", &["-v", "/data", "-v", "kept:/kept"], "sleep 1000");
    assert_eq!(names().lines().count(), 2);
    busybox.run(["volume", "rm", "kept"]).exits(1).stderr_has("kept");
    busybox.run(["rm", "-fv", "one"]).succeeds();
    assert_eq!(names(), "kept\n");
    busybox.run(["volume", "rm", "kept"]).succeeds();
    assert_eq!(names(), "");
    busybox.run(["volume", "rm", "kept"]).exits(1).stderr_has("kept");
}

#[test]
fn a_new_volume_gets_what_the_image_has_there() {
    let busybox = Busybox::new();
    let text =
        "FROM busybox\nRUN mkdir -m 751 /data && echo image > /data/x && chown -R 7:8 /data\n";
    busybox.build(text).succeeds();
    let show = "cat /data/x; stat -c '%u:%g %a' /data /data/x; echo own > /data/x";
    let run = |flags: &[&str]| {
        let call = busybox.call(["run", "--rm", "--network", "none"]).args(flags);
        call.args(["built", "sh", "-c", show]).run()
    };
    let first = run(&["-v", "new:/data"]);
    assert_eq!(first.succeeds().stdout, "image\n7:8 751\n7:8 644\n", "{}", first.told());
    assert!(
        run(&["-v", "new:/data"]).succeeds().stdout.starts_with("own\n"),
        "only when it is new"
    );
    let empty = run(&["-v", "other:/data:nocopy"]);
    assert!(empty.stderr.contains("/data/x"), "{}", empty.told());
}

#[test]
fn a_read_only_root_and_a_tmpfs_over_it() {
    let busybox = Busybox::new();
    busybox.sh_with(&["--read-only"], "touch /x").exits(1).stderr_has("Read-only");
    busybox
        .sh_with(&["--read-only", "--tmpfs", "/run:size=1m"], "touch /run/x; df -k /run")
        .succeeds();
    let size = "df -k /run | tail -1 | awk '{print $2}'";
    assert_eq!(busybox.sh_with(&["--tmpfs", "/run:size=1m"], size).succeeds().line(), "1024");
    busybox.sh_with(&["--read-only", "-v", "v:/data"], "touch /data/x").succeeds();
}

#[test]
fn what_cannot_be_mounted_is_named() {
    let busybox = Busybox::new();
    for (flags, word) in [
        (["-v", "relative/path:/data"], "relative/path"),
        (["-v", "name:relative"], "relative"),
        (["-v", "name:/data:nope"], "nope"),
        (["--mount", "type=nope,target=/data"], "nope"),
        (["--mount", "type=bind,target=/data"], "source"),
        (["--tmpfs", "/run:size=lots"], "lots"),
    ] {
        busybox.sh_with(&flags, "true").exits(125).stderr_has(word);
    }
    assert_eq!(busybox.run(["ps", "-aq"]).succeeds().stdout, "");
    assert_eq!(busybox.run(["volume", "ls", "-q"]).succeeds().stdout, "");
}
