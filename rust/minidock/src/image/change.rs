//! What a Dockerfile's instructions do to an image's settings, for builds, `import` and `commit`.
//!
//! Instructions come expanded. Those that make files or stages are not settings.

use std::time::Duration;

use minidock_dockerfile::{CommandLine, HealthTest, Kind, Pair};
use minidock_image::config::{Healthcheck, ImageConfig, ProcessConfig};

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::signal;

/// What shell forms are run with where the image says nothing (docker's default for Linux).
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// What is to be remembered from one instruction of a stage to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StageSettings {
    /// CMD was set in this stage: an ENTRYPOINT drops only one that was inherited.
    pub(crate) cmd_set: bool,
}

/// Applies an instruction, as the Dockerfile reference says
/// (<https://docs.docker.com/reference/dockerfile/>).
pub(crate) fn apply_instruction(
    config: &mut ImageConfig,
    kind: &Kind,
    stage: &mut StageSettings,
) -> Result<()> {
    let process = &mut config.config;
    match kind {
        Kind::Env(pairs) => pairs.iter().for_each(|pair| set_variable(&mut process.env, pair)),
        Kind::Label(pairs) => {
            for Pair { name, value } in pairs {
                process.labels.insert(name.clone(), value.clone());
            }
        }
        Kind::Workdir(path) => process.working_dir = joined(&process.working_dir, path),
        Kind::User(user) => process.user.clone_from(user),
        Kind::Volume(paths) => process.volumes.0.extend(paths.iter().cloned()),
        Kind::Cmd(command) => {
            process.cmd = Some(arguments(process, command));
            stage.cmd_set = true;
        }
        Kind::Entrypoint(command) => {
            process.entrypoint = Some(arguments(process, command));
            if !stage.cmd_set {
                process.cmd = None;
            }
        }
        Kind::Shell(shell) => process.shell.clone_from(shell),
        Kind::StopSignal(text) => {
            signal::parse(text)?;
            process.stop_signal.clone_from(text);
        }
        Kind::Expose(expose) => {
            let ranges = expose.ranges().map_err(|error| {
                let message = format!("EXPOSE {} is no port", quoted(&expose.ports.join(" ")));
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })?;
            process.exposed_ports.0.extend(ranges.iter().flat_map(|range| range.names()));
        }
        Kind::Healthcheck(check) => process.healthcheck = Some(healthcheck(check)),
        Kind::Onbuild(trigger) => process.on_build.push(trigger.expression.clone()),
        Kind::Maintainer(author) => config.author.clone_from(author),
        Kind::From(_) | Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Arg(_) => {
            let message = format!("{} is no setting of an image", kind.name());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
    }
    Ok(())
}

fn set_variable(env: &mut Vec<String>, pair: &Pair) {
    let entry = format!("{}={}", pair.name, pair.value);
    let same = |known: &&mut String| {
        known.split_once('=').map_or(known.as_str(), |(name, _)| name) == pair.name
    };
    match env.iter_mut().find(same) {
        Some(known) => *known = entry,
        None => env.push(entry),
    }
}

fn arguments(process: &ProcessConfig, command: &CommandLine) -> Vec<String> {
    match command {
        CommandLine::Exec(arguments) => arguments.clone(),
        CommandLine::Shell(line) => {
            let mut arguments = process.shell.clone();
            if arguments.is_empty() {
                arguments.extend(SHELL.map(str::to_owned));
            }
            arguments.push(line.clone());
            arguments
        }
    }
}

/// A relative WORKDIR counts from the one before it; `.` and `..` are taken out.
fn joined(before: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{before}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn healthcheck(check: &minidock_dockerfile::Healthcheck) -> Healthcheck {
    let test = match &check.test {
        HealthTest::None => vec!["NONE".to_owned()],
        HealthTest::Command(CommandLine::Shell(line)) => {
            vec!["CMD-SHELL".to_owned(), line.clone()]
        }
        HealthTest::Command(CommandLine::Exec(arguments)) => {
            std::iter::once("CMD".to_owned()).chain(arguments.iter().cloned()).collect()
        }
    };
    Healthcheck {
        test,
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        start_period: nanoseconds(check.start_period),
        start_interval: nanoseconds(check.start_interval),
        retries: check.retries.map_or(0, i64::from),
        ..Healthcheck::default()
    }
}

fn nanoseconds(time: Option<Duration>) -> i64 {
    time.map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use minidock_dockerfile::Dockerfile;

    use super::*;

    fn applied(text: &str) -> ProcessConfig {
        let mut config = ImageConfig::default();
        config.config.cmd = Some(vec!["inherited".to_owned()]);
        let mut stage = StageSettings::default();
        for instruction in Dockerfile::parse(text.as_bytes()).unwrap().instructions {
            apply_instruction(&mut config, &instruction.kind, &mut stage).unwrap();
        }
        config.config
    }

    fn words(list: &[&str]) -> Option<Vec<String>> {
        Some(list.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn commands() {
        for (text, entrypoint, cmd) in [
            ("USER 1", None, words(&["inherited"])),
            ("CMD a b", None, words(&["/bin/sh", "-c", "a b"])),
            ("CMD [\"a\",\"b\"]", None, words(&["a", "b"])),
            ("CMD []", None, words(&[])),
            ("ENTRYPOINT [\"e\"]", words(&["e"]), None),
            ("CMD [\"c\"]\nENTRYPOINT [\"e\"]", words(&["e"]), words(&["c"])),
            ("ENTRYPOINT [\"e\"]\nCMD [\"c\"]", words(&["e"]), words(&["c"])),
            (
                "SHELL [\"/bin/bash\",\"-ec\"]\nENTRYPOINT x",
                words(&["/bin/bash", "-ec", "x"]),
                None,
            ),
        ] {
            let process = applied(text);
            assert_eq!((process.entrypoint, process.cmd), (entrypoint, cmd), "{text}");
        }
    }

    #[test]
    fn working_directories() {
        for (text, want) in [
            ("WORKDIR a", "/a"),
            ("WORKDIR /a\nWORKDIR b", "/a/b"),
            ("WORKDIR /a/\nWORKDIR ../c/.//d", "/c/d"),
            ("WORKDIR ../..", "/"),
            ("WORKDIR /", "/"),
        ] {
            assert_eq!(applied(text).working_dir, want, "{text}");
        }
    }

    #[test]
    fn the_rest() {
        let process = applied(
            "ENV A=1 B=2\nENV A=3\nEXPOSE 80 8000-8001/udp\nVOLUME /v\nLABEL a=b\n\
             STOPSIGNAL SIGINT\nONBUILD RUN x\nHEALTHCHECK --interval=5s --retries=2 CMD up",
        );
        assert_eq!(process.env, ["A=3", "B=2"]);
        let ports: Vec<&str> = process.exposed_ports.0.iter().map(String::as_str).collect();
        assert_eq!(ports, ["80/tcp", "8000/udp", "8001/udp"]);
        assert!(process.volumes.0.contains("/v") && process.labels["a"] == "b");
        assert_eq!((process.stop_signal.as_str(), process.on_build.len()), ("SIGINT", 1));
        let check = process.healthcheck.unwrap();
        assert_eq!(check.test, ["CMD-SHELL", "up"]);
        assert_eq!((check.interval, check.retries), (5_000_000_000, 2));
        assert_eq!(applied("HEALTHCHECK NONE").healthcheck.unwrap().test, ["NONE"]);
    }

    #[test]
    fn files_are_no_settings() {
        let mut config = ImageConfig::default();
        for text in ["RUN x", "COPY a b", "FROM x", "ARG a"] {
            let parsed = Dockerfile::parse(text.as_bytes()).unwrap();
            let kind = &parsed.instructions[0].kind;
            let applied = apply_instruction(&mut config, kind, &mut StageSettings::default());
            assert!(applied.is_err(), "{text}");
        }
        let parsed = Dockerfile::parse(b"STOPSIGNAL SIGNOPE").unwrap();
        let kind = &parsed.instructions[0].kind;
        assert!(apply_instruction(&mut config, kind, &mut StageSettings::default()).is_err());
    }
}
