//! Dockerfile and `.dockerignore`: text in, typed instructions with source spans out.
//!
//! Owns the grammar, variable expansion, the stage graph and the path patterns of a build. It must
//! not read a file, look at the environment, fetch a frontend named by `# syntax=`, or know what an
//! image is: the engine decides what an instruction does.
//!
//! The meaning follows the Dockerfile reference and the BuildKit front end
//! (<https://docs.docker.com/reference/dockerfile/>); each module says where it is stricter.
//!
//! ```
//! use minidock_dockerfile::{Base, BuildArgs, Dockerfile};
//!
//! let file = Dockerfile::parse(b"ARG TAG=12\nFROM debian:$TAG AS base\nRUN true\n")?;
//! let stages = file.stages(&BuildArgs::default())?;
//! assert_eq!(stages.list[0].base, Base::Image("debian:12".into()));
//!
//! let error = Dockerfile::parse(b"FORM debian\n").unwrap_err();
//! assert!(error.render("Dockerfile").starts_with(
//!     "Dockerfile:1: unknown instruction: FORM (did you mean FROM?)\n"
//! ));
//! # Ok::<(), minidock_dockerfile::ParseError>(())
//! ```

mod arguments;
mod directive;
mod document;
mod duration;
mod error;
mod expand;
mod flags;
mod glob;
mod heredoc;
mod ignore;
mod instruction;
mod json;
mod lines;
mod port;
mod predefined;
mod source_path;
mod span;
mod stages;
mod suggest;
mod words;

pub use directive::{Directives, Escape};
pub use document::{Dockerfile, Warning, WarningKind};
pub use duration::{DurationError, parse_duration};
pub use error::{ErrorKind, ParseError, SourceLine};
pub use expand::{ExpandError, Expander, Expansion, Mode, expand};
pub use glob::{Glob, PatternError};
pub use heredoc::Heredoc;
pub use ignore::{IgnoreError, IgnoreRules};
pub use instruction::{
    Add, Arg, ArgVar, CommandLine, Copy, CopySource, Expanded, Expose, From, HealthTest,
    Healthcheck, Instruction, Kind, Mount, Onbuild, Pair, Run, RunNetwork, RunPayload, RunSecurity,
};
pub use port::{PortError, PortRange, Protocol};
pub use predefined::{
    PLATFORM_ARGS, PROXY_ARGS, PlatformArg, PlatformPart, PlatformSide, is_proxy_arg, platform_arg,
};
pub use source_path::{SourcePathError, clean_source, is_pattern};
pub use span::Span;
pub use stages::{Base, BuildArgs, Reference, Source, Stage, Stages};
