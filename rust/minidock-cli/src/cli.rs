//! The words of the command line, and from a call to its exit status.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use minidock::{Engine, EngineOptions, UserNamespace};

use crate::commands::*;
use crate::failure::{Failure, Result, Statuses};
use crate::{arguments, hot, output};

const ABOUT: &str = "Build, run and keep containers: no root, no daemon.";

const EXAMPLES: &str = "\
Examples:
  minidock pull debian:bookworm                 get an image from a registry
  minidock build -t web .                       build the Dockerfile of this directory
  minidock run --rm -it debian:bookworm bash    a shell in a container
  minidock run -d -p 8080:80 --name web web     a server behind port 8080
  minidock logs -f web                          what it writes
  minidock exec -it web sh                      another process in it
  minidock doctor                               what this host can do

Environment:
  MINIDOCK_ROOT      where images and containers lie, as --root
  MINIDOCK_RUNTIME   the program minidock-runtime
  NO_COLOR           no colours

Each command has its own --help.";

#[derive(Debug, Parser)]
#[command(
    name = "minidock",
    about = ABOUT,
    after_help = EXAMPLES,
    disable_version_flag = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    /// Print the version and quit
    #[arg(short = 'v', long)]
    version: bool,
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What counts for every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where images, containers and volumes lie [default: $MINIDOCK_ROOT, else
    /// $XDG_DATA_HOME/minidock]
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Ids in containers: auto for subordinate ids where the host grants them, single for one id
    #[arg(long, global = true, value_enum, default_value_t = Userns::Auto, hide_default_value = true,
        hide_possible_values = true, value_name = "auto|single")]
    userns: Userns,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Userns {
    /// Subordinate ids where the host grants them, else single
    Auto,
    /// One id
    Single,
}

impl Global {
    /// Opens the engine.
    pub(crate) fn engine(&self) -> Result<Engine> {
        let user_namespace = match self.userns {
            Userns::Auto => UserNamespace::Auto,
            Userns::Single => UserNamespace::Single,
        };
        let options =
            EngineOptions { root: self.root.clone(), user_namespace, ..EngineOptions::default() };
        Ok(Engine::open(&options)?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Create(Box<create::Create>),
    Start(start::Start),
    Stop(stop::Stop),
    Restart(restart::Restart),
    Kill(kill::Kill),
    Wait(wait::Wait),
    Rm(rm::Rm),
    Ps(ps::Ps),
    Logs(logs::Logs),
    Exec(exec::Exec),
    Attach(attach::Attach),
    Inspect(inspect::Inspect),
    Port(port::Port),
    Pull(pull::Pull),
    Push(push::Push),
    Login(login::Login),
    Logout(logout::Logout),
    Cp(cp::Cp),
    Diff(diff::Diff),
    Export(export::Export),
    Images(images::Images),
    History(history::History),
    Tag(tag::Tag),
    Rmi(rmi::Rmi),
    Import(import::Import),
    Load(load::Load),
    Save(save::Save),
    Build(Box<build::Build>),
    Info(info::Info),
    Doctor(doctor::Doctor),
    Version(version::Version),
    /// Manage containers
    #[command(subcommand, arg_required_else_help = true)]
    Container(ContainerCommand),
    /// Manage images
    #[command(subcommand, arg_required_else_help = true)]
    Image(ImageCommand),
    /// Manage volumes
    #[command(subcommand, arg_required_else_help = true)]
    Volume(VolumeCommand),
    /// Manage the build cache
    #[command(subcommand, arg_required_else_help = true)]
    Builder(BuilderCommand),
    /// Manage what minidock keeps
    #[command(subcommand, arg_required_else_help = true)]
    System(SystemCommand),
    Events(events::Events),
    Completion(completion::Completion),
}

#[derive(Debug, Subcommand)]
enum ContainerCommand {
    Run(Box<run::Run>),
    Create(Box<create::Create>),
    Start(start::Start),
    Stop(stop::Stop),
    Restart(restart::Restart),
    Kill(kill::Kill),
    Wait(wait::Wait),
    #[command(visible_alias = "remove")]
    Rm(rm::Rm),
    #[command(visible_aliases = ["ps", "list"])]
    Ls(ps::Ps),
    Logs(logs::Logs),
    Exec(exec::Exec),
    Attach(attach::Attach),
    Inspect(inspect::InspectContainer),
    Port(port::Port),
    Cp(cp::Cp),
    Diff(diff::Diff),
    Export(export::Export),
    Prune(prune::PruneContainers),
}

#[derive(Debug, Subcommand)]
enum ImageCommand {
    #[command(visible_alias = "list")]
    Ls(images::Images),
    Pull(pull::Pull),
    Push(push::Push),
    Exists(exists::Exists),
    History(history::History),
    Tag(tag::Tag),
    #[command(visible_alias = "remove")]
    Rm(rmi::Rmi),
    Import(import::Import),
    Load(load::Load),
    Save(save::Save),
    Build(Box<build::Build>),
    Inspect(inspect::InspectImage),
    Prune(prune::PruneImages),
}

#[derive(Debug, Subcommand)]
enum VolumeCommand {
    Create(volume::Create),
    #[command(visible_alias = "list")]
    Ls(volume::List),
    Inspect(volume::Inspect),
    #[command(visible_alias = "remove")]
    Rm(volume::Remove),
    Prune(prune::PruneVolumes),
}

#[derive(Debug, Subcommand)]
enum BuilderCommand {
    Prune(prune::PruneBuilder),
}

#[derive(Debug, Subcommand)]
enum SystemCommand {
    Df(df::Df),
    Events(events::Events),
    Prune(prune::PruneSystem),
    Check(check::Check),
    Info(info::Info),
}

/// The definition of all words, for completions.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// The definition with docker's `--flag=true` and `--flag=false`. Kept out of the usual one, whose
/// help would show it at every flag.
fn with_truths(command: clap::Command) -> clap::Command {
    let takes_truth = |argument: clap::Arg| match argument.get_action() {
        ArgAction::SetTrue => argument
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_parser(clap::value_parser!(bool))
            .default_value("false")
            .default_missing_value("true"),
        _ => argument,
    };
    command.mut_args(takes_truth).mut_subcommands(with_truths)
}

/// Does what the arguments say; gives the exit status.
pub(crate) fn main(arguments: Vec<OsString>) -> u8 {
    if let Some(hot) = hot::read(&arguments) {
        return done(hot.run(), Statuses::OfProgram);
    }
    let matches =
        definition().try_get_matches_from(&arguments).or_else(|error| match error.kind() {
            ErrorKind::TooManyValues => with_truths(definition()).try_get_matches_from(&arguments),
            _ => Err(error),
        });
    let matches = match matches {
        Ok(matches) => matches,
        Err(error) => return misread(&error, &arguments),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &arguments),
    };
    let statuses = statuses_of(&cli);
    done(dispatch(cli), statuses)
}

fn done(result: Result<u8>, statuses: Statuses) -> u8 {
    match result {
        Ok(status) => status,
        Err(failure) => {
            output::failure(&failure);
            failure.status(statuses)
        }
    }
}

/// A line that clap could not read, or a help text.
fn misread(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let path = arguments::path(&definition(), arguments);
    match arguments::read(error, &path) {
        arguments::Misread::Help(text) => done(output::block(&text).map(|()| 0), Statuses::Plain),
        arguments::Misread::Failure(failure) => {
            done(Err(failure), arguments::statuses(&path, arguments))
        }
    }
}

fn statuses_of(cli: &Cli) -> Statuses {
    match &cli.command {
        Some(
            Command::Run(_)
            | Command::Exec(_)
            | Command::Container(ContainerCommand::Run(_) | ContainerCommand::Exec(_)),
        ) => Statuses::OfProgram,
        Some(Command::Start(start) | Command::Container(ContainerCommand::Start(start)))
            if start.attaches() =>
        {
            Statuses::OfProgram
        }
        _ => Statuses::Plain,
    }
}

fn dispatch(cli: Cli) -> Result<u8> {
    if cli.version {
        return version::short();
    }
    let Some(command) = cli.command else {
        return output::block(&definition().render_help().to_string()).map(|()| 0);
    };
    let global = &cli.global;
    match command {
        Command::Container(command) => container(global, command),
        Command::Image(command) => image(global, command),
        Command::Volume(command) => volume(global, command),
        Command::Builder(BuilderCommand::Prune(it)) => it.run(global),
        Command::System(command) => system(global, command),
        Command::Events(it) => it.run(global),
        Command::Run(it) => it.run(global),
        Command::Create(it) => it.run(global),
        Command::Start(it) => it.run(global),
        Command::Stop(it) => it.run(global),
        Command::Restart(it) => it.run(global),
        Command::Kill(it) => it.run(global),
        Command::Wait(it) => it.run(global),
        Command::Rm(it) => it.run(global),
        Command::Ps(it) => it.run(global),
        Command::Logs(it) => it.run(global),
        Command::Exec(it) => it.run(global),
        Command::Attach(it) => it.run(global),
        Command::Inspect(it) => it.run(global),
        Command::Port(it) => it.run(global),
        Command::Pull(it) => it.run(global),
        Command::Push(it) => it.run(global),
        Command::Login(it) => it.run(global),
        Command::Logout(it) => it.run(global),
        Command::Cp(it) => it.run(global),
        Command::Diff(it) => it.run(global),
        Command::Export(it) => it.run(global),
        Command::Images(it) => it.run(global),
        Command::History(it) => it.run(global),
        Command::Tag(it) => it.run(global),
        Command::Rmi(it) => it.run(global),
        Command::Import(it) => it.run(global),
        Command::Load(it) => it.run(global),
        Command::Save(it) => it.run(global),
        Command::Build(it) => it.run(global),
        Command::Info(it) => it.run(global),
        Command::Doctor(it) => it.run(global),
        Command::Version(it) => it.run(),
        Command::Completion(it) => it.run(),
    }
}

fn container(global: &Global, command: ContainerCommand) -> Result<u8> {
    match command {
        ContainerCommand::Run(it) => it.run(global),
        ContainerCommand::Create(it) => it.run(global),
        ContainerCommand::Start(it) => it.run(global),
        ContainerCommand::Stop(it) => it.run(global),
        ContainerCommand::Restart(it) => it.run(global),
        ContainerCommand::Kill(it) => it.run(global),
        ContainerCommand::Wait(it) => it.run(global),
        ContainerCommand::Rm(it) => it.run(global),
        ContainerCommand::Ls(it) => it.run(global),
        ContainerCommand::Logs(it) => it.run(global),
        ContainerCommand::Exec(it) => it.run(global),
        ContainerCommand::Attach(it) => it.run(global),
        ContainerCommand::Inspect(it) => it.run(global),
        ContainerCommand::Port(it) => it.run(global),
        ContainerCommand::Cp(it) => it.run(global),
        ContainerCommand::Diff(it) => it.run(global),
        ContainerCommand::Export(it) => it.run(global),
        ContainerCommand::Prune(it) => it.run(global),
    }
}

fn image(global: &Global, command: ImageCommand) -> Result<u8> {
    match command {
        ImageCommand::Ls(it) => it.run(global),
        ImageCommand::Pull(it) => it.run(global),
        ImageCommand::Push(it) => it.run(global),
        ImageCommand::Exists(it) => it.run(global),
        ImageCommand::History(it) => it.run(global),
        ImageCommand::Tag(it) => it.run(global),
        ImageCommand::Rm(it) => it.run(global),
        ImageCommand::Import(it) => it.run(global),
        ImageCommand::Load(it) => it.run(global),
        ImageCommand::Save(it) => it.run(global),
        ImageCommand::Build(it) => it.run(global),
        ImageCommand::Inspect(it) => it.run(global),
        ImageCommand::Prune(it) => it.run(global),
    }
}

fn volume(global: &Global, command: VolumeCommand) -> Result<u8> {
    match command {
        VolumeCommand::Create(it) => it.run(global),
        VolumeCommand::Ls(it) => it.run(global),
        VolumeCommand::Inspect(it) => it.run(global),
        VolumeCommand::Rm(it) => it.run(global),
        VolumeCommand::Prune(it) => it.run(global),
    }
}

fn system(global: &Global, command: SystemCommand) -> Result<u8> {
    match command {
        SystemCommand::Df(it) => it.run(global),
        SystemCommand::Events(it) => it.run(global),
        SystemCommand::Prune(it) => it.run(global),
        SystemCommand::Check(it) => it.run(global),
        SystemCommand::Info(it) => it.run(global),
    }
}

/// Does one thing for each object, and says of each what failed: docker's way of several.
pub(crate) fn each<T: AsRef<str>>(
    objects: &[T],
    mut act: impl FnMut(&str) -> Result<()>,
) -> Result<u8> {
    let mut failed = false;
    for object in objects {
        match act(object.as_ref()) {
            Ok(()) => {}
            Err(Failure::BrokenPipe) => return Err(Failure::BrokenPipe),
            Err(failure) => {
                output::failure(&failure);
                failed = true;
            }
        }
    }
    if failed { Err(Failure::Told) } else { Ok(0) }
}

/// What the words are read as.
#[cfg(test)]
pub(crate) fn parsed(arguments: &[OsString]) -> Option<impl std::fmt::Debug + use<>> {
    Cli::try_parse_from(arguments).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn flags_take_truths_as_docker_s_do() {
        let read = |words: &[&str]| {
            let matches = with_truths(definition()).try_get_matches_from(words)?;
            Cli::from_arg_matches(&matches)
        };
        let cli = read(&["minidock", "ps", "--all=true", "--no-trunc=false", "-q"]).unwrap();
        let shown = format!("{:?}", cli.command);
        assert!(shown.contains("all: true") && shown.contains("no_trunc: false"), "{shown}");
        assert!(shown.contains("quiet: true"), "{shown}");
        assert!(read(&["minidock", "ps", "--all=maybe"]).is_err());
    }

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            match inner.has_subcommands() {
                true => leaves(inner, &path, found),
                false => found.push((path, inner.clone())),
            }
        }
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        let mut found = Vec::new();
        leaves(&definition(), "", &mut found);
        assert!(found.len() > 40, "{}", found.len());
        for (path, command) in found {
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                let said = argument.get_help().is_some() || argument.is_positional();
                assert!(said, "{path}: {}", argument.get_id());
            }
        }
    }

    #[test]
    fn help_has_a_line_for_each_flag() {
        let arguments = ["minidock", "run", "--help"];
        let help = definition().try_get_matches_from(arguments).unwrap_err().to_string();
        for line in [
            "Usage: minidock run [OPTIONS] IMAGE [COMMAND] [ARG...]",
            "  -d, --detach ",
            "      --rm ",
            "  -p, --publish <PORTS> ",
            "Global options:",
            "Examples:",
            "The exit status is that of the program; 125 when minidock failed",
        ] {
            assert!(help.contains(line), "{line}: {help}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}
