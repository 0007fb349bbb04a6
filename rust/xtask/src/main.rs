//! `cargo xtask`: every chore of the workspace as one verb each. This file owns the command line
//! and the exit status; the work is in one module per verb. Nothing here is shipped to users.

mod account;
mod artifacts;
mod bench;
mod call;
mod demo;
mod elf;
mod error;
mod fuzz;
mod header;
mod host;
mod library;
mod screen;
mod setup;
mod stage;
mod strays;
mod stream;
mod test;
mod tidy;
mod wheel;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the minidock workspace")]
struct Xtask {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what the other verbs need (as root), or say what is missing (as a user)
    Setup,
    /// Build the CLI and the static runtime, and stage them where every user can run them
    Build {
        /// Build the CLI with optimisations (the runtime always is)
        #[arg(long)]
        release: bool,
    },
    /// Run every check and every test; the suites run as a non-root user
    Test {
        /// Only this suite: lint, unit, doc, fuzz, python, or a suite of tests/ such as cli
        #[arg(long, value_name = "NAME")]
        suite: Option<String>,
        /// Only the tests whose name contains this
        filter: Option<String>,
    },
    /// Build the Python package for users: one wheel with everything in it, and an sdist
    Wheel,
    /// Print what this host can do, each capability really tried as a non-root user
    Host,
    /// Check the rules of the tree: imports, layout, sources
    Tidy,
    /// Build the C and C++ library and install it below a prefix
    Library {
        /// Where lib, include and libexec go, for example ~/.local
        prefix: PathBuf,
        /// Build it with optimisations (the runtime always is)
        #[arg(long)]
        release: bool,
    },
    /// Write the C header from the source of the C face
    Header,
    /// Build and run a Flask application in a Debian container, step by step on the screen
    Demo,
    /// Try the parsers on inputs made by libFuzzer, from the corpus in tests/fuzz
    Fuzz {
        /// Only the targets whose name contains this
        filter: Option<String>,
        /// How long each target runs
        #[arg(long, default_value_t = fuzz::SUITE_SECONDS)]
        seconds: u32,
        /// Keep what reached new code in the corpus of the tree
        #[arg(long)]
        grow: bool,
    },
    /// Measure what a user waits for beside peers and floors, and print it as a table
    Bench {
        /// Only the benches whose name contains this
        filter: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Xtask::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::problem(&error::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<(), Error> {
    match verb {
        Verb::Setup => setup::setup(setup::Purpose::Test),
        Verb::Build { release } => artifacts::build(release).map(|_stage| ()),
        Verb::Test { suite, filter } => test::test(suite.as_deref(), filter.as_deref()),
        Verb::Wheel => wheel::wheel(),
        Verb::Host => host::show(),
        Verb::Tidy => tidy::tidy(),
        Verb::Library { prefix, release } => library::library(&prefix, release),
        Verb::Header => header::write(),
        Verb::Demo => demo::demo(),
        Verb::Fuzz { filter, seconds, grow } => fuzz::fuzz(filter.as_deref(), seconds, grow),
        Verb::Bench { filter } => bench::bench(filter.as_deref()),
    }
}
