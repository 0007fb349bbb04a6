//! How long a container takes from nothing to its end, and a program in one that runs already.

use std::process::Command;
use std::time::Duration;

use crate::clock::{self, Contender, in_turns};
use crate::error::{Error, file};
use crate::podman::Podman;
use crate::store::Store;
use crate::table::{Goal, Peer, Row};

const ROUNDS: usize = 31;
/// Podman takes much longer, and fewer rounds tell.
const PODMAN_ROUNDS: usize = 7;
const EXEC: Duration = Duration::from_millis(5);

/// `run --rm --network none busybox true` beside bubblewrap over an unpacked tree, and podman.
pub(crate) fn run() -> Result<Vec<Row>, Error> {
    const WHAT: &str = "run --rm busybox true";
    let store = Store::new();
    let tree = store.dir().join("tree");
    std::fs::create_dir(&tree).map_err(file("make", &tree))?;
    let mut untar = Command::new("tar");
    clock::text(untar.arg("xf").arg(store.tar()).arg("-C").arg(&tree))?;
    let minidock = || store.minidock(["run", "--rm", "--network", "none", "busybox", "true"]);
    let bubblewrap = || {
        let mut command = Command::new("bwrap");
        command.arg("--unshare-all").arg("--ro-bind").arg(&tree).arg("/");
        command.args(["--dev", "/dev", "--proc", "/proc", "/bin/true"]);
        command
    };
    let goals = (Goal::Times(3.0), Goal::Faster(30.0));
    let (ours, theirs) =
        (Contender::command(ROUNDS, minidock), Contender::command(ROUNDS, bubblewrap));
    let (ours, bubblewrap, podman) = match Podman::new(&store) {
        Ok(podman) => {
            let peer = Contender::command(PODMAN_ROUNDS, || podman.run());
            let [ours, bubblewrap, times] = in_turns([ours, theirs, peer])?;
            (ours, bubblewrap, Peer::Measured("podman", times))
        }
        Err(error) => {
            let [ours, bubblewrap] = in_turns([ours, theirs])?;
            (ours, bubblewrap, Peer::Absent("podman", error.chain()))
        }
    };
    Ok(vec![
        Row::time(WHAT, &ours, Peer::Measured("bwrap", bubblewrap), goals.0),
        Row::time(WHAT, &ours, podman, goals.1),
    ])
}

/// `exec CTR true`.
pub(crate) fn exec() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    store.idle("idle")?;
    let [times] =
        in_turns([Contender::command(ROUNDS, || store.minidock(["exec", "idle", "true"]))])?;
    Ok(vec![Row::time("exec CTR true", &times, Peer::Alone, Goal::Time(EXEC))])
}
