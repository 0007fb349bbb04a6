//! How long a Debian root filesystem takes to become an image, beside tar unpacking it to the
//! same disk.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use minidock_tests::stage;

use crate::clock::{self, Contender, in_turns, time};
use crate::error::{Error, file};
use crate::store::Store;
use crate::table::{Goal, Peer, Row};

const ROUNDS: usize = 3;

/// `import`, which returns after a sync, beside `tar x` without one and with one.
pub(crate) fn import() -> Result<Vec<Row>, Error> {
    let store = Store::new();
    let tar = stage::debian_tar();
    let tree = store.dir().join("tree");
    let ours = Contender::new(ROUNDS, || {
        let took = time(store.minidock(["import"]).arg(&tar).arg("debian"))?;
        clock::text(&mut store.minidock(["rmi", "debian"]))?;
        Ok(took)
    });
    let floor = |script| move |tree: &Path, tar: &Path| unpack(tree, tar, script);
    // A user cannot make devices: tar would end with 2 after doing everything else.
    let plain = floor("tar xf \"$1\" -C \"$2\" --exclude './dev/*'");
    let synced = floor("tar xf \"$1\" -C \"$2\" --exclude './dev/*' && sync -f \"$2\"");
    let [ours, plain, synced] = in_turns([
        ours,
        Contender::new(ROUNDS, || plain(&tree, &tar)),
        Contender::new(ROUNDS, || synced(&tree, &tar)),
    ])?;
    let size = std::fs::metadata(&tar).map_err(file("look at", &tar))?.len() / 1_000_000;
    let what = format!("import of a Debian tar, {size} MB");
    Ok(vec![
        Row::time(&what, &ours, Peer::Measured("tar x", plain), Goal::Unset),
        Row::time(&what, &ours, Peer::Measured("tar x, sync -f", synced), Goal::Unset),
    ])
}

/// Unpacks into a fresh directory; its removal is not timed.
fn unpack(tree: &Path, tar: &Path, script: &str) -> Result<Duration, Error> {
    std::fs::create_dir(tree).map_err(file("make", tree))?;
    let took = time(Command::new("sh").args(["-c", script, "sh"]).arg(tar).arg(tree))?;
    std::fs::remove_dir_all(tree).map_err(file("remove", tree))?;
    Ok(took)
}
