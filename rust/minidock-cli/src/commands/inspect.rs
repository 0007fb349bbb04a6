//! `inspect`: everything that is known of containers and images, in docker's shape.

use clap::{Args, ValueEnum};
use minidock::{Engine, ErrorKind};
use serde_json::Value;

use crate::cli::{Global, each};
use crate::failure::{Failure, Result};
use crate::table;

/// Show containers and images as JSON
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock inspect web
  minidock inspect --format '{{.State.Status}}' web
  minidock inspect --format '{{range .Config.Env}}{{println .}}{{end}}' web")]
pub(crate) struct Inspect {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
    /// What it is, where a name could be either
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
    /// Containers and images, by name or id
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Show containers as JSON
#[derive(Debug, Args)]
pub(crate) struct InspectContainer {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
    /// Containers, by name or id
    #[arg(required = true, value_name = "CONTAINER")]
    names: Vec<String>,
}

/// Show images as JSON
#[derive(Debug, Args)]
pub(crate) struct InspectImage {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
    /// Images, by name or id
    #[arg(required = true, value_name = "IMAGE")]
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Container,
    Image,
}

impl Inspect {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        inspect(global, self.format.as_deref(), self.kind, &self.names)
    }
}

impl InspectContainer {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        inspect(global, self.format.as_deref(), Some(Kind::Container), &self.names)
    }
}

impl InspectImage {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        inspect(global, self.format.as_deref(), Some(Kind::Image), &self.names)
    }
}

fn inspect(
    global: &Global,
    format: Option<&str>,
    kind: Option<Kind>,
    names: &[String],
) -> Result<u8> {
    let engine = global.engine()?;
    let mut found = Vec::new();
    let told = each(names, |name| {
        found.push(one(&engine, kind, name)?);
        Ok(())
    });
    table::print_inspected(format, &found)?;
    told
}

/// A container comes before an image of the same name, as docker has it.
fn one(engine: &Engine, kind: Option<Kind>, name: &str) -> Result<Value> {
    if kind != Some(Kind::Image) {
        match engine.inspect_container(name) {
            Ok(value) => return Ok(value),
            // A text that no container can have as a name may still name an image.
            Err(error)
                if kind.is_none()
                    && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match engine.inspect_image(name) {
        Ok(value) => Ok(value),
        Err(error) if kind.is_none() && error.kind() == ErrorKind::NotFound => {
            Err(Failure::refused(
                format!("no such object: {name:?}"),
                "`minidock ps -a` lists containers, `minidock images` images",
            ))
        }
        Err(error) => Err(error.into()),
    }
}
