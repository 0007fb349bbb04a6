//! `cp` by docker's rules, both ways: one table of what is copied, where to, and what is there then.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use minidock_tests::{Busybox, Output};

/// A tree as text: what each path is.
type Listing = BTreeMap<String, String>;

fn listing(top: &Path) -> Listing {
    let mut all = Listing::new();
    let mut todo = vec![top.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let what = if found.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if found.is_dir() {
                todo.push(path.clone());
                "/".to_owned()
            } else {
                fs::read_to_string(&path).unwrap()
            };
            all.insert(path.strip_prefix(top).unwrap().display().to_string(), what);
        }
    }
    all
}

/// What is copied.
fn sources(dir: &Path) {
    fs::create_dir_all(dir.join("s/sub")).unwrap();
    fs::create_dir_all(dir.join("clash/keep")).unwrap();
    fs::write(dir.join("f"), "new").unwrap();
    fs::write(dir.join("s/x"), "x").unwrap();
    fs::write(dir.join("s/sub/y"), "y").unwrap();
    symlink("f", dir.join("l")).unwrap();
    symlink("s", dir.join("ld")).unwrap();
}

/// What is at the destination before.
fn targets(dir: &Path) {
    fs::create_dir_all(dir.join("dir")).unwrap();
    fs::write(dir.join("file"), "old").unwrap();
    fs::write(dir.join("dir/keep"), "kept").unwrap();
    symlink("dir", dir.join("to-dir")).unwrap();
    symlink("file", dir.join("to-file")).unwrap();
    symlink("new", dir.join("to-new")).unwrap();
}

/// Flags, source, destination, and what is new then; nothing for a refusal.
type Case =
    (&'static [&'static str], &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// <https://docs.docker.com/reference/cli/docker/container/cp/>
const TABLE: &[Case] = &[
    // A file to what is missing, to a file, to a directory.
    (&[], "f", "new", &[("new", "new")]),
    (&[], "f", "new/", &[]),
    (&[], "f", "no/new", &[]),
    (&[], "f", "file", &[("file", "new")]),
    (&[], "f", "file/", &[]),
    (&[], "f", "dir", &[("dir/f", "new")]),
    (&[], "f", "dir/", &[("dir/f", "new")]),
    (&[], "f", "dir/.", &[("dir/f", "new")]),
    (&[], "f", "dir/other", &[("dir/other", "new")]),
    // Links at the destination are followed and stay.
    (&[], "f", "to-dir", &[("dir/f", "new")]),
    (&[], "f", "to-file", &[("file", "new")]),
    (&[], "f", "to-new", &[("new", "new")]),
    // A directory likewise, and its contents.
    (&[], "s", "new", &[("new", "/"), ("new/x", "x"), ("new/sub", "/"), ("new/sub/y", "y")]),
    (&[], "s", "new/", &[("new", "/"), ("new/x", "x"), ("new/sub", "/"), ("new/sub/y", "y")]),
    (&[], "s/.", "new", &[("new", "/"), ("new/x", "x"), ("new/sub", "/"), ("new/sub/y", "y")]),
    (
        &[],
        "s",
        "dir",
        &[("dir/s", "/"), ("dir/s/x", "x"), ("dir/s/sub", "/"), ("dir/s/sub/y", "y")],
    ),
    (
        &[],
        "s/",
        "to-dir",
        &[("dir/s", "/"), ("dir/s/x", "x"), ("dir/s/sub", "/"), ("dir/s/sub/y", "y")],
    ),
    (&[], "s/.", "dir", &[("dir/x", "x"), ("dir/sub", "/"), ("dir/sub/y", "y")]),
    (&[], "s/.", "to-dir/", &[("dir/x", "x"), ("dir/sub", "/"), ("dir/sub/y", "y")]),
    (&[], "s", "file", &[]),
    (&[], "s/.", "file", &[]),
    (&[], "clash/.", "dir", &[]),
    // Links are copied themselves unless they are to be followed.
    (&[], "l", "dir", &[("dir/l", "-> f")]),
    (&["-L"], "l", "dir", &[("dir/l", "new")]),
    (&["-L"], "l", "new", &[("new", "new")]),
    (&[], "ld", "dir", &[("dir/ld", "-> s")]),
    (
        &["--follow-link"],
        "ld",
        "dir",
        &[("dir/ld", "/"), ("dir/ld/x", "x"), ("dir/ld/sub", "/"), ("dir/ld/sub/y", "y")],
    ),
    (&[], "ld/.", "dir", &[("dir/x", "x"), ("dir/sub", "/"), ("dir/sub/y", "y")]),
    (&[], "nothing", "dir", &[]),
    (&[], "f/", "dir", &[]),
];

struct Place {
    busybox: Busybox,
    host: PathBuf,
}

impl Place {
    /// A container `c` with the sources, in this state.
    fn new(running: bool) -> Self {
        let busybox = Busybox::new();
        let host = busybox.dir().join("host");
        sources(&host.join("from"));
        match running {
            true => busybox.start("c", &[], "sleep 1000"),
            false => {
                let create = ["create", "--name", "c", "--network", "none", "busybox", "true"];
                busybox.run(create).succeeds();
            }
        }
        let from = host.join("from").display().to_string();
        busybox.run(["cp", "-q", &from, "c:/from"]).succeeds();
        Self { busybox, host }
    }

    fn text(&self, path: &str) -> String {
        self.host.join(path).display().to_string()
    }

    fn cp(&self, words: &[&str]) -> Output {
        self.busybox.call(["container", "cp"]).args(words).run()
    }

    #[track_caller]
    fn table(&self, inwards: bool) {
        for (number, (flags, source, destination, new)) in TABLE.iter().enumerate() {
            let name = format!("t{number}");
            let here = self.host.join(&name);
            targets(&here);
            let mut wanted = listing(&here);
            let (from, to) = match inwards {
                true => (self.text(&format!("from/{source}")), format!("c:/{name}/{destination}")),
                false => (format!("c:from/{source}"), self.text(&format!("{name}/{destination}"))),
            };
            if inwards {
                let given = here.display().to_string();
                self.cp(&["-q", &given, "c:/"]).succeeds();
            }
            let output = self.cp(&[*flags, &[&from, &to]].concat());
            let told = format!("{}, {new:?}", output.told());
            assert_eq!(output.stdout, "", "{told}");
            match new.is_empty() {
                true => {
                    assert!(
                        output.code == Some(1) && output.stderr.starts_with("minidock: "),
                        "{told}"
                    );
                    assert!(output.stderr.lines().count() <= 2, "{told}");
                }
                false => {
                    output.succeeds().stderr_has("Successfully copied ").stderr_has(&to);
                }
            }
            wanted.extend(new.iter().map(|(path, what)| ((*path).into(), (*what).into())));
            let found = match inwards {
                true => {
                    let back = self.text(&format!("back-{name}"));
                    self.cp(&["-q", &format!("c:/{name}"), &back]).succeeds();
                    listing(Path::new(&back))
                }
                false => listing(&here),
            };
            assert_eq!(found, wanted, "{told}");
        }
    }
}

#[test]
fn into_a_running_container() {
    Place::new(true).table(true);
}

#[test]
fn into_a_container_that_was_never_started() {
    Place::new(false).table(true);
}

#[test]
fn out_of_a_running_container() {
    Place::new(true).table(false);
}

#[test]
fn out_of_a_container_that_was_never_started() {
    Place::new(false).table(false);
}

#[test]
fn owners_and_modes() {
    let busybox = Busybox::new();
    let program = busybox.write("program", "#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4751)).unwrap();
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(&program).unwrap().set_modified(past).unwrap();
    let program = program.display().to_string();
    busybox.start("c", &[], "sleep 1000");
    let stat = |path: &str| {
        let exec = busybox.run(["exec", "c", "stat", "-c", "%u:%g %a %Y", path]);
        exec.succeeds().line().to_owned()
    };
    busybox.run(["cp", &program, "c:/plain"]).succeeds();
    assert_eq!(stat("/plain"), "0:0 4751 1000000000");
    let own = fs::metadata(&program).unwrap();
    busybox.run(["cp", "-a", &program, "c:/kept"]).succeeds();
    assert_eq!(stat("/kept"), format!("{}:{} 4751 1000000000", own.uid(), own.gid()));
    // Outside everything is the caller's, and nothing is setuid.
    busybox.run(["exec", "c", "chown", "1000:1000", "/plain"]).succeeds();
    busybox.run(["exec", "c", "chmod", "6755", "/plain"]).succeeds();
    let out = busybox.dir().join("out");
    let to = out.display().to_string();
    for (flags, warned) in [(&[][..], false), (&["-a"], true)] {
        let copied = busybox.call(["cp"]).args(flags).args(["c:/plain", &to]).run();
        assert_eq!(copied.succeeds().stderr.contains("warning: 1 entries belong to you"), warned);
        let found = fs::metadata(&out).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (own.uid(), 0o755));
        assert_eq!(found.mtime(), 1_000_000_000);
    }
    assert_eq!(busybox.run(["cp", "-q", &program, "c:/plain"]).succeeds().stderr, "");
}

#[test]
fn volumes_and_binds_are_reached_and_what_is_read_only_is_refused() {
    let busybox = Busybox::new();
    let file = busybox.write("f", "content").display().to_string();
    let shared = busybox.dir().join("shared");
    fs::create_dir(&shared).unwrap();
    let bind = format!("{}:/bind", shared.display());
    let locked = format!("{}:/locked:ro", shared.display());
    let mounts = ["-v", "vol:/vol", "-v", &bind, "-v", &locked, "--read-only", "--network", "none"];
    for (name, running) in [("created", false), ("running", true)] {
        let how = if running { &["run", "-d"][..] } else { &["create"] };
        let call = busybox.call(how).args(["--name", name]).args(mounts);
        call.args(["busybox", "sleep", "1000"]).run().succeeds();
        for to in ["/vol", "/bind"] {
            let target = format!("{name}:{to}/{name}");
            busybox.run(["cp", &file, &target]).succeeds();
            let back = busybox.dir().join("back").display().to_string();
            busybox.run(["cp", &target, &back]).succeeds();
            assert_eq!(fs::read_to_string(&back).unwrap(), "content");
        }
        assert_eq!(fs::read_to_string(shared.join(name)).unwrap(), "content");
        for to in ["/locked", "/locked/new", "/tmp", "/new", "/etc/passwd"] {
            let refused = busybox.run(["cp", &file, &format!("{name}:{to}")]);
            refused.exits(1).stderr_has("is read-only in the container");
        }
        let tree = busybox.run(["cp", &format!("{name}:/locked"), "-"]);
        tree.succeeds().stdout_has(&format!("locked/{name}"));
    }
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 2);
    let seen = busybox.run(["exec", "running", "ls", "/vol", "/bind"]);
    assert_eq!(seen.succeeds().stdout, "/bind:\ncreated\nrunning\n\n/vol:\ncreated\nrunning\n");
    // What is mounted as a file cannot be replaced, and says so.
    let hosts = busybox.sh_with(&["-d", "--name", "open"], "sleep 1000");
    hosts.succeeds();
    let refused = busybox.run(["cp", &file, "open:/etc/hosts"]);
    refused.exits(1).stderr_has("/etc/hosts is mounted into the container");
}

#[test]
fn a_volume_gets_what_the_image_has_before_anything_is_copied_into_it() {
    let busybox = Busybox::new();
    busybox.build("FROM busybox\nRUN mkdir /data && echo image > /data/x\n").succeeds();
    let file = busybox.write("f", "content").display().to_string();
    let create = ["create", "--name", "c", "--network", "none", "-v", "vol:/data", "built", "true"];
    busybox.run(create).succeeds();
    busybox.run(["cp", &file, "c:/data"]).succeeds();
    let seen = busybox.sh_with(&["-v", "vol:/data"], "cat /data/x /data/f");
    assert_eq!(seen.succeeds().stdout, "image\ncontent");
}

#[test]
fn tars_on_both_streams() {
    let busybox = Busybox::new();
    let minidock = format!(
        "{} --root {}",
        minidock_tests::stage::minidock().display(),
        busybox.root().display()
    );
    busybox.start("c", &[], "sleep 1000");
    let create = ["create", "--name", "d", "--network", "none", "busybox", "true"];
    busybox.run(create).succeeds();
    let script = "set -e
        mkdir -p in/a/b; echo x > in/a/b/f; ln in/a/b/f in/a/twin; ln -s b in/a/l
        tar -C in --owner=7 --group=8 -cf - . | $M cp - c:/tmp 2>/dev/null
        [ \"$($M exec c stat -c %u:%g /tmp/a/b/f)\" = 7:8 ]
        [ \"$($M exec c stat -c %h /tmp/a/twin)\" = 2 ]
        $M cp c:/tmp/a - | tar t | sort | tr '\\n' ' '
        $M cp c:/tmp/. - | $M cp -q - d:/root
        $M cp d:/root/a - | tar t | sort | tr '\\n' ' '
        $M cp -L c:/tmp/a/l - | tar t | tr '\\n' ' '
        $M cp c:/etc/passwd - | tar xO | cksum > sum; $M exec c cat /etc/passwd | cksum | cmp - sum
        $M cp c:/ - | tar t | grep -c '^/\\|\\.\\.' || true";
    let output = minidock_tests::Call::new("sh").args(["-c", script]).env("M", minidock);
    let output = output.dir(busybox.dir()).run();
    let names = "a/ a/b/ a/b/f a/l a/twin ";
    assert_eq!(output.succeeds().stdout, format!("{names}{names}b/ b/f 0\n"), "{}", output.told());
    for (to, input, says) in [
        ("c:/etc/passwd", &b""[..], "must be a directory"),
        ("c:/missing", b"", "must be a directory"),
        ("c:/tmp", b"this is no tar at all, whatever it may be", "tar"),
        ("nobody:/tmp", b"", "no such container"),
    ] {
        let refused = busybox.call(["cp", "-", to]).input(input).run();
        refused.exits(1).stderr_has(says);
        assert_eq!(refused.stderr.matches("minidock: ").count(), 1, "{}", refused.told());
    }
}

#[test]
fn ids_that_a_container_has_not_become_root_s_with_a_word() {
    let busybox = Busybox::new();
    busybox.start("c", &[], "sleep 1000");
    let tar = minidock_tests::Call::new("sh")
        .args(["-c", "echo x > f && tar --owner=:3000000 --group=:3000000 -cf t.tar f"])
        .dir(busybox.dir());
    tar.run().succeeds();
    let bytes = fs::read(busybox.dir().join("t.tar")).unwrap();
    let copied = busybox.call(["cp", "-", "c:/tmp"]).input(bytes).run();
    copied.succeeds().stderr_has("warning: 1 entries belong to the container's root");
    let owner = busybox.run(["exec", "c", "stat", "-c", "%u:%g", "/tmp/f"]);
    assert_eq!(owner.succeeds().line(), "0:0");
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let busybox = Busybox::new();
    for (words, code, says) in [
        (&["cp", "a", "b"][..], 2, "neither side is a container"),
        (&["cp", "a:/x", "b:/y"], 2, "from container to container"),
        (&["cp", ":/x", "y"], 2, "names no container"),
        (&["cp", "a:/x"], 2, "DESTINATION"),
        (&["cp", "none:/x", "y"], 1, "no such container"),
        (&["cp", "./a:b", "none:/y"], 1, "no such container"),
    ] {
        busybox.run(words).exits(code).stderr_has(says);
    }
    busybox.start("c", &[], "sleep 1000");
    for (words, says) in [
        (&["cp", "c:", "y"][..], "the source has no path"),
        (&["cp", "c:/proc/1/status", "y"], "there is no /proc/1/status"),
        (&["cp", "c:/etc/passwd", "/dev/null"], "/dev/null is a device"),
        (&["cp", "c:/etc/passwd", "/no/where"], "the directory /no does not exist"),
        (&["cp", "/dev/null", "c:/x"], "/dev/null is a device"),
        (&["cp", "/no/where", "c:/x"], "/no/where"),
    ] {
        busybox.call(words).dir(busybox.dir()).run().exits(1).stderr_has(says);
    }
}
