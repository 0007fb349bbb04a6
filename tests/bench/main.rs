//! The benches: what a user waits for, measured beside a peer or a floor in the same run and in
//! turns, and printed as one table. Started by `cargo xtask bench`, as a user that is not root.
//! Nothing here asserts a time: a goal that is missed is shown, and only what did not work at all
//! makes the status 1.

mod build;
mod clock;
mod error;
mod import;
mod lists;
mod machine;
mod memory;
mod podman;
mod samples;
mod start;
mod store;
mod table;

use std::io::Write;
use std::process::ExitCode;

use error::Error;
use table::Row;

/// One bench by name.
struct Bench {
    name: &'static str,
    measure: fn() -> Result<Vec<Row>, Error>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "run", measure: start::run },
    Bench { name: "exec", measure: start::exec },
    Bench { name: "build", measure: build::steps },
    Bench { name: "copy", measure: build::copy },
    Bench { name: "import", measure: import::import },
    Bench { name: "memory", measure: memory::idle },
    Bench { name: "lists", measure: lists::lists },
];

fn main() -> ExitCode {
    let filter = std::env::args().nth(1);
    match measure(filter.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            for problem in problems {
                // Without a stderr nobody is left to tell; the exit status still says it.
                writeln!(std::io::stderr().lock(), "bench: {problem}").ok();
            }
            ExitCode::FAILURE
        }
    }
}

/// Measures everything that the filter leaves; what failed is told after the table.
fn measure(filter: Option<&str>) -> Result<(), Vec<String>> {
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|bench| filter.is_none_or(|filter| bench.name.contains(filter)))
        .collect();
    if chosen.is_empty() {
        let known = BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ");
        let filter = filter.unwrap_or_default();
        return Err(vec![format!("no bench is named like `{filter}`; there are: {known}")]);
    }
    adopt_orphans().map_err(|error| vec![error.chain()])?;
    say(&machine::facts());
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for bench in chosen {
        say(&format!("measuring {} …", bench.name));
        match (bench.measure)() {
            Ok(measured) => rows.extend(measured),
            Err(error) => problems.push(format!("{}: {}", bench.name, error.chain())),
        }
    }
    say(table::render(&rows).trim_end());
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Supervisors and holders detach; so they stay below this process, where they can be found.
fn adopt_orphans() -> Result<(), Error> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| Error::Start { call: "prctl".to_owned(), source: errno.into() })
}

fn say(text: &str) {
    // A reader that went away (`| head`) does not stop a measurement half way.
    writeln!(std::io::stdout().lock(), "{text}").ok();
}
