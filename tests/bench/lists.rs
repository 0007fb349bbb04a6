//! How long a look at the store takes, beside a `minidock` that only starts and ends.

use crate::clock::{self, Contender, in_turns};
use crate::error::Error;
use crate::store::Store;
use crate::table::{Goal, Peer, Row};

const ROUNDS: usize = 31;
const CONTAINERS: usize = 20;
const TAGS: usize = 20;

/// `images` of 21 references and `ps` of 20 running containers.
pub(crate) fn lists() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    for number in 1..=TAGS {
        clock::text(&mut store.minidock(["tag", "busybox", &format!("tag:{number}")]))?;
    }
    for number in 1..=CONTAINERS {
        store.idle(&format!("idle-{number}"))?;
    }
    let [images, ps, floor] = in_turns([
        Contender::command(ROUNDS, || store.minidock(["images"])),
        Contender::command(ROUNDS, || store.minidock(["ps"])),
        Contender::command(ROUNDS, || store.minidock(["--version"])),
    ])?;
    let row = |what, times| {
        Row::time(what, times, Peer::Measured("minidock --version", floor.clone()), Goal::Unset)
    };
    Ok(vec![row("images, 21 references", &images), row("ps, 20 containers", &ps)])
}
