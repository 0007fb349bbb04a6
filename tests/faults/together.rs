//! Several callers on one store: nobody sees an error that is not true, nobody waits for ever,
//! and the store is sound afterwards.

use std::time::{Duration, Instant};

use minidock_tests::{Busybox, Leaks, Output};

use crate::aftermath::nothing_is_left;
use crate::random::Random;

const WORKERS: u64 = 6;
const CALLS: usize = 15;
/// One call that waits for all others still ends within this.
const LIMIT: Duration = Duration::from_secs(60);

/// Errors that are true when others change the same things.
const TRUE_ERRORS: &[&str] =
    &["not found", "no such", "is not here", "in use", "does not exist", "used by"];

#[test]
fn six_workers_on_one_store_meet_no_false_error() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    busybox.write("context/file", "x");
    let mut random = Random::new();
    let seed = random.seed();
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (busybox, mut random) = (&busybox, random.fork());
                scope.spawn(move || work(busybox, worker, &mut random))
            })
            .collect();
        for worker in workers {
            wrong.extend(worker.join().unwrap());
        }
    });
    assert!(wrong.is_empty(), "{seed}: {wrong:#?}");
    busybox.run(["system", "check"]).succeeds();
    nothing_is_left(&busybox, &leaks, &seed);
}

/// Does random things; gives the errors that are not true.
fn work(busybox: &Busybox, worker: u64, random: &mut Random) -> Vec<String> {
    let mut wrong = Vec::new();
    for _ in 0..CALLS {
        // Names are shared by all workers, so that they meet.
        let name = format!("name{}", random.below(3));
        let (output, may_fail) = match random.below(6) {
            0 => (call(busybox, &["run", "--rm", "--network", "none", "busybox", "true"]), false),
            1 => (build(busybox, &name, worker, random.below(4)), false),
            2 => (call(busybox, &["tag", "busybox", &name]), false),
            3 => (call(busybox, &["rmi", &name]), true),
            4 => (call(busybox, &["ps", "-a"]), false),
            _ => (
                call(busybox, &[*random.pick(&["system", "image", "builder"]), "prune", "-f"]),
                false,
            ),
        };
        let text = output.stderr.to_lowercase();
        let is_true = may_fail && TRUE_ERRORS.iter().any(|known| text.contains(known));
        if output.code != Some(0) && !is_true {
            wrong.push(output.told());
        }
    }
    wrong
}

fn call(busybox: &Busybox, words: &[&str]) -> Output {
    busybox.call(words).limit(LIMIT).run()
}

fn build(busybox: &Busybox, name: &str, worker: u64, variant: u64) -> Output {
    let text = format!("FROM busybox\nCOPY file /f\nRUN echo {variant} > /x\n");
    let file = busybox.write(format!("files/Dockerfile{worker}"), text);
    let context = busybox.dir().join("context");
    let call = busybox.call(["build", "-q", "--network", "none", "-t", name, "-f"]);
    call.args([file.as_os_str(), context.as_os_str()]).limit(LIMIT).run()
}

#[test]
fn thirty_two_runs_at_once_all_work() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    let begun = Instant::now();
    for _ in 0..4 {
        busybox.run(["run", "--rm", "busybox", "echo", "x"]).succeeds();
    }
    let one = begun.elapsed() / 4;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..32)
            .map(|number: u32| {
                let busybox = &busybox;
                scope.spawn(move || {
                    let text = number.to_string();
                    let output = call(busybox, &["run", "--rm", "busybox", "echo", &text]);
                    assert_eq!(output.succeeds().line(), text);
                })
            })
            .collect();
        runs.into_iter().for_each(|run| run.join().unwrap());
    });
    let took = begun.elapsed();
    // Serial time is the most that makes sense; a lock held too long would show here.
    assert!(took < one * 32 * 3 / 2, "32 took {took:?}, one {one:?}");
    nothing_is_left(&busybox, &leaks, "32 runs at once");
}
