//! Kills at any moment: what is found afterwards is before or after, and nothing leaks.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

/// Names the root to a worker process.
pub(super) const ROOT: &str = "MINIDOCK_TEST_STORE";
/// The test that a worker process runs.
pub(super) const WORKER: &str = "store::tests::kills::a_worker_does_its_work";
const KILLS: u64 = 40;

/// A bit of everything that writes. Only errors that are true are borne: others remove things too.
pub(super) fn work(store: &Store, tag: &str, rounds: usize) {
    for round in 0..rounds {
        let config = format!("{{\"by\":\"{tag}\",\"round\":{round}}}");
        let lease = store.begin().unwrap();
        let diff_id = Digest::of(config.as_bytes());
        let layer = match lease.find_layer(&diff_id).unwrap() {
            Some(layer) => layer,
            None => add_layer(&lease, Some(diff_id)),
        };
        let blob = add_blob(&lease, config.as_bytes());
        let name = reference(&format!("{tag}:{}", round % 3));
        let image = NewImage {
            config: config.as_bytes(),
            layers: std::slice::from_ref(&layer),
            blobs: &[blob],
            references: std::slice::from_ref(&name),
            ..NewImage::default()
        };
        let id = store.put_image(&image).unwrap();
        let step = NewCacheEntry { key: diff_id, layer: &layer, parent: None, description: tag };
        store.put_cache(&[step]).unwrap();
        let container = NewContainer {
            id: None,
            name: Some(format!("{tag}-{}", round % 2).parse().unwrap()),
            image: Some(id),
            layers: std::slice::from_ref(&layer),
        };
        match lease.begin_container(&container).and_then(|c| c.commit(b"{}")) {
            Ok(record) if round % 2 == 0 => store.remove_container(&record.id).unwrap(),
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
        drop(lease);
        if round % 3 == 2 {
            store.remove_image(&name.familiar(), true).unwrap();
        }
        if round % 4 == 3 {
            store
                .prune(&PruneOptions { images: ImagePrune::Dangling, build_cache: false })
                .unwrap();
        }
    }
}

/// By itself a test; with a root in the environment, the body of a worker process.
#[test]
fn a_worker_does_its_work() {
    match std::env::var_os(ROOT) {
        None => {
            let f = fixture();
            work(&f.store, "alone", 12);
            f.assert_clean();
        }
        Some(root) => {
            let store = open(Path::new(&root));
            work(&store, &format!("p{}", std::process::id()), 8);
        }
    }
}

#[test]
fn a_kill_leaves_before_or_after() {
    let f = fixture();
    for n in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([WORKER, "--exact", "--test-threads=1"])
            .env(ROOT, f.store.root())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(n * 3_571 % 100_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let report = f.again().check(false).unwrap();
        assert!(report.is_clean(), "kill {n}: {:#?}", report.findings);
        for image in f.store.images().unwrap() {
            assert!(f.store.missing_layers(&image).unwrap().is_empty());
        }
    }
    work(&f.store, "after", 4);
    clear(&f);
}

/// Everything goes, and nothing is left.
fn clear(f: &Fixture) {
    for container in f.store.containers().unwrap().containers {
        f.store.remove_container(&container.id).unwrap();
    }
    f.store.prune(&PruneOptions { images: ImagePrune::Unused, build_cache: true }).unwrap();
    for dir in ["layers", "containers", "names", "ingest", "trash", "blobs/blobs/sha256"] {
        let left = files::names_in(&f.path(dir)).unwrap();
        assert!(left.is_empty(), "{dir}: {left:?}");
    }
    assert_eq!(count_in(&f.path("records/images")), 0);
    assert!(f.store.check(true).unwrap().is_clean());
    f.assert_clean();
}
