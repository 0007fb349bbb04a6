//! kill -9 of one process of an operation, at a random moment, a hundred times. Afterwards the
//! store is before or after, nothing of the operation lives, and the same call works.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use minidock_tests::process::{Process, below};
use minidock_tests::{Busybox, Leaks, stage};

use crate::aftermath::nothing_is_left;
use crate::random::Random;

/// Whom the kill hits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    /// The command line.
    Cli,
    /// The first process of a container's outer namespace.
    Supervisor,
    /// Whoever keeps the user namespace.
    Holder,
    /// Any process that the operation started.
    Any,
}

const VICTIMS: &[Victim] = &[Victim::Cli, Victim::Supervisor, Victim::Holder, Victim::Any];

/// What is done when the kill comes.
struct Operation {
    name: &'static str,
    /// Makes what the call needs.
    before: fn(&Busybox),
    call: fn(&Busybox) -> Vec<String>,
    /// Whether what it left is whole, if it left something.
    after: fn(&Busybox, &str),
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "run --rm",
        before: |_| (),
        call: |_| words(&["run", "--rm", "busybox", "sh", "-c", "echo x > /x; cat /x"]),
        after: |busybox, told| {
            // A container ends with its owner, which takes a moment; one that was made and not yet
            // started goes when it is looked at.
            let begun = Instant::now();
            let left = || busybox.run(["ps", "-aq"]);
            while !left().succeeds().stdout.is_empty() {
                let left = busybox.run(["ps", "-a"]).told();
                assert!(begun.elapsed() < Duration::from_secs(5), "after {told}: {left}");
            }
        },
    },
    Operation {
        name: "run -d",
        before: |_| (),
        call: |_| words(&["run", "-d", "--name", "web", "busybox", "sleep", "1000"]),
        after: |busybox, _| remove_all(busybox),
    },
    Operation {
        name: "exec",
        before: |busybox| {
            remove_all(busybox);
            busybox.start("base", &[], "sleep 1000");
        },
        call: |_| words(&["exec", "base", "sh", "-c", "echo x; sleep 0.02"]),
        after: |busybox, _| remove_all(busybox),
    },
    Operation {
        name: "build",
        before: |busybox| drop(busybox.run(["rmi", "-f", "built"])),
        call: |busybox| {
            // A step of its own each time, so that there is always something to do.
            let unique = Instant::now();
            let text =
                format!("FROM busybox\nCOPY file /f\nRUN echo '{unique:?}' > /x\nRUN cat /x\n");
            busybox.write("context/Dockerfile", text);
            busybox.write("context/file", vec![b'x'; 200_000]);
            let context = busybox.dir().join("context").display().to_string();
            words(&["build", "-t", "built", &context])
        },
        after: |busybox, _| {
            if busybox.run(["inspect", "built"]).code == Some(0) {
                let call = ["run", "--rm", "--network", "none", "built", "wc", "-c", "/f"];
                busybox.run(call).succeeds().stdout_has("200000 /f");
            }
        },
    },
    Operation {
        name: "import",
        before: |busybox| drop(busybox.run(["rmi", "-f", "fresh"])),
        call: |busybox| words(&["import", &busybox.tar().display().to_string(), "fresh"]),
        after: |busybox, _| {
            if busybox.run(["inspect", "fresh"]).code == Some(0) {
                let call = ["run", "--rm", "--network", "none", "fresh", "true"];
                busybox.run(call).succeeds();
            }
        },
    },
];

const KILLS: usize = 100;

#[test]
fn a_kill_at_any_moment_leaves_the_store_before_or_after_and_nothing_alive() {
    let leaks = Leaks::watch();
    let busybox = Busybox::watched(&leaks);
    let mut random = Random::new();
    let mut durations = Vec::new();
    for operation in OPERATIONS {
        (operation.before)(&busybox);
        let call = (operation.call)(&busybox);
        let output = busybox.run(&call);
        output.succeeds();
        (operation.after)(&busybox, "no kill");
        durations.push(output.took);
    }
    let mut hits = 0;
    for round in 0..KILLS {
        let at = round % OPERATIONS.len();
        let operation = &OPERATIONS[at];
        let victim = *random.pick(VICTIMS);
        let longest = u64::try_from(durations[at].as_micros()).unwrap();
        let delay = Duration::from_micros(random.below(longest));
        let told = format!(
            "round {round}, {}: {victim:?} at {delay:?}, {}",
            operation.name,
            random.seed()
        );
        hits += usize::from(kill_once(&busybox, operation, victim, delay, &mut random, &told));
    }
    assert!(hits > KILLS / 3, "only {hits} kills hit a living process, {}", random.seed());
    remove_all(&busybox);
    nothing_is_left(&busybox, &leaks, &format!("{hits} kills, {}", random.seed()));
}

/// One kill and everything that must hold after it; whether it hit somebody.
fn kill_once(
    busybox: &Busybox,
    operation: &Operation,
    victim: Victim,
    delay: Duration,
    random: &mut Random,
    told: &str,
) -> bool {
    (operation.before)(busybox);
    let call = (operation.call)(busybox);
    let before = below(std::process::id());
    let mut child = spawn(busybox, &call);
    std::thread::sleep(delay);
    let hit = choose(victim, &child, &before, random);
    if let Some(hit) = &hit {
        hit.kill();
    }
    let told = format!("{told}, which hit {hit:?}");
    ends(&mut child, &told);
    settled(busybox, &told);
    let check = busybox.run(["system", "check"]);
    assert_eq!(check.code, Some(0), "after {told}: {}", check.told());
    (operation.after)(busybox, &told);
    (operation.before)(busybox);
    let again = busybox.run(&call);
    assert_eq!(again.code, Some(0), "again after {told}: {}", again.told());
    (operation.after)(busybox, &told);
    hit.is_some()
}

fn choose(
    victim: Victim,
    child: &Child,
    before: &[Process],
    random: &mut Random,
) -> Option<Process> {
    let now = below(std::process::id());
    let of = |wanted: &dyn Fn(&Process) -> bool| -> Vec<Process> {
        now.iter().filter(|process| wanted(process)).cloned().collect()
    };
    let found = match victim {
        Victim::Cli => of(&|process| process.pid == child.id()),
        Victim::Supervisor => of(&|process| process.command.contains("supervisor of")),
        // Who was there before and is no container's.
        Victim::Holder => of(&|process| before.contains(process) && is_runtime(process)),
        Victim::Any => of(&|process| !before.contains(process)),
    };
    (!found.is_empty()).then(|| random.pick(&found).clone())
}

fn is_runtime(process: &Process) -> bool {
    process.command.ends_with("/minidock-runtime")
}

fn spawn(busybox: &Busybox, call: &[String]) -> Child {
    let mut command = Command::new(stage::minidock());
    command.arg("--root").arg(busybox.root()).args(call);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The command line ends by itself, whoever was killed.
fn ends(child: &mut Child, told: &str) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            let left = below(std::process::id());
            child.kill().unwrap();
            panic!("the command hangs after {told}: {left:#?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// No process is left but those of the containers that run, and one that keeps the namespace.
fn settled(busybox: &Busybox, told: &str) {
    let begun = Instant::now();
    loop {
        let running = busybox.run(["ps", "-q", "--no-trunc"]).succeeds().stdout.lines().count();
        let left = below(std::process::id());
        let supervisors =
            left.iter().filter(|process| process.command.contains("supervisor of")).count();
        // Supervisor, program, and with a network keeper, helper and their like.
        let most = 1 + running * 6;
        if supervisors == running && left.len() <= most {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(8), "left after {told}: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn remove_all(busybox: &Busybox) {
    let listed = busybox.run(["ps", "-aq", "--no-trunc"]);
    let all: Vec<&str> = listed.succeeds().stdout.lines().collect();
    if !all.is_empty() {
        let removed = busybox.call(["rm", "-f"]).args(&all).run();
        removed.succeeds();
        assert!(removed.took < Duration::from_secs(3), "removal took {:?}", removed.took);
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
