//! Expansion: the forms of the Dockerfile reference, and which instructions they reach.

use std::collections::BTreeMap;

use minidock_dockerfile::{
    CommandLine, CopySource, Dockerfile, Escape, ExpandError, Instruction, Kind, Mode, expand,
};

fn env(name: &str) -> Option<String> {
    let value = match name {
        "a" => "foo",
        "b" => "x y",
        "empty" => "",
        "path" => "/usr/local/lib/x.tar.gz",
        "star" => "a*b*c",
        "uni" => "äöü",
        _ => return None,
    };
    Some(value.to_string())
}

fn word(text: &str) -> Result<String, ExpandError> {
    expand(text, &env, Escape::Backslash, Mode::Word).map(|mut out| out.words.remove(0))
}

#[test]
fn forms() {
    for (text, want) in [
        ("plain", "plain"),
        ("", ""),
        ("$a", "foo"),
        ("${a}", "foo"),
        ("$ab", ""),
        ("${a}b", "foob"),
        ("$a-$a", "foo-foo"),
        ("\\$a", "$a"),
        ("\\\\$a", "\\foo"),
        ("a\\b", "ab"),
        ("a\\", "a"),
        ("'$a'", "$a"),
        ("'a\\'", "a\\"),
        ("\"$a\"", "foo"),
        ("\"\\$a\"", "$a"),
        ("\"\\n\\\"\"", "\\n\""),
        ("\"'$a'\"", "'foo'"),
        ("'\"'", "\""),
        ("$", "$"),
        ("a$", "a$"),
        ("$ a", "$ a"),
        ("$1$a", "foo"),
        ("${no:-w}", "w"),
        ("${no-w}", "w"),
        ("${empty:-w}", "w"),
        ("${empty-w}", ""),
        ("${a:-w}", "foo"),
        ("${no:-}", ""),
        ("${no:+w}", ""),
        ("${a:+w}", "w"),
        ("${a+w}", "w"),
        ("${empty:+w}", ""),
        ("${empty+w}", "w"),
        ("${a:?e}", "foo"),
        ("${empty?e}", ""),
        ("${no:-${a}}", "foo"),
        ("${no:-${x:-${y:-z}}}", "z"),
        ("${no:-\"}\"}", "}"),
        ("${no:-\\}}", "}"),
        ("${path#/usr}", "/local/lib/x.tar.gz"),
        ("${path#*/}", "usr/local/lib/x.tar.gz"),
        ("${path##*/}", "x.tar.gz"),
        ("${path%.*}", "/usr/local/lib/x.tar"),
        ("${path%%.*}", "/usr/local/lib/x"),
        ("${path%/*}", "/usr/local/lib"),
        ("${path#nope}", "/usr/local/lib/x.tar.gz"),
        ("${path%nope}", "/usr/local/lib/x.tar.gz"),
        ("${no#x}", ""),
        ("${uni#?}", "öü"),
        ("${uni%?}", "äö"),
        ("${star#a\\*}", "b*c"),
        ("${star##*\\*}", "c"),
        ("${star%\\*?}", "a*b"),
        ("${a/o/0}", "f0o"),
        ("${a//o/0}", "f00"),
        ("${a//o/}", "f"),
        ("${path//\\//-}", "-usr-local-lib-x.tar.gz"),
        ("${path/*./X}", "Xgz"),
        ("${a/nope/x}", "foo"),
        ("${no//a/b}", ""),
        ("${a/f/$b}", "x yoo"),
        ("${a%${no:-o}}", "fo"),
    ] {
        assert_eq!(word(text).as_deref(), Ok(want), "{text}");
    }
}

#[test]
fn errors() {
    for (text, want) in [
        ("'x", "unterminated ' quote"),
        ("\"x", "unterminated \" quote"),
        ("${", "${ without }"),
        ("${a", "${ without }"),
        ("${a:", "${ without }"),
        ("${a:-x", "${ without }"),
        ("${a/x", "${ without }"),
        ("${a/x/", "${ without }"),
        ("${}", "${…} without a variable's name"),
        ("${{a}", "${…} without a variable's name"),
        ("${:-a}", "${…} without a variable's name"),
        ("${a^}", "unsupported modifier ^ in ${a^…}"),
        ("${a:x}", "unsupported modifier :x in ${a:x…}"),
        ("${no:?set it}", "no: set it"),
        ("${no?}", "no: is not allowed to be unset"),
        ("${empty:?}", "empty: is not allowed to be empty"),
        ("${a#\\x}", "invalid escape \\x in the pattern of ${a…}"),
    ] {
        assert_eq!(word(text).map_err(|e| e.to_string()), Err(want.to_string()), "{text}");
    }
}

#[test]
fn words_split_outside_quotes_only() {
    for (text, want) in [
        ("a b", vec!["a", "b"]),
        ("  a  ", vec!["a"]),
        ("$b", vec!["x", "y"]),
        ("\"$b\"", vec!["x y"]),
        ("a\\ b", vec!["a b"]),
        ("'a b' c", vec!["a b", "c"]),
        ("p$b", vec!["px", "y"]),
        ("$empty", vec![]),
    ] {
        let got = expand(text, &env, Escape::Backslash, Mode::Words).unwrap().words;
        assert_eq!(got, want, "{text}");
    }
}

#[test]
fn backtick_escapes_where_directed() {
    for (text, want) in [("`$a", "$a"), ("c:\\$a", "c:\\foo"), ("\"`\"\"", "\"")] {
        let got = expand(text, &env, Escape::Backtick, Mode::Word).unwrap().words;
        assert_eq!(got, [want], "{text}");
    }
}

#[test]
fn used_and_unset_names_are_recorded() {
    let out = expand("$a ${no:-$b} '$c' \\$d", &env, Escape::Backslash, Mode::Word).unwrap();
    assert_eq!(out.used.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(out.unset.iter().collect::<Vec<_>>(), ["no"]);
}

fn first(text: &str) -> Instruction {
    match Dockerfile::parse(text.as_bytes()) {
        Ok(mut file) => file.instructions.remove(0),
        Err(error) => panic!("{}", error.render("D")),
    }
}

#[test]
fn instructions_expand_what_the_reference_lists() {
    let rows: &[(&str, &str)] = &[
        ("WORKDIR /$a", "WORKDIR /foo"),
        ("WORKDIR $b", "WORKDIR \"x y\""),
        ("USER $a:${no:-grp}", "USER foo:grp"),
        ("ENV x=$a y=\"$b\"", "ENV x=foo y=\"x y\""),
        ("ENV x $b z", "ENV x \"x y z\""),
        ("LABEL $a=$a", "LABEL foo=foo"),
        ("ARG x=$a", "ARG x=foo"),
        ("VOLUME /$a /b", "VOLUME /foo /b"),
        ("STOPSIGNAL $a", "STOPSIGNAL foo"),
        (
            "COPY --chown=$a --chmod=$a --exclude=$a $a/* /$a/",
            "COPY --chown=foo --chmod=foo --exclude=foo foo/* /foo/",
        ),
        ("ADD --checksum=$a $a /$a", "ADD --checksum=foo foo /foo"),
        (
            "RUN --mount=target=/$a,id=$a,type=cache echo $a",
            "RUN --mount=target=/foo,id=foo,type=cache echo $a",
        ),
        ("FROM --platform=$a $a AS x", "FROM --platform=foo foo AS x"),
        ("CMD echo $a", "CMD echo $a"),
        ("ENTRYPOINT [\"$a\"]", "ENTRYPOINT [\"$a\"]"),
        ("HEALTHCHECK CMD $a", "HEALTHCHECK CMD $a"),
        ("ONBUILD ENV x=$a", "ONBUILD ENV x=$a"),
        ("MAINTAINER $a", "MAINTAINER $a"),
    ];
    for (text, same_as) in rows {
        let got = first(text).expand(&env).unwrap();
        // The right side goes through an expansion that knows no variable: it takes the quotes off,
        // and `$a` survives only where nothing is expanded.
        let want = first(same_as).expand(&|_| None).unwrap();
        match (&got.instruction.kind, &want.instruction.kind) {
            (Kind::Run(got), Kind::Run(want)) => {
                assert_eq!(got.command, CommandLine::Shell("echo $a".into()));
                let list = |run: &minidock_dockerfile::Run| {
                    run.mounts[0].options().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()
                };
                assert_eq!(list(got), list(want));
                assert_eq!(list(got)[0], "target=/foo");
            }
            (got, want) => assert_eq!(got, want, "{text}"),
        }
        assert_eq!(got.instruction.original, *text);
    }
    assert_eq!(
        first("WORKDIR /$a").expand(&env).unwrap().instruction.kind,
        Kind::Workdir("/foo".into())
    );
}

#[test]
fn expose_splits_and_checks_after_expansion() {
    let ports = |name: &str| (name == "P").then(|| "80 81/udp".to_string());
    let Kind::Expose(expose) = first("EXPOSE $P").expand(&ports).unwrap().instruction.kind else {
        panic!()
    };
    assert_eq!(expose.ports, ["80", "81/udp"]);
    let error = first("# x\n\nEXPOSE $a").expand(&env).unwrap_err();
    assert_eq!(error.to_string(), "line 3: EXPOSE: foo: a port is a number from 1 to 65535");
}

#[test]
fn env_uses_the_values_before_the_instruction() {
    // The example of the reference: `ENV abc=hello`, `ENV abc=bye def=$abc`, `ENV ghi=$abc`.
    let file = Dockerfile::parse(b"ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n").unwrap();
    let mut vars: BTreeMap<String, String> = BTreeMap::new();
    for instruction in &file.instructions {
        let expanded = instruction.expand(&|name| vars.get(name).cloned()).unwrap();
        let Kind::Env(pairs) = expanded.instruction.kind else { panic!() };
        vars.extend(pairs.into_iter().map(|pair| (pair.name, pair.value)));
    }
    let get = |name: &str| vars.get(name).map(String::as_str);
    assert_eq!((get("abc"), get("def"), get("ghi")), (Some("bye"), Some("hello"), Some("bye")));
}

#[test]
fn heredoc_bodies_of_copy_expand_unless_quoted() {
    let body = |text: &str| match first(text).expand(&env).unwrap().instruction.kind {
        Kind::Copy(copy) => match copy.sources.into_iter().next() {
            Some(CopySource::Heredoc(heredoc)) => heredoc.body(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(body("COPY <<E /x\n'$a' \"$a\" \\$a it's\nE\n"), "'foo' \"foo\" $a it's\n");
    assert_eq!(body("COPY <<'E' /x\n$a \\$a\nE\n"), "$a \\$a\n");
    assert_eq!(body("COPY <<-E /x\n\t$a\n\tE\n"), "foo\n");
}

#[test]
fn expansion_errors_have_their_line() {
    let file = Dockerfile::parse(b"FROM a\nENV x=1 \\\n  y=${z:?needed}\n").unwrap();
    let error = file.instructions[1].expand(&|_| None).unwrap_err();
    assert_eq!(error.render("D").lines().next(), Some("D:3: z: needed"));
    let error = first("COPY \"a b\" c").expand(&env).unwrap_err();
    assert!(error.hint().contains("JSON"), "{}", error.hint());
}
