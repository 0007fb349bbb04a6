//! The instructions of a Dockerfile, each seen in the image it makes, and mistakes told at their
//! place.

use minidock_tests::{Busybox, Call};

/// Builds `text` and runs a command of the result.
#[track_caller]
fn seen(busybox: &Busybox, text: &str, script: &str) -> String {
    busybox.build(text).succeeds();
    let run = busybox.run(["run", "--rm", "--network", "none", "built", "sh", "-c", script]);
    run.succeeds().stdout.clone()
}

#[test]
fn stages() {
    let busybox = Busybox::new();
    busybox.write("context/source", "code\n");
    let text = "FROM busybox AS build\nCOPY source /src\nRUN tr a-z A-Z < /src > /out\n\
                FROM busybox AS test\nRUN exit 1\n\
                FROM build AS extra\nRUN echo more >> /out\n\
                FROM busybox\nCOPY --from=build /out /first\nCOPY --from=2 /out /second\n";
    assert_eq!(seen(&busybox, text, "cat /first /second; test ! -e /out"), "CODE\nCODE\nmore\n");
}

#[test]
fn one_stage_can_be_asked_for() {
    let busybox = Busybox::new();
    let text =
        "FROM busybox AS one\nRUN echo one > /which\nFROM one AS two\nRUN echo two > /which\n";
    busybox.write("context/x", "");
    let built = busybox.build_with(text, &["--target", "one"]);
    built.succeeds();
    assert!(!built.stderr.contains("echo two"), "{}", built.told());
    assert_eq!(
        busybox.run(["run", "--rm", "--network", "none", "built", "cat", "/which"]).line(),
        "one"
    );
    busybox.build_with(text, &["--target", "three"]).exits(1).stderr_has("three");
    let copy = "FROM scratch\nCOPY --from=busybox /etc/passwd /p\nCOPY --from=busybox /bin/busybox /busybox\n";
    busybox.build(copy).succeeds();
    busybox
        .run(["run", "--rm", "--network", "none", "built", "/busybox", "cat", "/p"])
        .succeeds()
        .stdout_has("root");
}

#[test]
fn arguments_and_variables() {
    let busybox = Busybox::new();
    busybox.write("context/x", "");
    let text = "ARG BASE=nothing\nFROM ${BASE}\nARG A=default\nARG B\nENV C=${A}-${B:-none} D=$C\n\
                RUN echo \"$A $B\" > /args\n";
    let flags = ["--build-arg", "BASE=busybox", "--build-arg", "B=given"];
    busybox.build_with(text, &flags).succeeds();
    let run = |script: &str| {
        busybox
            .run(["run", "--rm", "--network", "none", "built", "sh", "-c", script])
            .succeeds()
            .stdout
            .clone()
    };
    assert_eq!(run("cat /args; echo $C; echo \"[$A$B$D]\""), "default given\ndefault-given\n[]\n");
    let unused = busybox.build_with(text, &["--build-arg", "BASE=busybox", "--build-arg", "ZZZ=1"]);
    unused.succeeds().stderr_has("ZZZ");
    busybox.build(text).exits(1).stderr_has("nothing");
}

#[test]
fn files() {
    let busybox = Busybox::new();
    busybox.write("context/a", "a\n");
    busybox.write("context/dir/b", "b\n");
    busybox.write("context/dir/secret.key", "s\n");
    busybox.write("context/dir/keep.key", "k\n");
    busybox.write("context/.dockerignore", "**/*.key\n!dir/keep.key\n");
    busybox.write("inner/in/side", "packed\n");
    let tar = busybox.dir().join("context/packed.tar.gz");
    let pack = Call::new("tar").args(["-czf".as_ref(), tar.as_os_str(), "-C".as_ref()]);
    pack.args([busybox.dir().join("inner").as_os_str(), "in".as_ref()]).run().succeeds();
    let text = "FROM busybox\nWORKDIR /w/sub\nCOPY a .\nCOPY dir ../dir/\nCOPY a dir/b /many/\n\
                COPY --chown=7:8 --chmod=640 a /owned\nCOPY --chown=user a /named\n\
                ADD packed.tar.gz /unpacked\nCOPY packed.tar.gz /\nCOPY [\"a\", \"/with space\"]\nCOPY d*r/b /glob\n";
    let script = "cat a ../dir/b /many/a /many/b '/with space' /glob /unpacked/in/side; ls /w/dir; \
                  stat -c '%u:%g %a' /owned /named; test -f /packed.tar.gz && pwd";
    let expected = "a\nb\na\nb\na\nb\npacked\nb\nkeep.key\n7:8 640\n1000:1000 644\n/w/sub\n";
    assert_eq!(seen(&busybox, text, script), expected);
    for (line, word) in [
        ("COPY absent /x", "absent"),
        ("COPY ../outside /x", "outside"),
        ("COPY dir/secret.key /x", "secret.key"),
        ("COPY a dir/b /not-a-directory", "not-a-directory"),
        ("COPY --chown=nobody-here a /x", "nobody-here"),
    ] {
        let failed = busybox.build(&format!("FROM busybox\n{line}\n"));
        failed.exits(1).stderr_has(word).stderr_has("Dockerfile:2");
    }
}

/// Directories that a copy makes are filled in another way than those that were there.
#[test]
fn files_into_new_and_old_directories() {
    let busybox = Busybox::new();
    for name in ["context/files/f", "context/files/d/g", "archive/old/a", "archive/new/c"] {
        busybox.write(name, "x");
    }
    let archive = busybox.dir().join("archive");
    for (from, to) in [("old/a", "new/b"), ("new/c", "old/d")] {
        std::fs::hard_link(archive.join(from), archive.join(to)).expect("a hard link");
    }
    let tar = busybox.dir().join("context/a.tar");
    let pack = Call::new("tar").args(["-cf".as_ref(), tar.as_os_str(), "-C".as_ref()]);
    pack.args([archive]).args(["old/a", "new/b", "new/c", "old/d"]).run().succeeds();
    let text = "FROM busybox\nRUN mkdir -p /shared /dst/old && echo x > /dst/old/d && \
                chgrp 50 /shared && chmod 2775 /shared\n\
                COPY files /shared\nCOPY --chown=3:4 files/f /shared/e/\nADD a.tar /dst/\n";
    let script = "cd /shared; stat -c '%n %u:%g %a' . f d d/g e e/f; \
                  cd /dst; stat -c '%n %h' old/a new/b new/c old/d";
    let expected = ". 0:50 2775\nf 0:0 644\nd 0:0 755\nd/g 0:0 644\ne 3:4 755\ne/f 3:4 644\n\
                    old/a 2\nnew/b 2\nnew/c 2\nold/d 2\n";
    assert_eq!(seen(&busybox, text, script), expected);
    busybox.run(["system", "check"]).succeeds();
}

#[test]
fn heredocs_and_shells() {
    let busybox = Busybox::new();
    busybox.write("context/x", "");
    let text = "FROM busybox\nARG WHO=you\nRUN <<EOF\nset -e\necho one > /lines\necho two >> /lines\nEOF\n\
                COPY <<FILE <<\"RAW\" /etc/\nhello $WHO\nFILE\nraw $WHO\nRAW\n\
                SHELL [\"/bin/busybox\", \"awk\"]\nRUN BEGIN { print \"by awk\" > \"/awk\" }\n";
    let text = text
        .replace("SHELL [\"/bin/busybox\", \"awk\"]", "SHELL [\"/bin/busybox\", \"awk\", \"--\"]");
    busybox.build(&text).succeeds();
    let run = busybox.run([
        "run",
        "--rm",
        "--network",
        "none",
        "built",
        "cat",
        "/lines",
        "/etc/FILE",
        "/etc/RAW",
        "/awk",
    ]);
    assert_eq!(run.succeeds().stdout, "one\ntwo\nhello you\nraw $WHO\nby awk\n");
}

#[test]
fn settings() {
    let busybox = Busybox::new();
    busybox.write("context/x", "");
    let text = "FROM busybox\nENV A=1\nUSER user\nWORKDIR /home\nVOLUME [\"/v\"]\nEXPOSE 80 53/udp\n\
                STOPSIGNAL SIGUSR1\nLABEL k=v\nENTRYPOINT [\"echo\"]\nCMD [\"x\"]\n\
                HEALTHCHECK --interval=5s CMD true\nONBUILD RUN echo child > /tmp/child\n";
    busybox.build(text).succeeds();
    for (template, expected) in [
        ("{{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}}", "user /home SIGUSR1"),
        ("{{json .Config.Volumes}}", "{\"/v\":{}}"),
        ("{{json .Config.ExposedPorts}}", "{\"53/udp\":{},\"80/tcp\":{}}"),
        ("{{json .Config.Labels}}", "{\"k\":\"v\"}"),
        ("{{json .Config.Entrypoint}} {{json .Config.Cmd}}", "[\"echo\"] [\"x\"]"),
        ("{{json .Config.Healthcheck.Test}}", "[\"CMD-SHELL\",\"true\"]"),
        ("{{json .Config.OnBuild}}", "[\"RUN echo child > /tmp/child\"]"),
    ] {
        assert_eq!(busybox.inspect("built", template), expected, "{template}");
    }
    let run = busybox.run(["run", "--rm", "--network", "none", "built"]);
    assert_eq!(run.succeeds().stdout, "x\n");
    assert!(
        run.stderr.to_lowercase().contains("health"),
        "it says that checks are not run: {}",
        run.told()
    );
    busybox.run(["tag", "built", "parent"]).succeeds();
    busybox.build("FROM parent\nENTRYPOINT []\n").succeeds();
    let child = busybox.run(["run", "--rm", "--network", "none", "built", "cat", "/tmp/child"]);
    assert_eq!(child.succeeds().stdout, "child\n");
}

#[test]
fn a_command_that_fails_shows_its_output_status_and_a_way_in() {
    let busybox = Busybox::new();
    let text =
        "FROM busybox\nRUN echo kept > /kept\nRUN echo said it && echo aside >&2 && exit 3\n";
    let failed = busybox.build(text);
    failed
        .exits(1)
        .stderr_has("said it")
        .stderr_has("aside")
        .stderr_has("Dockerfile:3")
        .stderr_has("3");
    let hint = failed.stderr.lines().find(|line| line.contains("minidock run")).expect("a way in");
    // The advice works as it stands.
    let at = hint.find("minidock run").unwrap();
    let line = hint[at..].split('`').next().unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).filter(|word| *word != "-it").collect();
    let words: Vec<&str> =
        words.into_iter().map(|word| if word == "-ti" { "-i" } else { word }).collect();
    let shell = busybox.call(words).args(["-c", "cat /kept"]).run();
    assert_eq!(shell.succeeds().stdout, "kept\n", "{}", failed.told());
    assert_eq!(busybox.run(["images", "-q", "built"]).succeeds().stdout, "");
}

#[test]
fn mistakes_are_told_by_file_and_line() {
    let busybox = Busybox::new();
    busybox.write("context/x", "");
    for (text, line, word) in [
        ("FROM busybox\nRUM true\n", 2, "RUM"),
        ("FROM busybox\n\n\nCOPY --nope=1 a b\n", 4, "nope"),
        ("RUN true\n", 1, "FROM"),
        ("FROM busybox\nCOPY --link x /x\n", 2, "COPY --link is not supported"),
        ("FROM busybox\nADD https://example.org/x /\n", 2, "not supported"),
        ("FROM busybox\nRUN --mount=type=secret,id=x true\n", 2, "not supported"),
        ("FROM --platform=plan9/mips busybox\n", 1, "plan9/mips"),
        ("FROM no-such-image-here\n", 1, "no-such-image-here"),
        ("FROM busybox\nEXPOSE lots\n", 2, "lots"),
        ("FROM busybox\nSTOPSIGNAL SIGNOPE\n", 2, "SIGNOPE"),
        ("FROM busybox\nUSER nobody-of-that-name\nRUN true\n", 3, "nobody-of-that-name"),
        ("FROM busybox\nSHELL /bin/sh\n", 2, "SHELL"),
    ] {
        let failed = busybox.build(text);
        failed.exits(1).stderr_has(word).stderr_has(&format!("Dockerfile:{line}"));
        assert!(!failed.stderr.contains("panicked"), "{}", failed.told());
    }
    busybox.build("").exits(1);
    let call = ["build", "-f", "/nowhere/Dockerfile", "."];
    busybox.run(call).exits(1).stderr_has("/nowhere/Dockerfile");
    busybox
        .run(["build", "--secret", "id=x", "."])
        .exits(1)
        .stderr_has("--secret is not supported");
}
