//! Building images from Dockerfiles.
//!
//! It decides what each instruction does, in what order, and what is remembered; the grammar is
//! `minidock-dockerfile`'s, files and commands are the runtime's, layers and images the store's.
//! What this version does not do is refused by name, with file and line.
//!
//! Follows docker's BuildKit front end (<https://docs.docker.com/reference/dockerfile/>). A build
//! that finds every step remembered starts no process and writes nothing but a new name.

mod archive;
mod context;
mod copy;
mod diff_ids;
mod event;
mod failure;
mod finish;
mod follow;
mod history;
mod input;
mod key;
mod layer;
mod made;
mod network;
mod obtain;
mod options;
mod plan;
mod run;
mod stage;
mod stream;

pub use crate::cancel::CancelToken;
pub(crate) use context::attributes;
pub use event::{BuildEvent, Stream};
pub use options::{BuildOptions, ContextSource, DockerfileSource};

use std::collections::BTreeMap;
use std::time::Instant;

use minidock_dockerfile::{Base, Instruction, Kind, Stages};
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{apply_instruction, require_tag};
use crate::runtime::Joined;
use crate::store::Lease;
use diff_ids::DiffIds;
use failure::{Place, parse_error};
use input::Input;
use made::Made;
use network::HeldNetwork;
use obtain::Obtain;
use plan::{Plan, Planned, PlannedBase, Planner};
use stage::StageState;

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its id.
    pub id: Digest,
    /// The names it was given.
    pub references: Vec<Reference>,
}

impl Engine {
    /// Builds an image.
    ///
    /// ```no_run
    /// use minidock::build::{BuildOptions, ContextSource};
    /// let engine = minidock::Engine::open(&minidock::EngineOptions::default())?;
    /// let options = BuildOptions {
    ///     tags: vec!["app".parse()?],
    ///     ..BuildOptions::new(ContextSource::Directory(".".into()))
    /// };
    /// let built = engine.build(&options, &|event| drop(event))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(
        &self,
        options: &BuildOptions,
        events: &(dyn Fn(BuildEvent) + Sync),
    ) -> Result<Built> {
        options.tags.iter().try_for_each(require_tag)?;
        let input = Input::read(options)?;
        let stages = input.file.stages(&input.args);
        let stages = stages.map_err(|error| parse_error(&input.name, &error))?;
        let lease = self.store().begin()?;
        let obtain = Obtain { engine: self, lease: &lease, options, events };
        let planner = Planner { obtain: &obtain, input: &input, stages: &stages };
        let plan = planner.plan(options)?;
        let mut build = Build {
            engine: self,
            options,
            input: &input,
            lease: &lease,
            stages: &stages,
            events,
            diff_ids: DiffIds::new(self),
            namespace: None,
            network: None,
            ready: None,
            made: Made::default(),
            runs_left: plan.runs,
            results: BTreeMap::new(),
            used: Vec::new(),
            number: 0,
            steps: plan.steps,
            directories: 0,
            layers: (0, 0),
        };
        let built = build.all(&plan);
        // A build that failed goes on after its last good step the next time.
        let remembered = build.remember_all();
        built.and_then(|built| remembered.map(|()| built))
    }
}

/// A build on its way.
struct Build<'a> {
    engine: &'a Engine,
    options: &'a BuildOptions,
    input: &'a Input,
    lease: &'a Lease,
    stages: &'a Stages,
    events: &'a (dyn Fn(BuildEvent) + Sync),
    diff_ids: DiffIds,
    /// The user namespace, joined at the first step that is not remembered.
    namespace: Option<Joined>,
    network: Option<HeldNetwork>,
    /// The supervisor of the next RUN.
    ready: Option<run::Ready>,
    /// Steps that the store's cache does not have yet.
    made: Made,
    /// How many RUN come after this one.
    runs_left: usize,
    results: BTreeMap<usize, StageState>,
    /// Keys of remembered steps whose use is to be noted.
    used: Vec<Digest>,
    /// The step that runs, from 1.
    number: usize,
    steps: usize,
    /// Directories made for steps.
    directories: usize,
    /// Steps with a layer: remembered, and made.
    layers: (usize, usize),
}

impl Build<'_> {
    fn all(&mut self, plan: &Plan) -> Result<Built> {
        self.warn_of_the_file(plan);
        for planned in &plan.stages {
            let stage = self.stage(planned)?;
            self.results.insert(planned.index, stage);
        }
        let target = plan.stages.last().and_then(|planned| self.results.get(&planned.index));
        let Some(target) = target.cloned() else {
            return Err(Error::new(ErrorKind::InvalidInput, "the Dockerfile has no stage"));
        };
        self.remember_all()?;
        let references = &self.options.tags;
        let id = self.put(&target, references, self.options.labels.clone())?;
        if !self.used.is_empty() {
            self.engine.store().touch_cache(&self.used)?;
        }
        let references = references.clone();
        let all_cached = matches!(self.layers, (1.., 0));
        self.tell(BuildEvent::Finished { id, references: references.clone(), all_cached });
        Ok(Built { id, references })
    }

    fn warn_of_the_file(&self, plan: &Plan) {
        for warning in &self.input.file.warnings {
            self.tell(BuildEvent::Warning { text: format!("{}: {warning}", self.input.name) });
        }
        if self.input.file.directives.check.is_some() {
            let text = format!("{}: # check= has no effect: there is no linter", self.input.name);
            self.tell(BuildEvent::Warning { text });
        }
        for text in plan.warnings.iter().cloned() {
            self.tell(BuildEvent::Warning { text });
        }
    }

    fn stage(&mut self, planned: &Planned) -> Result<StageState> {
        let Some(described) = self.stages.list.get(planned.index) else {
            return Err(Error::new(ErrorKind::InvalidInput, "the Dockerfile lacks a stage"));
        };
        let instructions = self.input.file.instructions_of(described);
        let label = described.name.clone().unwrap_or_else(|| planned.index.to_string());
        let mut stage = match &planned.base {
            PlannedBase::Scratch => StageState::scratch(label),
            PlannedBase::Image(image) => StageState::on_image(label, image),
            PlannedBase::Stage(index) => match self.results.get(index) {
                Some(base) => StageState::on_stage(label, base),
                None => {
                    return Err(Error::new(ErrorKind::InvalidInput, "a base stage is missing"));
                }
            },
        };
        stage.in_image = planned.in_image;
        let base = base_name(&described.base, self.stages);
        let (index, name) = (planned.index, described.name.clone());
        let named = name.iter().map(|name| format!(" AS {name}")).collect::<String>();
        let text = format!("FROM {base}{named}");
        self.tell(BuildEvent::StageStarted { index, name, base });
        self.step(&stage.label, text, |_| Ok(()))?;
        for trigger in &planned.triggers {
            let place = Place { file: &trigger.origin, instruction: &trigger.instruction };
            self.instruction(&mut stage, place, planned.index)?;
        }
        for instruction in instructions {
            let place = Place { file: &self.input.name, instruction };
            self.instruction(&mut stage, place, planned.index)?;
        }
        Ok(stage)
    }

    fn step(
        &mut self,
        stage: &str,
        text: String,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.options.cancel.check()?;
        let began = Instant::now();
        self.number += 1;
        let (number, total, stage) = (self.number, self.steps, stage.to_owned());
        self.tell(BuildEvent::StepStarted { number, total, stage, text });
        work(self)?;
        self.tell(BuildEvent::StepDone { number, elapsed: began.elapsed() });
        Ok(())
    }

    fn instruction(
        &mut self,
        stage: &mut StageState,
        place: Place<'_>,
        number: usize,
    ) -> Result<()> {
        let text = history::one_line(&place.instruction.original);
        let label = stage.label.clone();
        self.step(&label, text, |build| {
            let expanded = place.parsed(place.instruction.expand(&|name| stage.variable(name)))?;
            for name in expanded.unset.iter().filter(|name| !has_default(place, name)) {
                let text = format!("{}: ${name} is not set and becomes empty", place.line());
                build.tell(BuildEvent::Warning { text });
            }
            build.dispatch(stage, &expanded.instruction, place, number)
        })
    }

    fn dispatch(
        &mut self,
        stage: &mut StageState,
        instruction: &Instruction,
        place: Place<'_>,
        number: usize,
    ) -> Result<()> {
        match &instruction.kind {
            Kind::Run(run) => self.run_instruction(stage, run, place),
            Kind::Copy(copy) => self.copy_instruction(stage, copy, place, number),
            Kind::Add(add) => self.add_instruction(stage, add, place),
            Kind::Arg(arg) => {
                let declared = stage.declare(&arg.vars, self.stages, &self.input.args);
                stage.note(history::arg(&declared), true);
                Ok(())
            }
            kind => {
                apply_instruction(&mut stage.config, kind, &mut stage.settings)
                    .map_err(|error| place.error(error, None))?;
                if matches!(kind, Kind::Workdir(_)) && stage.workdir() != "/" {
                    return self.make_workdir(stage, place);
                }
                let line = history::setting(kind, &instruction.original, &stage.config);
                stage.note(line, true);
                Ok(())
            }
        }
    }

    fn tell(&self, event: BuildEvent) {
        (self.events)(event);
    }

    /// Joins the user namespace, if that was not done yet.
    fn join_namespace(&mut self) -> Result<()> {
        if self.namespace.is_none() {
            self.namespace = Some(self.engine.join()?);
        }
        Ok(())
    }

    /// The user namespace, once it is joined.
    fn joined(&self) -> Result<&Joined> {
        self.namespace
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Runtime, "the user namespace is not joined"))
    }
}

/// What a stage begins with, variables put in.
fn base_name(base: &Base, stages: &Stages) -> String {
    match base {
        Base::Scratch => "scratch".to_owned(),
        Base::Image(reference) => reference.clone(),
        Base::Stage(index) => {
            let name = stages.list.get(*index).and_then(|stage| stage.name.clone());
            name.unwrap_or_else(|| index.to_string())
        }
    }
}

/// Whether an instruction says itself what an unset variable is to mean: `${NAME:-…}` and its kin.
fn has_default(place: Place<'_>, name: &str) -> bool {
    let forms = [":", "-", "+", "?"].map(|form| format!("${{{name}{form}"));
    forms.iter().any(|form| place.instruction.source.contains(form))
}

#[cfg(test)]
#[path = "build/tests.rs"]
mod tests;
