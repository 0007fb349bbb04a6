//! B1: what is exchanged for a link to the host's files while it is being copied.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::canary::SECRET;
use crate::context::{LOOK, leaks_nothing};
use crate::world::World;

/// Builds with each line.
const ROUNDS: usize = 3;
/// How often a copier that looks first and opens then may try to be deceived.
const NAIVE_TRIES: usize = 5_000_000;
/// A file that is opened twice, once for its digest and once for its content.
const LARGE: usize = 100_000;

/// Ends the exchanging, also when the work panics.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while the two of each pair are exchanged all the time; how often they were is
/// counted.
fn while_exchanging<T>(pairs: &[(PathBuf, PathBuf)], work: impl FnOnce(&AtomicU64) -> T) -> T {
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for (one, other) in pairs {
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _stop = Stop(&stop);
        work(&count)
    })
}

/// A context in which a directory, a small and a large file have twins that lead outside.
fn context(world: &World) -> (PathBuf, Vec<(PathBuf, PathBuf)>) {
    let context = world.context("context", "");
    let canary = world.canary.path();
    fs::create_dir_all(context.join("d/sub/deep")).unwrap();
    for name in ["f", "passwd", "sub/deep/x"] {
        fs::write(context.join("d").join(name), "own\n").unwrap();
    }
    fs::write(context.join("small"), "own\n").unwrap();
    fs::write(context.join("large"), "own\n".repeat(LARGE / 4)).unwrap();
    let mut pairs = Vec::new();
    for (name, target) in
        [("d", canary.to_owned()), ("small", canary.join("f")), ("large", canary.join("f"))]
    {
        let twin = context.join(format!("{name}.twin"));
        symlink(target, &twin).unwrap();
        pairs.push((context.join(name), twin));
    }
    (context, pairs)
}

/// Whether one who looks first and opens then reads what is the host's.
fn naive_is_deceived(file: &Path) -> bool {
    let looks_good = fs::symlink_metadata(file).is_ok_and(|found| found.is_file());
    std::thread::yield_now();
    looks_good && fs::read(file).is_ok_and(|bytes| bytes.starts_with(SECRET.as_bytes()))
}

#[test]
fn what_is_exchanged_while_it_is_copied_stays_outside() {
    let world = World::with_base();
    let (context, pairs) = context(&world);
    let lines = [
        "COPY d /to/",
        "COPY small /to/",
        "COPY large /to/",
        "COPY . /to/",
        "ADD d/sub d/f /to/",
        "COPY d/* *l* /to/",
    ];
    while_exchanging(&pairs, |count| {
        // The control: others are deceived here.
        let deceived = (0..NAIVE_TRIES).any(|_| naive_is_deceived(&context.join("small")));
        assert!(deceived, "{} exchanges deceived nobody", count.load(Ordering::Relaxed));
        let before = count.load(Ordering::Relaxed);
        for line in lines {
            fs::write(context.join("Dockerfile"), format!("FROM base\n{line}\n")).unwrap();
            for _ in 0..ROUNDS {
                let built =
                    world.call(["build", "--no-cache", "-t", "built"]).args([&context]).run();
                world.canary.untouched(line);
                if built.code == Some(0) {
                    let look = ["run", "--rm", "--network", "none", "built", "sh", "-c", LOOK];
                    let look = world.run(look);
                    leaks_nothing(&look, line);
                    assert!(look.succeeds().stdout.contains("root:x:0"), "{}", look.told());
                } else {
                    leaks_nothing(&built, line);
                    assert!(built.stderr.contains("Dockerfile:2: "), "{line}: {}", built.told());
                }
            }
        }
        let exchanged = count.load(Ordering::Relaxed) - before;
        assert!(exchanged > (lines.len() * ROUNDS) as u64, "{exchanged} exchanges");
    });
    world.unharmed("exchanges");
}
