//! `ps`: lists containers.

use clap::Args;
use minidock::Engine;
use minidock::container::{ContainerSummary, Status};

use crate::cli::Global;
use crate::container_rows::{self, LISTING};
use crate::failure::{Failure, Result};
use crate::filters::Filters;

/// List containers
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock ps -a
  minidock ps -q --filter name=web
  minidock ps --format 'table {{.Names}}\\t{{.Status}}'")]
pub(crate) struct Ps {
    /// Show those that do not run too
    #[arg(short, long)]
    all: bool,
    /// Only ids
    #[arg(short, long)]
    quiet: bool,
    /// Only the newest ones, whatever their state
    #[arg(short = 'n', long, value_name = "NUMBER")]
    last: Option<usize>,
    /// Only the newest one, whatever its state
    #[arg(short, long)]
    latest: bool,
    /// Do not cut ids and commands
    #[arg(long)]
    no_trunc: bool,
    /// Only what fits: name, id, status, label, ancestor, exited
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// table, json, TEMPLATE or 'table TEMPLATE'
    #[arg(long)]
    format: Option<String>,
}

const FILTERS: &[&str] = &["name", "id", "status", "label", "ancestor", "exited"];

impl Ps {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let filters = Filters::parse(&self.filter, FILTERS)?;
        check(&filters)?;
        let engine = global.engine()?;
        let ancestors = ancestors(&engine, &filters)?;
        let newest = if self.latest { Some(1) } else { self.last };
        let all = self.all || newest.is_some() || filters.has("status") || filters.has("exited");
        let fits = |container: &ContainerSummary| {
            (all || container.state.status == Status::Running)
                && fits(container, &filters)
                && (!filters.has("ancestor")
                    || container.record.image.is_some_and(|image| ancestors.contains(&image)))
        };
        let rows: Vec<_> = engine
            .containers()?
            .into_iter()
            .filter(fits)
            .take(newest.unwrap_or(usize::MAX))
            .map(|container| container_rows::row(&engine, &container, self.no_trunc))
            .collect();
        LISTING.print(self.format.as_deref(), self.quiet, &rows)?;
        Ok(0)
    }
}

fn check(filters: &Filters) -> Result<()> {
    const STATES: [&str; 7] =
        ["created", "running", "exited", "paused", "restarting", "removing", "dead"];
    if let Some(wrong) = filters.values("status").find(|value| !STATES.contains(value)) {
        return Err(Failure::usage(
            format!("--filter status={wrong:?} is no state"),
            format!("known are {}", STATES.join(", ")),
        ));
    }
    match filters.values("exited").find(|value| value.parse::<i32>().is_err()) {
        Some(wrong) => Err(Failure::usage(
            format!("--filter exited={wrong:?} is no exit status"),
            "write a number, as --filter exited=0",
        )),
        None => Ok(()),
    }
}

/// The images that `ancestor` names. One that is not there fits nothing.
fn ancestors(engine: &Engine, filters: &Filters) -> Result<Vec<minidock::image::Digest>> {
    let mut images = Vec::new();
    for query in filters.values("ancestor") {
        match engine.store().resolve_image(query) {
            Ok(id) => images.push(id),
            Err(error) if error.kind() == minidock::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(images)
}

fn fits(container: &ContainerSummary, filters: &Filters) -> bool {
    let state = container_rows::state(container);
    let exited = container.state.exit_code.filter(|_| container.state.status == Status::Exited);
    filters
        .any("name", |part| container.record.name.as_str().contains(part.trim_start_matches('/')))
        && filters.any("id", |start| container.record.id.as_str().starts_with(start))
        && filters.any("status", |wanted| wanted == state)
        && filters.any("exited", |code| code.parse().ok() == exited && exited.is_some())
        && filters.labels(|key| container.config.labels.get(key).cloned())
}
