//! Images with a single id: everything imports, runs and builds that needs no other id, and the
//! owners that the image names are never lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use minidock_tests::{Busybox, Call, Minidock, Output, stage};

/// Owner, group, mode and type of each path of a tar.
type Listing = BTreeMap<String, (u64, u64, u32, u8)>;

fn listing(path: &Path) -> Listing {
    let mut archive = tar::Archive::new(File::open(path).unwrap());
    let entries = archive.entries().unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let header = entry.header();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let name = name.trim_start_matches("./").trim_matches('/').to_owned();
            let kind = header.entry_type().as_byte();
            let mode = header.mode().unwrap() & 0o7777;
            (name, (header.uid().unwrap(), header.gid().unwrap(), mode, kind))
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// The only layer of an image that `save` wrote.
fn saved_layer(minidock: &Minidock, image: &str) -> std::path::PathBuf {
    let file = minidock.dir().join("saved.tar");
    minidock.run(["save", "-o", &file.display().to_string(), image]).succeeds();
    let dir = minidock.dir().join("saved");
    std::fs::create_dir(&dir).unwrap();
    Call::new("tar")
        .args(["-xf".as_ref(), file.as_os_str(), "-C".as_ref(), dir.as_os_str()])
        .run()
        .succeeds();
    let largest = Call::new("sh")
        .args(["-c", "find . -type f -printf '%s %p\\n' | sort -n | tail -1 | cut -d' ' -f2"]);
    dir.join(largest.dir(&dir).run().succeeds().line())
}

#[test]
fn busybox_runs_and_says_what_it_has() {
    let busybox = Busybox::new();
    let run = busybox.sh("id -u; touch /x && stat -c %u:%g /x; cat /proc/self/uid_map | wc -l");
    assert_eq!(run.succeeds().stdout, "0\n0:0\n1\n");
    run.stderr_has("single id");
    busybox.run(["info"]).succeeds().stdout_has("single");
    let chown = busybox.sh("chown 1000 /tmp");
    assert_ne!(chown.code, Some(0), "{}", chown.told());
    busybox.run(["system", "check"]).succeeds();
}

/// They cannot be dropped with a single id (user_namespaces(7), "setgroups"): that is told.
#[test]
fn groups_of_the_caller_that_stay_in_force_are_told() {
    let busybox = Busybox::new();
    let group = stage::supplementary_group();
    let known = Call::new("getent").args(["group", &group.to_string()]).run();
    let name = known.succeeds().line().split(':').next().unwrap().to_owned();
    let told = format!("{name} ({group})");
    busybox.sh("true").succeeds().stderr_has("groups stay in force inside").stderr_has(&told);
    busybox.run(["info"]).succeeds().stdout_has(&told);
    let facts = busybox.run(["info", "--format", "json"]);
    facts.succeeds().stdout_has("kept_groups").stdout_has(&group.to_string());
    // The control: inside it is one of them, without a name and a number.
    let inside = busybox.sh("grep ^Groups /proc/self/status");
    assert!(inside.succeeds().stdout.contains("65534"), "{}", inside.told());
}

#[test]
fn another_user_is_refused_with_the_reason() {
    let busybox = Busybox::new();
    for user in ["1000", "user", "0:1000"] {
        let refused = busybox.sh_with(&["-u", user], "true");
        refused.exits(125).stderr_has("1000");
        assert_eq!(refused.stderr.matches("minidock: ").count(), 1, "{}", refused.told());
    }
    busybox.sh_with(&["-u", "root"], "true").succeeds();
    let build = busybox.build("FROM busybox\nUSER 1000\nRUN true\n");
    build.exits(1).stderr_has("1000").stderr_has("Dockerfile:3");
    // As a setting it is fine: another host may run it.
    busybox.build("FROM busybox\nUSER 1000\n").succeeds();
    assert_eq!(busybox.inspect("built", "{{.Config.User}}"), "1000");
}

#[test]
fn a_static_program_alone_is_an_image() {
    let busybox = Busybox::new();
    std::fs::create_dir(busybox.dir().join("context")).unwrap();
    std::fs::copy("/bin/busybox", busybox.dir().join("context/busybox")).unwrap();
    busybox
        .build("FROM scratch\nCOPY busybox /busybox\nENTRYPOINT [\"/busybox\", \"echo\"]\n")
        .succeeds();
    let run = busybox.run(["run", "--rm", "--network", "none", "built", "alone"]);
    assert_eq!(run.succeeds().stdout, "alone\n");
}

#[test]
fn a_build_keeps_the_owners_that_it_was_told() {
    let busybox = Busybox::new();
    busybox.write("context/file", "x\n");
    let text = "FROM scratch\nCOPY --chown=7:8 --chmod=640 file /owned\nCOPY file /own\n";
    busybox.build(text).succeeds();
    let file = busybox.dir().join("saved.tar").display().to_string();
    busybox.run(["save", "-o", &file, "built"]).succeeds();
    let seen = Call::new("sh").args([
        "-c",
        "mkdir x && tar -xf saved.tar -C x && for l in $(find x -type f); do \
        tar --numeric-owner -tvf $l 2>/dev/null; done | awk '{print $1, $2, $NF}'",
    ]);
    let seen = seen.dir(busybox.dir()).run();
    seen.succeeds().stdout_has("-rw-r----- 7/8 owned\n").stdout_has("0/0 own\n");
    busybox.build("FROM busybox\nRUN echo made > /made\nRUN cat /made\n").succeeds();
    let run = busybox.run(["run", "--rm", "--network", "none", "built", "cat", "/made"]);
    assert_eq!(run.succeeds().stdout, "made\n");
}

#[test]
fn debian_imports_runs_builds_and_keeps_every_owner() {
    let minidock = Minidock::new();
    let tar = stage::debian_tar();
    minidock.run(["import".as_ref(), tar.as_os_str(), "debian".as_ref()]).succeeds();
    let shell = |script: &str| -> Output {
        minidock.run(["run", "--rm", "--network", "none", "debian", "bash", "-c", script])
    };
    shell(". /etc/os-release; echo $ID; perl -e 'print 6*7'").succeeds().stdout_has("debian\n42");
    // The image's owners are flattened in the container.
    assert_eq!(shell("stat -c %u:%g /etc/shadow").succeeds().line(), "0:0");
    let text = "FROM debian\nRUN echo built > /built && cat /etc/debian_version\n";
    let call = minidock.call(["build", "--network", "none", "-q", "-t", "built", "-"]);
    call.input(text).run().succeeds();
    let (was, is) = (listing(&tar), listing(&saved_layer(&minidock, "debian")));
    let others = was.values().filter(|(uid, gid, ..)| (*uid, *gid) != (0, 0)).count();
    assert!(others > 5, "the base has files of other owners: {others}");
    for (path, entry) in &was {
        assert_eq!(is.get(path), Some(entry), "{path}");
    }
    assert_eq!(is.len(), was.len());
}

#[test]
fn files_are_copied_and_owners_that_cannot_be_had_are_told() {
    let busybox = Busybox::new();
    let file = busybox.write("f", "content").display().to_string();
    busybox.start("c", &[], "sleep 1000");
    busybox.run(["cp", &file, "c:/plain"]).succeeds();
    let kept = busybox.run(["cp", "-a", &file, "c:/kept"]);
    kept.succeeds().stderr_has("warning: 1 entries belong to the container's root");
    let stat = busybox.run(["exec", "c", "stat", "-c", "%u:%g", "/plain", "/kept"]);
    assert_eq!(stat.succeeds().stdout, "0:0\n0:0\n");
    let out = busybox.dir().join("out").display().to_string();
    busybox.run(["cp", "c:/plain", &out]).succeeds();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "content");
    assert_eq!(busybox.run(["diff", "c"]).succeeds().stdout, "A /kept\nA /plain\n");
}

#[test]
fn an_export_has_the_owners_of_the_image() {
    let minidock = Minidock::new();
    let tar = stage::debian_tar();
    minidock.run(["import".as_ref(), tar.as_os_str(), "debian".as_ref()]).succeeds();
    let create = ["create", "--name", "c", "--network", "none", "debian", "sleep", "1000"];
    minidock.run(create).succeeds();
    let out = minidock.dir().join("export.tar");
    minidock.run(["export", "-o", &out.display().to_string(), "c"]).succeeds();
    let (was, is) = (listing(&tar), listing(&out));
    for (path, (uid, gid, mode, _)) in &was {
        // Of several names of a file any may be the first, and devices are in the index alone.
        let Some((new_uid, new_gid, new_mode, _)) = is.get(path) else { continue };
        assert_eq!((new_uid, new_gid, new_mode), (uid, gid, mode), "{path}");
    }
    assert!(is.len() + 20 > was.len(), "{} of {}", is.len(), was.len());
    minidock.run(["rm", "c"]).succeeds();
}
