//! Dockerfiles that are wrong: the message, its line, its mark, and the advice.

use minidock_dockerfile::{BuildArgs, Dockerfile, ParseError};

fn error(text: &[u8]) -> ParseError {
    let result = Dockerfile::parse(text).and_then(|file| file.stages(&BuildArgs::default()));
    match result {
        Err(error) => error,
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(text)),
    }
}

#[test]
fn each_mistake_has_its_line_and_message() {
    let rows: &[(&str, usize, &str)] = &[
        ("", 1, "the Dockerfile has no instructions"),
        ("# only\n\n# comments\n", 3, "the Dockerfile has no instructions"),
        ("FROM a\nFORM b\n", 2, "unknown instruction: FORM (did you mean FROM?)"),
        ("FROM a\nRUN x\n  apt install\n", 3, "unknown instruction: apt"),
        ("# escape=x\nFROM a", 1, "invalid escape character: x"),
        ("# escape=`\n# escape=`\nFROM a", 2, "parser directive escape given twice"),
        ("# syntax=a\n# syntax=b\nFROM a", 2, "parser directive syntax given twice"),
        ("FROM a\n\0", 2, "NUL byte in this line"),
        ("FROM a\nRUN <<EOF\nx\n", 2, "heredoc EOF is not terminated"),
        ("FROM a\nRUN cat <<A <<B\nB\nA\n", 2, "heredoc B is not terminated"),
        ("FROM a\nRUN <<EOF\nx\n EOF\n", 2, "heredoc EOF is not terminated"),
        ("FROM a\nCOPY x <<EOF\nEOF\n", 2, "COPY: the destination cannot be a heredoc: <<EOF"),
        ("FROM a\nCOPY <<../x /\n../x\n", 2, "COPY: the heredoc name ../x cannot name a file"),
        ("FROM a\nRUN <<a/b\n#!/bin/sh\na/b\n", 2, "RUN: the heredoc name a/b cannot name a file"),
        ("FROM", 1, "FROM needs an image, a stage or scratch"),
        ("FROM a b", 1, "FROM: expected AS and a stage name, not: b"),
        ("FROM a AS", 1, "FROM: expected AS and a stage name, not: AS"),
        ("FROM a AS b c", 1, "FROM: one argument too many: c"),
        ("FROM a AS 1b", 1, "invalid stage name: 1b"),
        ("FROM a AS b/c", 1, "invalid stage name: b/c"),
        ("FROM --platfrom=x a", 1, "FROM: unknown flag --platfrom (did you mean --platform?)"),
        ("FROM --platform=x --platform=y a", 1, "FROM: flag --platform given twice"),
        ("FROM --platform a", 1, "FROM: flag --platform needs a value"),
        ("FROM a\nRUN", 2, "RUN needs a command"),
        ("FROM a\nRUN []", 2, "RUN needs a command"),
        (
            "FROM a\nRUN [\"a\", 1]",
            2,
            "RUN: the JSON array holds something that is not a string: [\"a\", 1]",
        ),
        (
            "FROM a\nCMD [\"\\ud800\"]",
            2,
            "CMD: the JSON array holds half of a surrogate pair: [\"\\ud800\"]",
        ),
        ("FROM a\nRUN --network=lan x", 2, "RUN: --network=lan: expected default, none or host"),
        ("FROM a\nRUN --security=x y", 2, "RUN: --security=x: expected sandbox or insecure"),
        (
            "FROM a\nRUN --mount=type=bind,tagret=/x y",
            2,
            "RUN --mount: unknown option tagret (did you mean target?)",
        ),
        (
            "FROM a\nRUN --mount=type=nfs,target=/x y",
            2,
            "RUN --mount: type=nfs: expected bind, cache, tmpfs, secret or ssh",
        ),
        (
            "FROM a\nRUN --mount=type=tmpfs,target=/x,id=3 y",
            2,
            "RUN --mount: type=tmpfs takes no option id",
        ),
        ("FROM a\nRUN --mount=target=/x,dst=/y z", 2, "RUN --mount: option target given twice"),
        (
            "FROM a\nRUN --mount=target=/x,rw=maybe z",
            2,
            "RUN --mount: readwrite=maybe: expected true or false",
        ),
        (
            "FROM a\nRUN --mount=target=/x,bind-propagation=shared z",
            2,
            "RUN --mount: unknown option bind-propagation",
        ),
        (
            "FROM a\nRUN --mount=from=$X,target=/x y",
            2,
            "RUN: variables are not expanded in from=$X",
        ),
        ("FROM a\nRUN --mount='x y", 2, "RUN: unterminated quote in a flag: --mount='x y"),
        ("FROM a\nCOPY x", 2, "COPY needs at least one source and a destination"),
        ("FROM a\nCOPY", 2, "COPY needs at least one source and a destination"),
        ("FROM a\nCOPY --link=yes a b", 2, "COPY: --link=yes: expected true or false"),
        ("FROM a\nCOPY --checksum=x a b", 2, "COPY: unknown flag --checksum"),
        ("FROM a\nCOPY --from=$X a b", 2, "COPY: variables are not expanded in from=$X"),
        ("FROM a\nADD --form=x a b", 2, "ADD: unknown flag --form"),
        ("FROM a\nENV", 2, "ENV needs NAME=VALUE"),
        ("FROM a\nENV x", 2, "ENV: no = in x"),
        ("FROM a\nENV a=1 b", 2, "ENV: no = in b"),
        ("FROM a\nENV =1", 2, "ENV: a name is empty: =1"),
        ("FROM a\nLABEL a=1 \"\"=2", 2, "LABEL: a name is empty: \"\"=2"),
        ("FROM a\nARG", 2, "ARG needs a name"),
        ("FROM a\nARG =x", 2, "ARG: a name is empty: =x"),
        ("FROM a\nWORKDIR", 2, "WORKDIR needs a path"),
        ("FROM a\nUSER", 2, "USER needs a user"),
        ("FROM a\nUSER --x y", 2, "USER: unknown flag --x"),
        ("FROM a\nSTOPSIGNAL", 2, "STOPSIGNAL needs a signal"),
        ("FROM a\nEXPOSE", 2, "EXPOSE needs a port"),
        ("FROM a\nEXPOSE 80 http", 2, "EXPOSE: http: a port is a number from 1 to 65535"),
        ("FROM a\nEXPOSE 8080:80", 2, "EXPOSE: 8080:80: an image cannot choose the host's port"),
        ("FROM a\nVOLUME", 2, "VOLUME needs paths that are not empty"),
        ("FROM a\nVOLUME [\"\"]", 2, "VOLUME needs paths that are not empty"),
        ("FROM a\nCMD", 2, "CMD needs a command"),
        ("FROM a\nENTRYPOINT", 2, "ENTRYPOINT needs a command"),
        ("FROM a\nSHELL", 2, "SHELL needs a program"),
        ("FROM a\nSHELL []", 2, "SHELL needs a program"),
        ("FROM a\nSHELL bash -c", 2, "SHELL takes a JSON array only, not: bash -c"),
        ("FROM a\nMAINTAINER", 2, "MAINTAINER needs a name"),
        ("FROM a\nHEALTHCHECK", 2, "HEALTHCHECK needs CMD and a command, or NONE"),
        ("FROM a\nHEALTHCHECK curl x", 2, "HEALTHCHECK: unknown type: curl"),
        ("FROM a\nHEALTHCHECK CMD", 2, "HEALTHCHECK needs a command after CMD"),
        ("FROM a\nHEALTHCHECK NONE x", 2, "HEALTHCHECK: one argument too many: x"),
        ("FROM a\nHEALTHCHECK --retries=1 NONE", 2, "HEALTHCHECK: one argument too many: NONE"),
        (
            "FROM a\nHEALTHCHECK --interval=5 CMD x",
            2,
            "HEALTHCHECK: --interval=5: a unit is missing",
        ),
        (
            "FROM a\nHEALTHCHECK --timeout=1us CMD x",
            2,
            "HEALTHCHECK: --timeout=1us: the shortest duration is 1ms",
        ),
        (
            "FROM a\nHEALTHCHECK --retries=-1 CMD x",
            2,
            "HEALTHCHECK: --retries=-1: expected a number from 0 to 2147483647",
        ),
        ("FROM a\nONBUILD", 2, "ONBUILD needs an instruction"),
        ("FROM a\nONBUILD ONBUILD RUN x", 2, "ONBUILD: ONBUILD cannot be a trigger"),
        ("FROM a\nONBUILD from x", 2, "ONBUILD: from cannot be a trigger"),
        ("FROM a\nONBUILD NOPE x", 2, "unknown instruction: NOPE"),
        ("FROM a\nONBUILD --x RUN y", 2, "ONBUILD: unknown flag --x"),
        ("RUN x\nFROM a", 1, "RUN before the first FROM"),
        ("ARG x\nARG y\n", 2, "no FROM in the Dockerfile"),
        ("ARG X\nFROM $X", 2, "FROM: the image name is empty: $X"),
        ("FROM ${X", 1, "${ without }"),
        ("ARG A=\"${B:?must be set}\"\nFROM a", 1, "B: must be set"),
        ("ARG A=${B:-x y}\nFROM a", 1, "${ without }"),
        ("FROM a AS x\nFROM b AS X", 2, "stage name x is already used in line 1"),
        ("FROM a AS x\nCOPY --from=x a b", 2, "COPY: from=x refers to its own stage"),
        ("FROM a\nCOPY --from=0 a b", 2, "COPY: from=0 refers to its own stage"),
        (
            "FROM a\nCOPY --from=y a b\nFROM b AS y",
            2,
            "COPY: from=y refers to a stage that begins later, in line 3",
        ),
        ("FROM a\nCOPY --from=7 a b", 2, "COPY: from=7: there is no stage with that number"),
        (
            "FROM a\nRUN --mount=from=1,target=/x y\nFROM b",
            2,
            "RUN: from=1 refers to a stage that begins later, in line 3",
        ),
        ("FROM a \\\n\n# c\n  AS \\\n  9x\n", 5, "invalid stage name: 9x"),
    ];
    for (text, line, message) in rows {
        let error = error(text.as_bytes());
        assert_eq!(error.kind().to_string(), *message, "{text:?}");
        assert_eq!(error.line(), Some(*line), "{text:?}");
        assert!(!error.hint().is_empty(), "{text:?}");
        let rendered = error.render("D");
        assert!(rendered.starts_with(&format!("D:{line}: {message}\n")), "{rendered}");
        assert!(rendered.ends_with(&format!("help: {}\n", error.hint())), "{rendered}");
    }
}

#[test]
fn not_utf8_names_line_and_byte() {
    let error = error(b"FROM a\nRUN \xff\n");
    assert_eq!(error.line(), Some(2));
    assert_eq!(error.kind().to_string(), "the file is not UTF-8: byte 0xff in this line");
    let utf16: Vec<u8> = "FROM a".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(Dockerfile::parse(&utf16).is_err());
}

#[test]
fn rendering_marks_the_fault() {
    let text = b"FROM a AS base\nRUN --network=none \\\n    --secruity=insecure \\\n    make\n";
    assert_eq!(
        error(text).render("app/Dockerfile"),
        "app/Dockerfile:3: RUN: unknown flag --secruity (did you mean --security?)\n  \
         2 | RUN --network=none \\\n  \
         3 |     --secruity=insecure \\\n  \
         \u{20} |       ^^^^^^^^\n  \
         4 |     make\n\
         help: RUN takes: --mount, --network, --security, --device\n"
    );
    assert_eq!(error(text).column(), Some(6..14));
}

#[test]
fn rendering_is_bounded_and_harmless() {
    let long = format!("FROM a\nCOPY --chown=1 {} --oops\u{1b}[31m\n", "x".repeat(100_000));
    let error = error(long.replace("--chown=1 ", "--chowm=1 ").as_bytes());
    let text = error.render("D");
    assert!(text.len() < 2_000, "{}", text.len());
    let text = self::error(b"FROM a\nENV \x1b[31mx\n");
    assert!(text.excerpt().iter().all(|line| !line.text.contains('\u{1b}')));
    let word = self::error(format!("{} x", "W".repeat(1_000_000)).as_bytes());
    assert!(word.to_string().len() < 500);
}
