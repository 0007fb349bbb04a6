//! `prune` of containers, images, volumes, the build cache, and of all of them.

use clap::Args;
use minidock::container::{RemoveOptions, Status};
use minidock::store::{ImagePrune, PruneOptions, PruneReport};
use minidock::{Engine, ErrorKind};

use super::volume;
use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::{human, output};

/// Whether it is asked before anything goes.
#[derive(Debug, Args)]
struct Consent {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Consent {
    fn given(&self, warning: &str) -> Result<bool> {
        match self.force {
            true => Ok(true),
            false => output::confirm(&format!("WARNING! This will remove {warning}.")),
        }
    }
}

/// Remove all containers that do not run
#[derive(Debug, Args)]
pub(crate) struct PruneContainers {
    #[command(flatten)]
    consent: Consent,
}

/// Remove images that nothing needs
#[derive(Debug, Args)]
pub(crate) struct PruneImages {
    /// Not only those without a name, but all that no container uses
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Remove volumes that no container uses
#[derive(Debug, Args)]
pub(crate) struct PruneVolumes {
    /// Not only those without a name, but all
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Forget the steps of builds
#[derive(Debug, Args)]
pub(crate) struct PruneBuilder {
    /// Everything; the whole cache goes in any case
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Remove what nothing needs: stopped containers, images without a name, the build cache
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock system prune
  minidock system prune -af --volumes")]
pub(crate) struct PruneSystem {
    /// Not only images without a name, but all that no container uses
    #[arg(short, long)]
    all: bool,
    /// Volumes without a name too
    #[arg(long)]
    volumes: bool,
    #[command(flatten)]
    consent: Consent,
}

impl PruneContainers {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if !self.consent.given("all containers that do not run")? {
            return Ok(0);
        }
        containers(&global.engine()?)?;
        Ok(0)
    }
}

impl PruneImages {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let warning = match self.all {
            true => "all images without a container",
            false => "all images without a name",
        };
        if !self.consent.given(warning)? {
            return Ok(0);
        }
        let images = which(self.all);
        report(&global.engine()?.store().prune(&PruneOptions { images, build_cache: false })?)
    }
}

impl PruneVolumes {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let warning = match self.all {
            true => "all volumes that no container uses",
            false => "all volumes without a name that no container uses",
        };
        if !self.consent.given(warning)? {
            return Ok(0);
        }
        volumes(&global.engine()?, self.all)?;
        Ok(0)
    }
}

impl PruneBuilder {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if !self.consent.given("the whole build cache")? {
            return Ok(0);
        }
        let options = PruneOptions { images: ImagePrune::Keep, build_cache: true };
        report(&global.engine()?.store().prune(&options)?)
    }
}

impl PruneSystem {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let images =
            if self.all { "all images without a container" } else { "all images without a name" };
        let volumes_too =
            if self.volumes { ", all volumes without a name that no container uses" } else { "" };
        let warning =
            format!("all containers that do not run, {images}{volumes_too}, and the build cache");
        if !self.consent.given(&warning)? {
            return Ok(0);
        }
        let engine = global.engine()?;
        containers(&engine)?;
        if self.volumes {
            volumes(&engine, false)?;
        }
        report(&engine.store().prune(&PruneOptions { images: which(self.all), build_cache: true })?)
    }
}

fn which(all: bool) -> ImagePrune {
    if all { ImagePrune::Unused } else { ImagePrune::Dangling }
}

fn containers(engine: &Engine) -> Result<()> {
    let mut removed = Vec::new();
    for container in engine.containers()? {
        if container.state.status == Status::Running {
            continue;
        }
        match engine.remove_container(&container.record.id, RemoveOptions::default()) {
            Ok(()) => removed.push(container.record.id.as_str().to_owned()),
            // Somebody started or removed it meanwhile.
            Err(error) if is_race(error.kind()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    say("Deleted Containers:", &removed)
}

fn volumes(engine: &Engine, all: bool) -> Result<()> {
    let used = volume::used(engine)?;
    let mut removed = Vec::new();
    for volume in engine.store().volumes()? {
        let name = volume.name.as_str();
        if used.iter().any(|used| used == name) || !(all || volume.anonymous) {
            continue;
        }
        match engine.remove_volume(&volume.name) {
            Ok(()) => removed.push(name.to_owned()),
            Err(error) if is_race(error.kind()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    say("Deleted Volumes:", &removed)
}

fn is_race(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::InUse | ErrorKind::Conflict)
}

fn say(title: &str, removed: &[String]) -> Result<()> {
    if removed.is_empty() {
        return Ok(());
    }
    output::block(&format!("{title}\n{}\n\n", removed.join("\n")))
}

fn report(report: &PruneReport) -> Result<u8> {
    let untagged = report.references.iter().map(|name| format!("untagged: {}", name.familiar()));
    let deleted = report.images.iter().map(|id| format!("deleted: {id}"));
    say("Deleted Images:", &untagged.chain(deleted).collect::<Vec<_>>())?;
    if report.cache_entries > 0 {
        output::line(format!("Forgotten build steps: {}", report.cache_entries))?;
    }
    output::line(format!("Total reclaimed space: {}", human::size(report.bytes)))?;
    match report.left_in_trash {
        0 => Ok(0),
        count => Err(Failure::refused(
            format!("{count} things wait in the trash: their files belong to subordinate ids"),
            "`minidock doctor` says what this host lacks to delete them",
        )),
    }
}
