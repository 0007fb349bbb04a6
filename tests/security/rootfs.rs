//! R4, R7: an image whose own directories lead outside. Whatever is made in the root file system
//! before the program runs (devices, links, /etc files, mount points) stays in it.

use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

/// Either it runs, and the places are what they should be, or it is refused clearly.
#[track_caller]
fn runs_or_is_refused(world: &World, image: &str, flags: &[&str], what: &str) -> bool {
    let look = "stat -f -c %t /proc; stat -f -c %t /sys; ls /dev/null /dev/fd /dev/shm /dev/pts";
    let words = [&["run", "--rm"], flags, &[image, "/bin/sh", "-c", look]].concat();
    let output = world.run(words);
    world.canary.untouched(what);
    assert!(!output.stdout.contains(crate::canary::SECRET), "{what}: {}", output.told());
    if output.code == Some(125) {
        refused_clearly(&output);
        return false;
    }
    // procfs and sysfs (linux/magic.h).
    assert!(output.stdout.starts_with("9fa0\n62656572\n"), "{what}: {}", output.told());
    true
}

/// Each way to write a link that leads to the canary from this depth.
fn targets(world: &World) -> Vec<String> {
    let path = world.canary.text();
    let up = "../".repeat(20);
    vec![path.to_owned(), format!("{up}{}", &path[1..]), format!("/proc/self/root{path}")]
}

fn without(names: &[&str]) -> Tarball {
    // The same names as in the base, later: the last entry of a name counts.
    names.iter().fold(Tarball::busybox(), |tarball, name| tarball.dir(name))
}

#[test]
fn links_in_place_of_mounted_directories_touch_nothing_outside() {
    let world = World::new();
    let mut ran = 0;
    for name in ["dev", "proc", "sys"] {
        for target in targets(&world) {
            let image = format!("link-{name}");
            let tarball = Tarball::busybox().symlink(name, &target);
            if world.import(&tarball, &image).code == Some(0) {
                for flags in [&["--network", "none"] as &[&str], &["--privileged"]] {
                    let what = format!("/{name} -> {target} {flags:?}");
                    ran += u32::from(runs_or_is_refused(&world, &image, flags, &what));
                }
            }
            world.canary.untouched(&format!("import of /{name} -> {target}"));
        }
    }
    assert!(ran > 0, "nothing ran, so nothing was tried");
    world.unharmed("links of mounted directories");
}

#[test]
fn links_beneath_dev_touch_nothing_outside() {
    let world = World::new();
    let names = ["shm", "pts", "mqueue", "fd", "ptmx", "console", "null", "tty", "stdin", "core"];
    for target in targets(&world) {
        let links = names.iter().fold(without(&["dev/"]), |tarball, name| {
            let file = ["ptmx", "console", "null", "tty", "stdin"].contains(name);
            let inside = if file { format!("{target}/ptmx") } else { target.clone() };
            tarball.symlink(&format!("dev/{name}"), &inside)
        });
        world.import(&links, "links").succeeds();
        for flags in [&["--network", "none"] as &[&str], &["--privileged"], &["-t", "-i"]] {
            let what = format!("links beneath /dev to {target}, {flags:?}");
            runs_or_is_refused(&world, "links", flags, &what);
        }
    }
    world.unharmed("links beneath /dev");
}

#[test]
fn links_in_place_of_files_that_minidock_writes_touch_nothing_outside() {
    let world = World::new();
    let written = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "etc/passwd"];
    for target in targets(&world) {
        let file = format!("{target}/f");
        let files = written.iter().fold(Tarball::busybox(), |t, name| t.symlink(name, &file));
        world.import(&files, "files").succeeds();
        runs_or_is_refused(&world, "files", &[], &format!("files of /etc to {target}"));
        let whole = Tarball::busybox().symlink("etc", &target);
        if world.import(&whole, "whole").code == Some(0) {
            runs_or_is_refused(&world, "whole", &[], &format!("/etc to {target}"));
        }
    }
    world.unharmed("links of files of /etc");
}

#[test]
fn links_in_place_of_mount_points_and_directories_touch_nothing_outside() {
    let world = World::new();
    for target in targets(&world) {
        world.import(&Tarball::busybox().symlink("v", &target), "points").succeeds();
        let tries: &[&[&str]] = &[
            &["-v", "vol:/v"],
            &["-v", "vol:/v/sub"],
            &["-v", "vol:/v/new"],
            &["--tmpfs", "/v"],
            &["--tmpfs", "/v/new"],
            &["-w", "/v/new"],
            &["-w", "/v/sub/deep"],
        ];
        for flags in tries {
            let flags = [&["--network", "none"], *flags].concat();
            let what = format!("/v -> {target} {flags:?}");
            runs_or_is_refused(&world, "points", &flags, &what);
        }
    }
    world.unharmed("links of mount points");
}

/// R2 (CVE-2024-21626): a descriptor that was left open would be a way out.
#[test]
fn open_descriptors_are_no_working_directories() {
    let world = World::new();
    let links = (3..20).fold(Tarball::busybox(), |tarball, number| {
        tarball.symlink(&format!("wd{number}"), &format!("/proc/self/fd/{number}"))
    });
    world.import(&links, "base").succeeds();
    let none = ["--network", "none"];
    let running = world.start("cwd", &none, "base");
    for number in 3..20 {
        for dir in [format!("/proc/self/fd/{number}"), format!("/wd{number}")] {
            let list = ["sh", "-c", "pwd; ls -a . .. ../.. ../../.."];
            let run = ["run", "--rm", none[0], none[1], "-w", &dir, "base"];
            let run = world.run(run.iter().chain(&list));
            let exec = world.run(["exec", "-w", &dir, running.name].iter().chain(&list));
            for output in [run, exec] {
                assert!(!output.stdout.contains("canary"), "{}", output.told());
                refused_clearly(&output);
            }
        }
    }
    for number in [3, 5, 7, 9] {
        for dir in [format!("/proc/self/fd/{number}"), format!("/wd{number}")] {
            let text = format!("FROM base\nWORKDIR {dir}\nRUN pwd > /out; ls -a .. >> /out\n");
            let built = world.build(&world.context("context", &text), "built");
            assert!(!built.stdout.contains("canary"), "{}", built.told());
            assert_ne!(built.code, Some(0), "{}", built.told());
        }
    }
    drop(running);
    world.unharmed("working directories in /proc");
}
