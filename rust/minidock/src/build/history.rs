//! The lines of an image's history, as docker's BuildKit front end writes them.

use minidock_dockerfile::{Add, Copy, CopySource, Kind, Pair};
use minidock_image::config::ImageConfig;

/// Ends the lines of steps that made files.
const MARK: &str = " # buildkit";

/// RUN: the arguments in force, counted, then the command with its shell.
pub(crate) fn run(arguments: &[(String, String)], command: &[String]) -> String {
    let mut line = String::from("RUN ");
    if !arguments.is_empty() {
        line.push_str(&format!("|{} ", arguments.len()));
        for (name, value) in arguments {
            line.push_str(&format!("{name}={value} "));
        }
    }
    line + &command.join(" ") + MARK
}

/// COPY.
pub(crate) fn copy(copy: &Copy) -> String {
    files("COPY", &copy.sources, &copy.dest)
}

/// ADD.
pub(crate) fn add(add: &Add) -> String {
    files("ADD", &add.sources, &add.dest)
}

fn files(name: &str, sources: &[CopySource], dest: &str) -> String {
    let mut line = name.to_owned();
    for source in sources {
        match source {
            CopySource::Path(path) => line.push_str(&format!(" {path}")),
            CopySource::Heredoc(heredoc) => line.push_str(&format!(" <<{}", heredoc.name)),
        }
    }
    format!("{line} {dest}{MARK}")
}

/// ARG.
pub(crate) fn arg(values: &[(String, Option<String>)]) -> String {
    let mut line = String::from("ARG");
    for (name, value) in values {
        match value {
            Some(value) => line.push_str(&format!(" {name}={value}")),
            None => line.push_str(&format!(" {name}")),
        }
    }
    line
}

/// An instruction that only changes settings; `config` has them applied.
pub(crate) fn setting(kind: &Kind, original: &str, config: &ImageConfig) -> String {
    let process = &config.config;
    match kind {
        Kind::Env(pairs) => listed("ENV", pairs),
        Kind::Label(pairs) => listed("LABEL", pairs),
        Kind::Cmd(_) => words("CMD", process.cmd.as_deref()),
        Kind::Entrypoint(_) => words("ENTRYPOINT", process.entrypoint.as_deref()),
        Kind::Expose(expose) => {
            let ranges = expose.ranges().unwrap_or_default();
            let mut ports: Vec<String> =
                ranges.into_iter().flat_map(|range| range.names()).collect();
            ports.sort();
            ports.dedup();
            let ports: Vec<String> = ports.iter().map(|port| format!("{port}:{{}}")).collect();
            format!("EXPOSE map[{}]", ports.join(" "))
        }
        Kind::Shell(words) => format!("SHELL [{}]", words.join(" ")),
        Kind::Volume(paths) => format!("VOLUME [{}]", paths.join(" ")),
        Kind::User(user) => format!("USER {user}"),
        Kind::StopSignal(signal) => format!("STOPSIGNAL {signal}"),
        Kind::Workdir(_) => format!("WORKDIR {}", process.working_dir),
        Kind::Maintainer(author) => format!("MAINTAINER {author}"),
        _ => one_line(original),
    }
}

fn listed(name: &str, pairs: &[Pair]) -> String {
    pairs.iter().fold(name.to_owned(), |line, pair| format!("{line} {}={}", pair.name, pair.value))
}

fn words(name: &str, list: Option<&[String]>) -> String {
    let words: Vec<String> =
        list.unwrap_or_default().iter().map(|word| format!("{word:?}")).collect();
    format!("{name} [{}]", words.join(" "))
}

/// An instruction as it is shown while it runs.
pub(crate) fn one_line(original: &str) -> String {
    original.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use minidock_dockerfile::Dockerfile;

    use super::*;
    use crate::image::{StageSettings, apply_instruction};

    #[test]
    fn settings() {
        for (text, line) in [
            ("ENV A=1 B=\"2 3\"", "ENV A=1 B=\"2 3\""),
            ("LABEL a=b", "LABEL a=b"),
            ("CMD echo hi", "CMD [\"/bin/sh\" \"-c\" \"echo hi\"]"),
            ("CMD [\"a\", \"b c\"]", "CMD [\"a\" \"b c\"]"),
            ("ENTRYPOINT [\"/e\"]", "ENTRYPOINT [\"/e\"]"),
            ("EXPOSE 80 53/udp 80", "EXPOSE map[53/udp:{} 80/tcp:{}]"),
            ("SHELL [\"/bin/bash\", \"-c\"]", "SHELL [/bin/bash -c]"),
            ("VOLUME /a /b", "VOLUME [/a /b]"),
            ("USER app", "USER app"),
            ("STOPSIGNAL SIGQUIT", "STOPSIGNAL SIGQUIT"),
            ("WORKDIR app", "WORKDIR /app"),
            ("MAINTAINER me", "MAINTAINER me"),
            ("HEALTHCHECK   CMD up", "HEALTHCHECK CMD up"),
            ("ONBUILD RUN x", "ONBUILD RUN x"),
        ] {
            let file = Dockerfile::parse(text.as_bytes()).unwrap();
            let instruction = &file.instructions[0];
            let mut config = ImageConfig::default();
            apply_instruction(&mut config, &instruction.kind, &mut StageSettings::default())
                .unwrap();
            assert_eq!(setting(&instruction.kind, &instruction.original, &config), line);
        }
    }

    #[test]
    fn files_and_commands() {
        for (text, line) in [
            ("COPY . /app", "COPY . /app # buildkit"),
            ("COPY --from=x --chown=1 a b /c/", "COPY a b /c/ # buildkit"),
            ("COPY <<EOF /x\nEOF", "COPY <<EOF /x # buildkit"),
            ("ADD a.tar /", "ADD a.tar / # buildkit"),
        ] {
            let file = Dockerfile::parse(text.as_bytes()).unwrap();
            let made = match &file.instructions[0].kind {
                Kind::Copy(instruction) => copy(instruction),
                Kind::Add(instruction) => add(instruction),
                _ => unreachable!(),
            };
            assert_eq!(made, line);
        }
        let command = ["/bin/sh", "-c", "make"].map(str::to_owned);
        assert_eq!(run(&[], &command), "RUN /bin/sh -c make # buildkit");
        let arguments = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())];
        assert_eq!(run(&arguments, &command), "RUN |2 A=1 B= /bin/sh -c make # buildkit");
        assert_eq!(arg(&[("A".into(), Some("1".into())), ("B".into(), None)]), "ARG A=1 B");
    }
}
