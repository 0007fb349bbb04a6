//! Which stages are built, in what order, on which images; decided before anything runs, so that
//! a missing image is known at once.

use std::collections::{BTreeMap, BTreeSet};

use minidock_dockerfile::{Base, Instruction, Kind, Source, Stage, Stages};
use minidock_image::config::ImageConfig;

use super::failure::{Place, parse_error};
use super::input::{Input, is_host_platform, platform_text};
use super::obtain::Obtain;
use super::options::BuildOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::image::host_platform;
use crate::store::LocalId;

/// An image of the store that a build uses; its layers are kept for the build's life.
#[derive(Debug, Clone)]
pub(super) struct UsedImage {
    pub(super) config: ImageConfig,
    pub(super) layers: Vec<LocalId>,
}

/// A stage to be built.
#[derive(Debug)]
pub(super) struct Planned {
    /// Its number in the Dockerfile.
    pub(super) index: usize,
    /// What it begins with.
    pub(super) base: PlannedBase,
    /// ONBUILD instructions of what it begins with.
    pub(super) triggers: Vec<Trigger>,
    /// Its layers are layers of the image that is asked for.
    pub(super) in_image: bool,
}

/// What a stage begins with.
#[derive(Debug)]
pub(super) enum PlannedBase {
    /// Nothing.
    Scratch,
    /// A stage before it.
    Stage(usize),
    /// An image.
    Image(Box<UsedImage>),
}

/// An ONBUILD instruction that runs.
#[derive(Debug)]
pub(super) struct Trigger {
    /// Whose it is, for errors.
    pub(super) origin: String,
    /// What runs.
    pub(super) instruction: Instruction,
}

/// The whole build.
#[derive(Debug)]
pub(super) struct Plan {
    /// In an order in which each comes after what it needs; the last is the target.
    pub(super) stages: Vec<Planned>,
    /// Number of steps.
    pub(super) steps: usize,
    /// How many of them are RUN.
    pub(super) runs: usize,
    /// What works but is hardly meant.
    pub(super) warnings: Vec<String>,
}

/// Finds images and stages.
pub(super) struct Planner<'a> {
    pub(super) obtain: &'a Obtain<'a>,
    pub(super) input: &'a Input,
    pub(super) stages: &'a Stages,
}

impl Planner<'_> {
    /// Plans a build.
    pub(super) fn plan(&self, options: &BuildOptions) -> Result<Plan> {
        let name = &self.input.name;
        let needed = |target: Option<&str>| {
            self.stages.needed_stages(target).map_err(|error| parse_error(name, &error))
        };
        let mut todo = needed(options.target.as_deref())?;
        let target = todo.last().copied().unwrap_or_default();
        let mut planned = BTreeMap::new();
        while let Some(index) = todo.pop() {
            let Some(stage) = self.stages.list.get(index) else { continue };
            if planned.contains_key(&index) {
                continue;
            }
            let stage = self.stage(stage)?;
            for trigger in &stage.triggers {
                let place = Place { file: &trigger.origin, instruction: &trigger.instruction };
                for from in trigger.instruction.references() {
                    let source = self.stages.source(index, from, &trigger.instruction);
                    if let Source::Stage(number) = place.parsed(source)? {
                        todo.extend(needed(Some(&number.to_string()))?);
                    }
                }
            }
            planned.insert(index, stage);
        }
        let mut next = Some(target);
        while let Some(stage) = next.and_then(|index| planned.get_mut(&index)) {
            stage.in_image = true;
            next = match stage.base {
                PlannedBase::Stage(index) => Some(index),
                _ => None,
            };
        }
        let stages: Vec<Planned> = planned.into_values().collect();
        let steps = stages.iter().map(|stage| self.steps(stage)).sum();
        let runs = stages.iter().map(|stage| self.runs(stage)).sum();
        let unused = self.unused(&stages).into_iter();
        let unused =
            unused.map(|name| format!("--build-arg {name}: no ARG of this build asks for it"));
        let warnings =
            unused.chain(stages.iter().filter_map(|stage| self.foreign(stage))).collect();
        Ok(Plan { stages, steps, runs, warnings })
    }

    fn steps(&self, planned: &Planned) -> usize {
        let own = self.stages.list.get(planned.index);
        1 + planned.triggers.len()
            + own.map_or(0, |stage| self.input.file.instructions_of(stage).len())
    }

    fn runs(&self, planned: &Planned) -> usize {
        let own = self.stages.list.get(planned.index);
        let own = own.map_or(&[][..], |stage| self.input.file.instructions_of(stage));
        let triggers = planned.triggers.iter().map(|trigger| &trigger.instruction);
        triggers.chain(own).filter(|each| matches!(each.kind, Kind::Run(_))).count()
    }

    fn stage(&self, stage: &Stage) -> Result<Planned> {
        let instructions = &self.input.file.instructions;
        let Some(from) = instructions.get(stage.from) else {
            return Err(Error::new(ErrorKind::InvalidInput, "the Dockerfile has no FROM"));
        };
        let place = Place { file: &self.input.name, instruction: from };
        let host = host_platform();
        if let Some(platform) = &stage.platform
            && !is_host_platform(platform, &host)
        {
            let what = format!("building for {platform} on {}", platform_text(&host));
            return Err(
                place.unsupported(&what, "leave --platform out, or build on such a machine")
            );
        }
        let (base, triggers) = match &stage.base {
            Base::Scratch => (PlannedBase::Scratch, Vec::new()),
            Base::Stage(index) => (PlannedBase::Stage(*index), self.triggers_of_stage(*index)),
            Base::Image(reference) => {
                let image = self.obtain.image(reference);
                let image = image.map_err(|error| place.error(error, Some(reference)))?;
                let triggers = triggers_of_image(reference, &image.config)?;
                (PlannedBase::Image(Box::new(image)), triggers)
            }
        };
        Ok(Planned { index: stage.index, base, triggers, in_image: false })
    }

    fn triggers_of_stage(&self, index: usize) -> Vec<Trigger> {
        let file = &self.input.file;
        let base = self.stages.list.get(index).map(|stage| file.instructions_of(stage));
        base.unwrap_or_default()
            .iter()
            .filter_map(|instruction| match &instruction.kind {
                Kind::Onbuild(onbuild) => Some(Trigger {
                    origin: self.input.name.clone(),
                    instruction: Instruction {
                        span: instruction.span,
                        ..(*onbuild.instruction).clone()
                    },
                }),
                _ => None,
            })
            .collect()
    }

    /// A base image for another processor: its programs do not run here.
    fn foreign(&self, planned: &Planned) -> Option<String> {
        let PlannedBase::Image(image) = &planned.base else { return None };
        let (host, theirs) = (host_platform(), &image.config.architecture);
        let from = self.stages.list.get(planned.index).map(|stage| stage.from)?;
        let line = self.input.file.instructions.get(from)?.span.start_line;
        (!theirs.is_empty() && *theirs != host.architecture).then(|| {
            let name = &self.input.name;
            format!(
                "{name}:{line}: the image is for {theirs}, this machine is {}",
                host.architecture
            )
        })
    }

    /// `--build-arg` names that are neither declared nor known without it.
    fn unused(&self, stages: &[Planned]) -> Vec<String> {
        let file = &self.input.file;
        let before_from = file.instructions.iter().take_while(|i| !matches!(i.kind, Kind::From(_)));
        let own = stages.iter().filter_map(|planned| self.stages.list.get(planned.index));
        let instructions = before_from
            .chain(own.flat_map(|stage| file.instructions_of(stage)))
            .chain(stages.iter().flat_map(|s| s.triggers.iter().map(|t| &t.instruction)));
        let mut known = BTreeSet::new();
        for instruction in instructions {
            if let Kind::Arg(arg) = &instruction.kind {
                known.extend(arg.vars.iter().map(|var| var.name.as_str()));
            }
        }
        let from = self.stages.list.iter().flat_map(|stage| &stage.used_args);
        known.extend(from.map(String::as_str));
        let given = self.input.args.given.keys();
        given
            .filter(|name| !known.contains(name.as_str()))
            .filter(|name| !minidock_dockerfile::is_proxy_arg(name))
            .cloned()
            .collect()
    }
}

fn triggers_of_image(reference: &str, config: &ImageConfig) -> Result<Vec<Trigger>> {
    let origin = format!("ONBUILD of {reference}");
    config
        .config
        .on_build
        .iter()
        .map(|expression| {
            let parsed = Instruction::parse_trigger(expression);
            let instruction = parsed.map_err(|error| parse_error(&origin, &error))?;
            Ok(Trigger { origin: origin.clone(), instruction })
        })
        .collect()
}
