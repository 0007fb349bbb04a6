//! The stages of a build: global arguments, bases, references between stages, what a target needs.
//! Owns the graph; says nothing of images.
//!
//! As in docker, a FROM can name an earlier stage only: a later stage's name, or its own, is taken
//! as an image (`FROM node AS node` is common). Stricter than docker: two stages of one name, and a
//! `from=` of COPY or of a mount that names its own or a later stage, are errors.

mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::document::Dockerfile;
use crate::error::{ErrorKind, ParseError, quoted};
use crate::instruction::{ArgVar, Instruction};

/// Values from outside the Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildArgs {
    /// `--build-arg`: the values of arguments that the file declares.
    pub given: BTreeMap<String, String>,
    /// Values of [`crate::PLATFORM_ARGS`], which FROM knows without a declaration; `given` wins.
    pub platform: BTreeMap<String, String>,
}

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage, by index.
    Stage(usize),
    /// An image reference as written, variables put in.
    Image(String),
}

/// What `from=` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An earlier stage, by index.
    Stage(usize),
    /// An image reference.
    Image(String),
}

/// A `from=` of COPY or of a RUN's mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Index into [`Dockerfile::instructions`]; for a trigger that a base stage hands on, the FROM.
    pub instruction: usize,
    /// As written.
    pub from: String,
    /// What it names.
    pub source: Source,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// `AS name`, in lower case.
    pub name: Option<String>,
    /// What it begins with.
    pub base: Base,
    /// `--platform`, variables put in; `None` if not given or empty.
    pub platform: Option<String>,
    /// Index of its FROM in [`Dockerfile::instructions`].
    pub from: usize,
    /// Indexes of what follows the FROM.
    pub instructions: Range<usize>,
    /// Every `from=` in it.
    pub references: Vec<Reference>,
    /// Names its FROM asked for and found.
    pub used_args: BTreeSet<String>,
}

/// The stages of a Dockerfile, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    /// At least one.
    pub list: Vec<Stage>,
    /// Arguments declared before the first FROM that have a value: what `ARG NAME` in a stage
    /// takes over.
    pub global_args: BTreeMap<String, String>,
    names: BTreeMap<String, usize>,
    lines: Vec<usize>,
}

/// Digits only; a number past the largest stands for itself, no stage has it.
fn number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}

impl Dockerfile {
    /// Finds the stages and checks how they refer to each other.
    pub fn stages(&self, args: &BuildArgs) -> Result<Stages, ParseError> {
        resolve::stages(self, args)
    }

    /// The instructions of a stage, without its FROM.
    pub fn instructions_of(&self, stage: &Stage) -> &[Instruction] {
        self.instructions.get(stage.instructions.clone()).unwrap_or_default()
    }
}

impl Stages {
    /// The value of an ARG in a stage: `--build-arg`, else its own default (expand the instruction
    /// first), else the global ARG of that name, else the platform argument.
    #[must_use]
    pub fn arg_value(&self, var: &ArgVar, args: &BuildArgs) -> Option<String> {
        let given = args.given.get(&var.name).or(var.default.as_ref());
        let inherited = || self.global_args.get(&var.name).or(args.platform.get(&var.name));
        given.or_else(inherited).cloned()
    }

    /// What `from` means in a stage; for triggers of a base image, which are known only once that
    /// image is. `instruction` is named in the error and its lines are shown.
    pub fn source(
        &self,
        stage: usize,
        from: &str,
        instruction: &Instruction,
    ) -> Result<Source, ParseError> {
        let name = instruction.kind.name();
        let found = match number(from) {
            Some(number) if number < self.lines.len() => Some(number),
            Some(_) => {
                let kind = ErrorKind::StageNumber { instruction: name, from: quoted(from) };
                return Err(instruction.error(kind));
            }
            None => self.names.get(&from.to_ascii_lowercase()).copied(),
        };
        let image = from;
        let from = || quoted(from);
        match found {
            None => Ok(Source::Image(image.to_owned())),
            Some(index) if index < stage => Ok(Source::Stage(index)),
            Some(index) if index == stage => {
                Err(instruction.error(ErrorKind::SelfReference { instruction: name, from: from() }))
            }
            Some(index) => Err(instruction.error(ErrorKind::ForwardReference {
                instruction: name,
                from: from(),
                line: self.lines[index],
            })),
        }
    }

    /// The stages that a target needs, in an order in which each comes after what it needs; the
    /// target is the last. A target is a name or a number; `None` is the last stage.
    pub fn needed_stages(&self, target: Option<&str>) -> Result<Vec<usize>, ParseError> {
        let target = self.target(target)?;
        let mut needed = vec![false; target + 1];
        needed[target] = true;
        // Everything a stage needs has a smaller number, so one pass downwards is enough.
        for stage in self.list[..=target].iter().rev() {
            if !needed[stage.index] {
                continue;
            }
            let base = match stage.base {
                Base::Stage(index) => Some(index),
                Base::Scratch | Base::Image(_) => None,
            };
            let sources = stage.references.iter().filter_map(|reference| match reference.source {
                Source::Stage(index) => Some(index),
                Source::Image(_) => None,
            });
            for index in base.into_iter().chain(sources) {
                needed[index] = true;
            }
        }
        Ok((0..=target).filter(|index| needed[*index]).collect())
    }

    /// The stage a target names.
    pub fn target(&self, target: Option<&str>) -> Result<usize, ParseError> {
        let Some(target) = target else { return Ok(self.list.len() - 1) };
        let number = || number(target).filter(|number| *number < self.list.len());
        let named = self.names.get(&target.to_ascii_lowercase()).copied();
        named.or_else(number).ok_or_else(|| {
            let kind = ErrorKind::UnknownTarget { target: quoted(target), known: self.known() };
            ParseError::without_line(kind)
        })
    }

    /// Names (or numbers) of the stages, for an error.
    fn known(&self) -> String {
        const SHOWN: usize = 20;
        let name = |stage: &Stage| stage.name.clone().unwrap_or_else(|| stage.index.to_string());
        let mut text = self.list.iter().take(SHOWN).map(name).collect::<Vec<_>>().join(", ");
        if self.list.len() > SHOWN {
            text.push_str(&format!(" and {} more", self.list.len() - SHOWN));
        }
        text
    }
}
