//! How long builds take: many small steps, and many small files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::clock::{self, Contender, in_turns};
use crate::error::{Error, file};
use crate::podman::Podman;
use crate::samples::Samples;
use crate::store::Store;
use crate::table::{Goal, Peer, Row};

const STEPS: usize = 20;
const FILES: usize = 10_000;
const FILES_PER_DIRECTORY: usize = 100;
const FILE_SIZE: usize = 1024;
const ROUNDS: usize = 7;
/// Podman takes half a minute for the steps when nothing is cached.
const PODMAN_COLD: usize = 1;
const PODMAN_CACHED: usize = 3;
const COLD: Duration = Duration::from_millis(500);
const CACHED: Duration = Duration::from_millis(40);
const NO_CACHE: &[&str] = &["--no-cache"];

/// Twenty `RUN` steps, cold and from the cache, beside podman.
pub(crate) fn steps() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    let mut text = "FROM busybox\n".to_owned();
    for step in 1..=STEPS {
        // Writing to a String cannot fail.
        writeln!(text, "RUN echo {step} > /f{step}").ok();
    }
    store.write("steps/Dockerfile", &text)?;
    let context = store.dir().join("steps");
    let podman = Podman::new(&store).map_err(|error| error.chain());
    let cold = steps_beside(&store, &context, &podman, NO_CACHE, PODMAN_COLD)?;
    clock::saying(&mut build(&store, &context, &["--progress", "plain"]), "CACHED")?;
    let cached = steps_beside(&store, &context, &podman, &[], PODMAN_CACHED)?;
    let row = |what, (times, peer): (Samples, Peer), goal| {
        Row::time(what, &times, peer, Goal::Time(goal))
    };
    Ok(vec![row("build, 20 RUN, cold", cold, COLD), row("build, 20 RUN, cached", cached, CACHED)])
}

fn steps_beside(
    store: &Store,
    context: &Path,
    podman: &Result<Podman, String>,
    flags: &[&str],
    podman_rounds: usize,
) -> Result<(Samples, Peer), Error> {
    let ours = Contender::command(ROUNDS, || build(store, context, flags));
    match podman {
        Ok(podman) => {
            let peer = Contender::command(podman_rounds, || podman.build(context, flags));
            let [ours, peer] = in_turns([ours, peer])?;
            Ok((ours, Peer::Measured("podman build", peer)))
        }
        Err(why) => {
            let [ours] = in_turns([ours])?;
            Ok((ours, Peer::Absent("podman build", why.clone())))
        }
    }
}

/// A `COPY` of ten thousand files, cold and from the cache, beside reading and hashing them once.
pub(crate) fn copy() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    store.write("copy/Dockerfile", "FROM busybox\nCOPY files /files\n")?;
    let context = store.dir().join("copy");
    write_files(&context.join("files"))?;
    let floor = || {
        let mut command = Command::new("sh");
        // Without pipefail a failed tar would go unnoticed: its status is handed on by hand.
        let script = "{ tar c -C \"$1\" files || kill $$; } | sha256sum";
        command.args(["-c", script, "sh"]).arg(&context);
        command
    };
    let [cold, cold_floor] = in_turns([
        Contender::command(ROUNDS, || build(&store, &context, NO_CACHE)),
        Contender::command(ROUNDS, floor),
    ])?;
    clock::saying(&mut build(&store, &context, &["--progress", "plain"]), "CACHED")?;
    let [cached, cached_floor] = in_turns([
        Contender::command(ROUNDS, || build(&store, &context, &[])),
        Contender::command(ROUNDS, floor),
    ])?;
    let row = |what, times, floor| {
        Row::time(what, times, Peer::Measured("tar | sha256sum", floor), Goal::Unset)
    };
    Ok(vec![
        row("build, COPY of 10,000 files, cold", &cold, cold_floor),
        row("build, COPY of 10,000 files, cached", &cached, cached_floor),
    ])
}

fn build(store: &Store, context: &Path, flags: &[&str]) -> Command {
    let mut command = store.minidock(["build", "--network", "none", "-t", "built"]);
    command.args(flags).arg(context);
    command
}

fn write_files(dir: &Path) -> Result<(), Error> {
    for number in 0..FILES {
        let parent = dir.join(format!("{:03}", number / FILES_PER_DIRECTORY));
        if number % FILES_PER_DIRECTORY == 0 {
            fs::create_dir_all(&parent).map_err(file("make", &parent))?;
        }
        let path = parent.join(format!("{number:05}"));
        // Each file differs, so that nothing is shared.
        let text = format!("{number:0width$}", width = FILE_SIZE);
        fs::write(&path, text).map_err(file("write", &path))?;
    }
    Ok(())
}
