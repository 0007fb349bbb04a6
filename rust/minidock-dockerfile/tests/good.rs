//! Dockerfiles that are right: what each instruction becomes, and where it stands.

use std::time::Duration;

use minidock_dockerfile::{
    Add, CommandLine, CopySource, Dockerfile, Escape, HealthTest, Instruction, Kind, RunNetwork,
    RunPayload, RunSecurity, WarningKind,
};

fn parse(text: &str) -> Dockerfile {
    match Dockerfile::parse(text.as_bytes()) {
        Ok(file) => file,
        Err(error) => panic!("{}\nin {text}", error.render("Dockerfile")),
    }
}

/// The one instruction of a text.
fn one(text: &str) -> Instruction {
    let mut file = parse(text);
    assert_eq!(file.instructions.len(), 1, "{text}");
    file.instructions.remove(0)
}

fn shell(text: &str) -> CommandLine {
    CommandLine::Shell(text.into())
}

fn exec(list: &[&str]) -> CommandLine {
    CommandLine::Exec(list.iter().map(|s| s.to_string()).collect())
}

#[test]
fn lines_and_continuation() {
    for (text, want, span) in [
        ("RUN a", "a", (1, 1)),
        ("RUN a\n", "a", (1, 1)),
        ("run a\r\n", "a", (1, 1)),
        ("\u{feff}RUN a\n", "a", (1, 1)),
        ("\n# c\n  RUN a\n", "a", (3, 3)),
        ("RUN a \\\n  b\n", "a   b", (1, 2)),
        ("RUN a \\\r\n  b\r\n", "a   b", (1, 2)),
        ("RUN a \\  \t\n b", "a  b", (1, 2)),
        ("RUN a \\\n# gone\n   # gone\n b", "a  b", (1, 4)),
        ("RUN a \\\n\n\n b", "a  b", (1, 4)),
        ("RUN a \\\n", "a", (1, 1)),
        ("RUN a \\", "a", (1, 1)),
        ("RUN a \\\\\n", "a \\\\", (1, 1)),
        ("RUN echo # not a comment", "echo # not a comment", (1, 1)),
        ("\\\nRUN a", "a", (1, 2)),
        ("# escape=`\nRUN a `\n b\\\n", "a  b\\", (2, 3)),
        ("RUN\ta", "a", (1, 1)),
    ] {
        let got = one(text);
        let Kind::Run(run) = &got.kind else { panic!("{text:?}") };
        assert_eq!(run.command, shell(want), "{text:?}");
        assert_eq!((got.span.start_line, got.span.end_line), span, "{text:?}");
    }
}

#[test]
fn directives_are_recorded_only_at_the_top() {
    let file = parse("# syntax=docker/dockerfile:1\n# ESCAPE = `\n#check=skip=all\nRUN a");
    assert_eq!(file.directives.syntax.as_deref(), Some("docker/dockerfile:1"));
    assert_eq!(file.directives.check.as_deref(), Some("skip=all"));
    assert_eq!(file.escape(), Escape::Backtick);
    for late in ["# a comment\n# escape=`\nRUN a", "\n# escape=`\nRUN a", "RUN a\n# escape=`\n"] {
        assert_eq!(parse(late).escape(), Escape::Backslash, "{late:?}");
    }
}

#[test]
fn commands_have_two_forms() {
    for (text, want) in [
        ("CMD a b", shell("a b")),
        (r#"CMD ["a", "b c"]"#, exec(&["a", "b c"])),
        ("CMD []", exec(&[])),
        ("CMD ['a']", shell("['a']")),
        ("CMD [ -f /x ]", shell("[ -f /x ]")),
        ("CMD -- --x", shell("--x")),
    ] {
        let Kind::Cmd(got) = one(text).kind else { panic!("{text}") };
        assert_eq!(got, want, "{text}");
    }
    let Kind::Entrypoint(got) = one(r#"ENTRYPOINT ["/init"]"#).kind else { panic!() };
    assert_eq!(got, exec(&["/init"]));
    let Kind::Shell(got) = one(r#"SHELL ["/bin/bash", "-c"]"#).kind else { panic!() };
    assert_eq!(got, ["/bin/bash", "-c"]);
}

#[test]
fn warnings_name_their_line() {
    let file = parse("MAINTAINER me\nRUN a \\\n\n b\nCMD ['x']\nENV A b\nLABEL a=b\n");
    let got: Vec<_> = file.warnings.iter().map(|w| (w.line, w.kind)).collect();
    assert_eq!(
        got,
        [
            (1, WarningKind::Maintainer),
            (3, WarningKind::EmptyContinuation),
            (5, WarningKind::BrokenJson),
            (6, WarningKind::OldPairForm),
        ]
    );
}

#[test]
fn from_forms() {
    for (text, image, name, platform) in [
        ("FROM debian:12", "debian:12", None, None),
        ("from scratch as Base", "scratch", Some("base"), None),
        (
            "FROM --platform=$BUILDPLATFORM x:$T AS b-1.x_y",
            "x:$T",
            Some("b-1.x_y"),
            Some("$BUILDPLATFORM"),
        ),
    ] {
        let Kind::From(from) = one(text).kind else { panic!("{text}") };
        assert_eq!(from.image, image);
        assert_eq!(from.name.as_deref(), name);
        assert_eq!(from.platform.as_deref(), platform);
    }
}

#[test]
fn run_flags_are_typed() {
    let text = "RUN --mount=type=cache,dst=/c,id=x,sharing=locked --mount=src=a,target=/b,rw \
                --network=none --security=insecure --device=gpu make";
    let Kind::Run(run) = one(text).kind else { panic!() };
    assert_eq!(run.network, Some(RunNetwork::None));
    assert_eq!(run.security, Some(RunSecurity::Insecure));
    assert_eq!(run.devices, ["gpu"]);
    assert_eq!(run.command, shell("make"));
    let [cache, bind] = run.mounts.as_slice() else { panic!() };
    assert_eq!(
        (cache.kind(), cache.get("target"), cache.get("sharing")),
        ("cache", Some("/c"), Some("locked"))
    );
    assert_eq!(
        (bind.kind(), bind.get("source"), bind.switch("readwrite")),
        ("bind", Some("a"), Some(true))
    );
}

#[test]
fn run_heredocs() {
    for (text, lines, want) in [
        ("RUN <<EOF\na\nb\nEOF\n", (1, 4), RunPayload::Shell("a\nb\n".into())),
        ("RUN <<EOF\r\na\r\nEOF\r\n", (1, 3), RunPayload::Shell("a\r\n".into())),
        ("RUN <<-EOF\n\ta\n\t\tb\n\tEOF", (1, 4), RunPayload::Shell("a\nb\n".into())),
        (
            "RUN <<'EOF'\n#!/usr/bin/python3\nprint(1)\nEOF",
            (1, 4),
            RunPayload::Script {
                name: "EOF".into(),
                content: "#!/usr/bin/python3\nprint(1)\n".into(),
            },
        ),
        (
            "RUN cat <<A <<B\n1\nA\n2\nB",
            (1, 5),
            RunPayload::Shell("cat <<A <<B\n1\nA\n2\nB".into()),
        ),
        ("RUN echo '<<EOF'", (1, 1), RunPayload::Shell("echo '<<EOF'".into())),
        ("RUN cat <<<here", (1, 1), RunPayload::Shell("cat <<<here".into())),
        (r#"RUN ["cat", "<<EOF"]"#, (1, 1), RunPayload::Exec(vec!["cat".into(), "<<EOF".into()])),
        (
            "RUN <<EOF\n# kept\nRUN x \\\nEOF",
            (1, 4),
            RunPayload::Shell("# kept\nRUN x \\\n".into()),
        ),
        ("RUN <<EOF\nEOF", (1, 2), RunPayload::Shell(String::new())),
    ] {
        let got = one(text);
        let Kind::Run(run) = &got.kind else { panic!("{text:?}") };
        assert_eq!(run.payload(), want, "{text:?}");
        assert_eq!((got.span.start_line, got.span.end_line), lines, "{text:?}");
    }
}

#[test]
fn copy_and_add() {
    let text =
        "COPY --from=0 --chown=1:2 --chmod=755 --link --parents --exclude=*.o --exclude=x a b /c/";
    let Kind::Copy(copy) = one(text).kind else { panic!() };
    assert_eq!(copy.from.as_deref(), Some("0"));
    assert_eq!((copy.chown.as_deref(), copy.chmod.as_deref()), (Some("1:2"), Some("755")));
    assert!(copy.link && copy.parents);
    assert_eq!(copy.exclude, ["*.o", "x"]);
    assert_eq!(copy.sources, [CopySource::Path("a".into()), CopySource::Path("b".into())]);
    assert_eq!(copy.dest, "/c/");

    let Kind::Copy(copy) = one(r#"COPY ["a b", "c"]"#).kind else { panic!() };
    assert_eq!((copy.sources, copy.dest.as_str()), (vec![CopySource::Path("a b".into())], "c"));

    let text = "ADD --checksum=sha256:0 --keep-git-dir=false --unpack https://x/y.tgz /y";
    let Kind::Add(Add { checksum, keep_git_dir, unpack, .. }) = one(text).kind else { panic!() };
    assert_eq!(
        (checksum.as_deref(), keep_git_dir, unpack),
        (Some("sha256:0"), Some(false), Some(true))
    );
}

#[test]
fn copy_heredocs_are_sources_in_order() {
    let file = parse("COPY <<one b <<-'two' /d/\n$X\none\n\t$X\ntwo\nRUN y\n");
    let Kind::Copy(copy) = &file.instructions[0].kind else { panic!() };
    let [CopySource::Heredoc(first), CopySource::Path(path), CopySource::Heredoc(second)] =
        copy.sources.as_slice()
    else {
        panic!("{:?}", copy.sources)
    };
    assert_eq!((first.name.as_str(), first.content.as_str(), first.expand), ("one", "$X\n", true));
    assert_eq!(path, "b");
    assert_eq!(
        (second.name.as_str(), second.body().as_str(), second.expand),
        ("two", "$X\n", false)
    );
    assert_eq!(file.instructions[1].span.start_line, 6);
}

#[test]
fn pairs_args_and_strings() {
    let pairs = |text: &str| match one(text).kind {
        Kind::Env(pairs) | Kind::Label(pairs) => {
            pairs.into_iter().map(|p| (p.name, p.value)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let own = |list: &[(&str, &str)]| {
        list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>()
    };
    for (text, want) in [
        (
            "ENV a=1 b=\"x y\" c=x\\ y d=",
            own(&[("a", "1"), ("b", "\"x y\""), ("c", "x\\ y"), ("d", "")]),
        ),
        ("ENV a  b  c", own(&[("a", "b  c")])),
        ("LABEL \"x y\"=1 z='=='", own(&[("\"x y\"", "1"), ("z", "'=='")])),
    ] {
        assert_eq!(pairs(text), want, "{text}");
    }
    let Kind::Arg(arg) = one("ARG a b= c=\"x y\"").kind else { panic!() };
    let got: Vec<_> = arg.vars.iter().map(|v| (v.name.as_str(), v.default.as_deref())).collect();
    assert_eq!(got, [("a", None), ("b", Some("")), ("c", Some("\"x y\""))]);
    assert_eq!(one("WORKDIR /a b").kind, Kind::Workdir("/a b".into()));
    assert_eq!(one("USER 1:2").kind, Kind::User("1:2".into()));
    assert_eq!(one("STOPSIGNAL SIGINT").kind, Kind::StopSignal("SIGINT".into()));
    assert_eq!(one("VOLUME /a /b").kind, Kind::Volume(vec!["/a".into(), "/b".into()]));
    assert_eq!(one(r#"VOLUME ["/a b"]"#).kind, Kind::Volume(vec!["/a b".into()]));
    let Kind::Expose(expose) = one("EXPOSE 80 53/udp 1-3").kind else { panic!() };
    assert_eq!(expose.ranges().unwrap().len(), 3);
}

#[test]
fn health_checks() {
    let Kind::Healthcheck(check) = one("HEALTHCHECK NONE").kind else { panic!() };
    assert_eq!(check.test, HealthTest::None);
    let text = "HEALTHCHECK --interval=5m --timeout=3s --start-period=0s --start-interval=500ms \
                --retries=2 CMD curl -f localhost || exit 1";
    let Kind::Healthcheck(check) = one(text).kind else { panic!() };
    assert_eq!(check.test, HealthTest::Command(shell("curl -f localhost || exit 1")));
    assert_eq!(check.interval, Some(Duration::from_secs(300)));
    assert_eq!(check.timeout, Some(Duration::from_secs(3)));
    assert_eq!((check.start_period, check.retries), (None, Some(2)));
    assert_eq!(check.start_interval, Some(Duration::from_millis(500)));
    let Kind::Healthcheck(check) = one(r#"HEALTHCHECK CMD ["a"]"#).kind else { panic!() };
    assert_eq!(check.test, HealthTest::Command(exec(&["a"])));
}

#[test]
fn triggers_read_back() {
    for (text, expression) in [
        ("ONBUILD RUN make", "RUN make"),
        ("onbuild copy . /x", "copy . /x"),
        ("ONBUILD RUN <<EOF\na\nEOF\n", "RUN <<EOF\na\nEOF"),
    ] {
        let Kind::Onbuild(onbuild) = one(text).kind else { panic!("{text}") };
        assert_eq!(onbuild.expression, expression);
        let again = Instruction::parse_trigger(&onbuild.expression).unwrap();
        assert_eq!(again.kind, onbuild.instruction.kind, "{text}");
    }
    for bad in ["", "ONBUILD RUN x", "FROM a", "RUN a\nRUN b", "NOPE"] {
        assert!(Instruction::parse_trigger(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_failure_of_the_engine_is_shown_like_a_mistake() {
    let got = one("# c\nCOPY --parents \\\n  a /b\n");
    assert_eq!(
        got.render_failure(
            "D",
            &"COPY: --parents is not supported",
            Some("--parents"),
            "copy the directory"
        ),
        "D:2: COPY: --parents is not supported\n  2 | COPY --parents \\\n    |      ^^^^^^^^^\n  \
         3 |   a /b\nhelp: copy the directory\n"
    );
}

#[test]
fn original_is_the_logical_line_and_source_the_physical_ones() {
    let got = one("RUN a \\\n # c\n b <<E\nx\nE\n");
    assert_eq!(got.original, "RUN a  b <<E");
    assert_eq!(got.source, "RUN a \\\n # c\n b <<E\nx\nE");
}
