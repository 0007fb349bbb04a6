//! `stop`: asks containers to end, and kills those that do not.

use clap::Args;
use minidock::Engine;

use crate::cli::{Global, each};
use crate::failure::Result;
use crate::output;

/// Stop containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock stop web
  minidock stop -t 1 $(minidock ps -q)")]
pub(crate) struct Stop {
    #[command(flatten)]
    grace: Grace,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// How long a container may take.
#[derive(Debug, Args)]
pub(crate) struct Grace {
    /// Seconds to wait before killing it [default: the container's own, else 10]
    #[arg(short, long, visible_alias = "timeout", value_name = "SECONDS")]
    time: Option<u32>,
}

impl Stop {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        at_once(&engine, &self.containers, |engine, query| {
            let id = engine.find_container(query)?;
            Ok(engine.stop_container(&id, self.grace.time)?)
        })
    }
}

impl Grace {
    pub(crate) fn seconds(&self) -> Option<u32> {
        self.time
    }
}

/// Containers that are waited for at once.
const AT_ONCE: usize = 16;

/// Does something that waits with several containers at once, and names them in their order.
pub(crate) fn at_once(
    engine: &Engine,
    queries: &[String],
    act: impl Fn(&Engine, &str) -> Result<()> + Sync,
) -> Result<u8> {
    let mut failed = None;
    for some in queries.chunks(AT_ONCE) {
        let results = std::thread::scope(|scope| {
            let act = &act;
            let threads: Vec<_> =
                some.iter().map(|query| scope.spawn(move || act(engine, query))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for (query, result) in some.iter().zip(results) {
            let mut result = Some(match result {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            let told = each(&[query], |query| {
                result.take().unwrap_or(Ok(()))?;
                output::line(query)
            });
            failed = told.err().or(failed);
        }
    }
    failed.map_or(Ok(0), Err)
}
