//! Instructions to stages: global arguments first, then each FROM, then the references. Owns the
//! order of these passes.

use std::collections::BTreeMap;

use super::{Base, BuildArgs, Reference, Stage, Stages};
use crate::document::Dockerfile;
use crate::error::{ErrorKind, ParseError, quoted};
use crate::instruction::{Arg, From, Instruction, Kind};

pub(super) fn stages(file: &Dockerfile, args: &BuildArgs) -> Result<Stages, ParseError> {
    let mut stages = Stages {
        list: Vec::new(),
        global_args: BTreeMap::new(),
        names: BTreeMap::new(),
        lines: Vec::new(),
    };
    for (at, instruction) in file.instructions.iter().enumerate() {
        match &instruction.kind {
            Kind::From(_) => begin(&mut stages, at, instruction, args)?,
            Kind::Arg(arg) if stages.list.is_empty() => {
                global_arg(&mut stages.global_args, arg, instruction, args)?;
            }
            kind => match stages.list.last_mut() {
                Some(stage) => stage.instructions.end = at + 1,
                None => {
                    return Err(
                        instruction.error(ErrorKind::BeforeFrom { instruction: kind.name() })
                    );
                }
            },
        }
    }
    if stages.list.is_empty() {
        let kind = ErrorKind::NoFrom;
        return Err(match file.instructions.last() {
            Some(last) => last.error(kind),
            None => ParseError::without_line(kind),
        });
    }
    for index in 0..stages.list.len() {
        let found = references(&stages, file, index)?;
        stages.list[index].references = found;
    }
    Ok(stages)
}

/// A global ARG sees those before it, also those in its own line.
fn global_arg(
    known: &mut BTreeMap<String, String>,
    arg: &Arg,
    instruction: &Instruction,
    args: &BuildArgs,
) -> Result<(), ParseError> {
    for var in &arg.vars {
        let expand = |text: &str| instruction.expand_text(text, &|name| lookup(known, args, name));
        let name = expand(&var.name)?;
        let value = match args.given.get(&name) {
            Some(given) => Some(given.clone()),
            None => var.default.as_deref().map(expand).transpose()?,
        };
        if let Some(value) = value {
            known.insert(name, value);
        }
    }
    Ok(())
}

fn lookup(known: &BTreeMap<String, String>, args: &BuildArgs, name: &str) -> Option<String> {
    let platform = || {
        let value = args.platform.get(name)?;
        Some(args.given.get(name).unwrap_or(value))
    };
    known.get(name).or_else(platform).cloned()
}

fn begin(
    stages: &mut Stages,
    at: usize,
    instruction: &Instruction,
    args: &BuildArgs,
) -> Result<(), ParseError> {
    let expanded = instruction.expand(&|name| lookup(&stages.global_args, args, name))?;
    let (Kind::From(from), Kind::From(written)) = (expanded.instruction.kind, &instruction.kind)
    else {
        return Ok(());
    };
    if from.image.is_empty() {
        let expression = quoted(&written.image);
        return Err(instruction.error(ErrorKind::BlankBase { expression }));
    }
    let index = stages.list.len();
    let base = base(stages, &from);
    if let Some(name) = &from.name
        && let Some(first) = stages.names.insert(name.clone(), index)
    {
        let first_line = stages.lines[first];
        let kind = ErrorKind::DuplicateStage { name: name.clone(), first_line };
        return Err(instruction.error(kind));
    }
    stages.lines.push(instruction.span.start_line);
    stages.list.push(Stage {
        index,
        name: from.name,
        base,
        platform: from.platform.filter(|platform| !platform.is_empty()),
        from: at,
        instructions: at + 1..at + 1,
        references: Vec::new(),
        used_args: expanded.used,
    });
    Ok(())
}

/// Stages known so far come before images.
fn base(stages: &Stages, from: &From) -> Base {
    if from.image == "scratch" {
        return Base::Scratch;
    }
    match stages.names.get(&from.image.to_ascii_lowercase()) {
        Some(index) => Base::Stage(*index),
        None => Base::Image(from.image.clone()),
    }
}

/// Every `from=` of a stage, and those of the triggers it takes over from a base stage.
fn references(
    stages: &Stages,
    file: &Dockerfile,
    index: usize,
) -> Result<Vec<Reference>, ParseError> {
    let stage = &stages.list[index];
    let mut found = Vec::new();
    let mut add = |at: usize, instruction: &Instruction| -> Result<(), ParseError> {
        for from in instruction.references() {
            let source = stages.source(index, from, instruction)?;
            found.push(Reference { instruction: at, from: from.to_owned(), source });
        }
        Ok(())
    };
    if let Base::Stage(base) = stage.base {
        for instruction in file.instructions_of(&stages.list[base]) {
            if let Kind::Onbuild(onbuild) = &instruction.kind {
                add(stage.from, &onbuild.instruction)?;
            }
        }
    }
    for at in stage.instructions.clone() {
        if let Some(instruction) = file.instructions.get(at) {
            add(at, instruction)?;
        }
    }
    Ok(found)
}
