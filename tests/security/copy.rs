//! C1, C3, C4: copying files out of containers and into them touches nothing but what it was told
//! to, whatever the container does with its files at the same time.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::canary::SECRET;
use crate::tarball::Tarball;
use crate::world::{World, refused_clearly};

/// How often everything is tried while paths are exchanged.
const ROUNDS: usize = 6;
/// How many exchanges there are at least meanwhile.
const EXCHANGES: u64 = 1000;
/// How long they may take to come where the rounds were over sooner.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pairs of a directory and a link to the canary, the root or both at the end of many `..`.
fn pairs(world: &World, dir: &Path) -> Vec<String> {
    let path = world.canary.text();
    let targets = [path.to_owned(), "/".to_owned(), format!("{}{}", "../".repeat(30), &path[1..])];
    let mut words = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        let inner = dir.join(format!("d{number}/sub/deep"));
        fs::create_dir_all(&inner).unwrap();
        // The names of the canary's own.
        for file in ["f", "passwd", "sub/deep/x"] {
            fs::write(dir.join(format!("d{number}")).join(file), "inside").unwrap();
        }
        symlink(target, dir.join(format!("l{number}"))).unwrap();
        words.extend([format!("/race/d{number}"), format!("/race/l{number}")]);
    }
    words
}

/// Nothing in a directory, or in what a call said, is the canary's.
#[track_caller]
fn keeps_the_secret(dir: &Path, what: &str) {
    let mut todo = vec![dir.to_owned()];
    while let Some(path) = todo.pop() {
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if found.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(SECRET), "{what} brought {} out", path.display());
        }
    }
}

/// Copies both ways between the host and `name`, whose /race somebody changes meanwhile.
fn raced(name: &str, world: &World, race: &Path) {
    let out = world.dir().join("out");
    fs::create_dir_all(&out).unwrap();
    let given = world.dir().join("given");
    fs::create_dir_all(given.join("sub/deep")).unwrap();
    for file in ["f", "passwd", "sub/deep/x"] {
        fs::write(given.join(file), "given").unwrap();
    }
    let (to, given) = (out.to_str().unwrap(), given.to_str().unwrap());
    let one = format!("{given}/f");
    let tar =
        Tarball::new().file("f", 0o777, b"given").file("sub/deep/x", 0o777, b"given").finish();
    let exchanges = || {
        let text = fs::read_to_string(race.join("count")).unwrap_or_default();
        text.trim().parse::<u64>().unwrap_or(0)
    };
    let mut late = None;
    let (mut rounds, first) = (0, exchanges());
    while rounds < ROUNDS || exchanges() < first + EXCHANGES {
        if rounds >= ROUNDS {
            let since = late.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < PATIENCE, "nothing is exchanged");
        }
        let inside = |path: &str| format!("{name}:/race/d{}{path}", rounds % 3);
        let calls = [
            vec![inside("/f"), to.to_owned()],
            vec![inside("/sub/deep/x"), to.to_owned()],
            vec![inside("/."), to.to_owned()],
            vec![inside(""), to.to_owned()],
            vec!["-L".to_owned(), inside(""), to.to_owned()],
            vec![one.clone(), inside("/f")],
            vec![one.clone(), inside("")],
            vec![given.to_owned(), inside("/sub")],
            vec![format!("{given}/."), inside("")],
        ];
        for words in calls {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let copied = world.run([&["cp"], &words[..]].concat());
            if copied.code != Some(0) {
                refused_clearly(&copied);
            }
        }
        let streamed = world.run(["cp", &inside("/f"), "-"]);
        assert!(!streamed.stdout.contains(SECRET), "{}", streamed.told());
        let fed = world.call(["cp", "-", &inside("")]).input(tar.clone()).run();
        if fed.code != Some(0) {
            refused_clearly(&fed);
        }
        keeps_the_secret(&out, name);
        world.canary.untouched(&format!("copying, {name}, round {rounds}"));
        rounds += 1;
    }
}

/// C1 (CVE-2018-15664 and its like).
#[test]
fn exchanged_paths_lead_nowhere_running_and_stopped() {
    let world = World::with_base();
    let race = world.dir().join("race");
    fs::create_dir(&race).unwrap();
    let words = pairs(&world, &race);
    let bind = format!("{}:/race", race.display());
    let create = ["create", "--name", "still", "--network", "none", "-v", &bind, "base", "true"];
    world.run(create).succeeds();
    let racer = world.start("racer", &["--network", "none", "-v", &bind], "base");
    // The control: this is how it works while nothing is exchanged.
    let file = world.dir().join("control");
    for name in ["still", "racer"] {
        world.run(["cp", &format!("{name}:/race/d0/f"), file.to_str().unwrap()]).succeeds();
        assert_eq!(fs::read(&file).unwrap(), b"inside");
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let swap = [&["exec", "-d", racer.name, "/probe", "swap", "/race/count"], &words[..]].concat();
    world.run(swap).succeeds();
    raced("racer", &world, &race);
    raced("still", &world, &race);
    drop(racer);
    world.unharmed("exchanges");
}

/// C3 (CVE-2021-41089): a directory that is copied onto a link changes nothing where it leads.
#[test]
fn links_at_the_destination_hand_no_modes_on() {
    let world = World::with_base();
    let running = world.start("c", &["--network", "none"], "base");
    let make = "mkdir -p /d/link /d/deep/link; chmod -R 777 /d; touch /d/link/f /d/deep/link/f";
    running.exec(&["sh", "-c", make]).succeeds();
    let out = world.dir().join("out");
    fs::create_dir_all(out.join("d/deep")).unwrap();
    for link in ["d/link", "d/deep/link"] {
        symlink(world.canary.path(), out.join(link)).unwrap();
    }
    for source in ["c:/d", "c:/d/deep/link", "c:/d/."] {
        for to in [out.clone(), out.join("d"), out.join("d/deep")] {
            let copied = world.run(["cp", source, to.to_str().unwrap()]);
            if copied.code != Some(0) {
                refused_clearly(&copied);
            }
            world.canary.untouched(&format!("{source} to {}", to.display()));
        }
    }
    let whole = world.run(["cp", "c:/d", out.to_str().unwrap()]);
    refused_clearly(whole.exits(1).stderr_has("link"));
    drop(running);
    world.unharmed("links at the destination");
}

/// C4: what comes out is neither setuid nor a device.
#[test]
fn nothing_that_gives_rights_comes_out() {
    let world = World::with_base();
    let flags = ["--network", "none", "-v", "/dev/null:/x/null"];
    let running = world.start("c", &flags, "base");
    let make = "cp /probe /x/setuid && chmod 6755 /x/setuid && mkdir /x/d && chmod 7777 /x/d && \
                mkfifo /x/pipe && ln /x/setuid /x/twin";
    running.exec(&["sh", "-c", make]).succeeds();
    let out = world.dir().join("out");
    let copied = world.run(["cp", "c:/x", out.to_str().unwrap()]);
    copied.succeeds().stderr_has("warning: 1 sockets and devices were left out");
    let mode = |name: &str| fs::symlink_metadata(out.join(name)).unwrap().permissions().mode();
    assert_eq!((mode("setuid") & 0o7777, mode("twin") & 0o7777), (0o755, 0o755));
    assert_eq!(mode("d") & 0o7777, 0o1777);
    assert!(fs::symlink_metadata(out.join("pipe")).unwrap().file_type().is_fifo());
    assert!(!out.join("null").exists());
    assert_eq!(fs::metadata(out.join("twin")).unwrap().nlink(), 2);
    let device = world.run(["cp", "c:/x/null", out.to_str().unwrap()]);
    device.succeeds().stderr_has("were left out");
    assert!(!out.join("null").exists());
    drop(running);
    world.unharmed("what gives rights");
}

/// C4: what goes in goes below where it was told to, by its name and through links.
#[test]
fn names_of_a_tar_stay_inside() {
    let world = World::with_base();
    let running = world.start("c", &["--network", "none"], "base");
    for name in ["../f", "a/../../f", "..", "a/.."] {
        let tar = Tarball::new().file(name, 0o644, b"x").finish();
        let refused = world.call(["cp", "-", "c:/tmp"]).input(tar).run();
        refused_clearly(refused.exits(1).stderr_has("not allowed"));
    }
    let up = format!("{}{}", "../".repeat(30), &world.canary.text()[1..]);
    for target in [world.canary.text(), &up, "/proc/self/root", "/proc/1/root"] {
        let tar =
            Tarball::new().symlink("l", target).file("l/f", 0o777, b"x").dir("l/sub").finish();
        let copied = world.call(["cp", "-", "c:/tmp"]).input(tar).run();
        assert!(!copied.stderr.contains("panicked"), "{}", copied.told());
        world.canary.untouched(&format!("a tar with a link to {target}"));
    }
    let absolute = Tarball::new().file("/abs/f", 0o644, b"x").finish();
    world.call(["cp", "-", "c:/tmp"]).input(absolute).run().succeeds();
    running.exec(&["cat", "/tmp/abs/f"]).succeeds().stdout_has("x");
    for kind in [b'3', b'4'] {
        let device = Tarball::new().entry(kind, "dev", "", 0o666, b"").finish();
        let refused = world.call(["cp", "-", "c:/tmp"]).input(device).run();
        refused_clearly(refused.exits(1).stderr_has("device"));
    }
    let back = world.run(["cp", "c:/", "-"]);
    assert_eq!(back.code, Some(0));
    drop(running);
    world.unharmed("names of a tar");
}
