//! Many threads, several handles and several processes on one root.

use std::process::Command;

use super::kills::{ROOT, WORKER, work};
use super::*;

#[test]
fn threads_and_handles_do_not_disturb_each_other() {
    let f = fixture();
    let stores = [f.again(), f.again()];
    std::thread::scope(|scope| {
        for n in 0..6 {
            let store = &stores[n % 2];
            scope.spawn(move || work(store, &format!("t{n}"), 6));
        }
        let pruner = f.again();
        scope.spawn(move || {
            for _ in 0..15 {
                pruner.prune(&PruneOptions::default()).unwrap();
                pruner.usage().unwrap();
            }
        });
    });
    f.assert_clean();
}

#[test]
fn processes_do_not_disturb_each_other() {
    let f = fixture();
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args([WORKER, "--exact", "--test-threads=1"])
                .env(ROOT, f.store.root())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    work(&f.store, "own", 6);
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    f.assert_clean();
}
