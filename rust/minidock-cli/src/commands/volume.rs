//! `volume create|ls|inspect|rm`: directories that outlive containers.

use clap::Args;
use minidock::container::MountKind;
use minidock::store::{ContainerId, VolumeName, VolumeRecord};
use minidock::{Engine, ErrorKind};
use serde_json::{Value, json};

use crate::cli::{Global, each};
use crate::container_flags::labels;
use crate::failure::Result;
use crate::filters::Filters;
use crate::output;
use crate::table::{self, Listing};
use crate::template::Row;

/// Make a volume
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock volume create data
  minidock run -v data:/var/lib/data …")]
pub(crate) struct Create {
    /// Set a label
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Its name; a random one without
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Create {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let labels = labels(&self.label, &[])?;
        let name = self.name.as_deref().map(str::parse::<VolumeName>).transpose()?;
        let store = global.engine()?.store().clone();
        let anonymous = name.is_none();
        // An anonymous one is named like a container's.
        let name = name.map_or_else(|| ContainerId::random()?.as_str().parse(), Ok)?;
        let (volume, _) = store.begin()?.make_volume(&name, &labels, anonymous)?;
        output::line(volume.name.as_str()).map(|()| 0)
    }
}

/// List volumes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock volume ls
  minidock volume ls -q --filter dangling=true")]
pub(crate) struct List {
    /// Only names
    #[arg(short, long)]
    quiet: bool,
    /// Only what fits: name, label, dangling
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// table, json, TEMPLATE or 'table TEMPLATE'
    #[arg(long)]
    format: Option<String>,
}

const LISTING: Listing = Listing {
    columns: "{{.Driver}}\\t{{.Name}}",
    quiet: "{{.Name}}",
    titles: &[
        ("Driver", "DRIVER"),
        ("Name", "VOLUME NAME"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Scope", "SCOPE"),
        ("Labels", "LABELS"),
    ],
};

impl List {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let filters = Filters::parse(&self.filter, &["name", "label", "dangling"])?;
        let dangling = filters.truth("dangling")?;
        let engine = global.engine()?;
        let used = match dangling {
            Some(_) => used(&engine)?,
            None => Vec::new(),
        };
        let rows: Vec<_> = engine
            .store()
            .volumes()?
            .iter()
            .filter(|volume| filters.any("name", |part| volume.name.as_str().contains(part)))
            .filter(|volume| filters.labels(|key| volume.labels.get(key).cloned()))
            .filter(|volume| {
                dangling
                    .is_none_or(|wanted| used.iter().any(|u| u == volume.name.as_str()) != wanted)
            })
            .map(|volume| row(&engine, volume))
            .collect();
        LISTING.print(self.format.as_deref(), self.quiet, &rows)?;
        Ok(0)
    }
}

/// Volumes that a container has.
pub(crate) fn used(engine: &Engine) -> Result<Vec<String>> {
    let containers = engine.containers()?;
    let mounts = containers.into_iter().flat_map(|container| container.config.mounts);
    Ok(mounts
        .filter_map(|mount| match mount.kind {
            MountKind::Volume { name, .. } => name,
            _ => None,
        })
        .collect())
}

fn row(engine: &Engine, volume: &VolumeRecord) -> Row {
    let labels: Vec<_> =
        volume.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let value = json!({
        "Driver": "local",
        "Name": volume.name.as_str(),
        "Mountpoint": engine.store().volume_data(&volume.name).display().to_string(),
        "Scope": "local",
        "Labels": labels.join(","),
    });
    let labels = volume.labels.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    Row { value, labels }
}

/// Show volumes as JSON
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock volume inspect --format '{{.Mountpoint}}' data")]
pub(crate) struct Inspect {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
    /// Volumes, by name
    #[arg(required = true, value_name = "VOLUME")]
    volumes: Vec<String>,
}

impl Inspect {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        let mut found = Vec::new();
        let told = each(&self.volumes, |name| {
            let volume = engine.store().volume(&name.parse()?)?;
            found.push(json!({
                "CreatedAt": crate::human::rfc3339(volume.created.saturating_mul(1_000_000_000)),
                "Driver": "local",
                "Labels": volume.labels,
                "Mountpoint": engine.store().volume_data(&volume.name).display().to_string(),
                "Name": volume.name.as_str(),
                "Options": Value::Null,
                "Scope": "local",
            }));
            Ok(())
        });
        table::print_inspected(self.format.as_deref(), &found)?;
        told
    }
}

/// Remove volumes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock volume rm data")]
pub(crate) struct Remove {
    /// Take no offence at one that is not there
    #[arg(short, long)]
    force: bool,
    /// Volumes, by name
    #[arg(required = true, value_name = "VOLUME")]
    volumes: Vec<String>,
}

impl Remove {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let engine = global.engine()?;
        each(&self.volumes, |name| match engine.remove_volume(&name.parse()?) {
            Err(error) if !(self.force && error.kind() == ErrorKind::NotFound) => Err(error.into()),
            _ => output::line(name),
        })
    }
}
