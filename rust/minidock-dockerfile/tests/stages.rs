//! The stage graph: bases, references, what a target needs.

use minidock_dockerfile::{
    Base, BuildArgs, Dockerfile, Instruction, Kind, PLATFORM_ARGS, PROXY_ARGS, Source, Stages,
    is_proxy_arg, platform_arg,
};

fn args(given: &[(&str, &str)], platform: &[(&str, &str)]) -> BuildArgs {
    let map =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    BuildArgs { given: map(given), platform: map(platform) }
}

fn stages(text: &str) -> Stages {
    stages_with(text, &BuildArgs::default())
}

fn stages_with(text: &str, args: &BuildArgs) -> Stages {
    let stages = Dockerfile::parse(text.as_bytes()).and_then(|file| file.stages(args));
    stages.unwrap_or_else(|error| panic!("{}", error.render("D")))
}

#[test]
fn bases() {
    let got = stages(
        "FROM scratch AS a\nFROM A AS b\nFROM b\nFROM node AS node\nFROM late\nFROM x AS late\n",
    );
    let bases: Vec<_> = got.list.iter().map(|stage| stage.base.clone()).collect();
    let image = |name: &str| Base::Image(name.into());
    // Own and later names are images, as in docker.
    assert_eq!(
        bases,
        [Base::Scratch, Base::Stage(0), Base::Stage(1), image("node"), image("late"), image("x")]
    );
}

#[test]
fn global_arguments() {
    let text = "ARG V=1 W=v$V\nARG NONE\nFROM a:$W$NONE AS x\nARG V\nFROM --platform=$BUILDPLATFORM b:${TARGETARCH}\n";
    let platform = [("BUILDPLATFORM", "linux/amd64"), ("TARGETARCH", "arm64")];
    let got = stages_with(text, &args(&[], &platform));
    assert_eq!(got.list[0].base, Base::Image("a:v1".into()));
    assert_eq!(got.list[0].used_args.iter().collect::<Vec<_>>(), ["W"]);
    assert_eq!(got.list[1].base, Base::Image("b:arm64".into()));
    assert_eq!(got.list[1].platform.as_deref(), Some("linux/amd64"));
    assert_eq!(got.global_args.get("W").map(String::as_str), Some("v1"));
    assert!(!got.global_args.contains_key("NONE"));

    let given =
        args(&[("V", "2"), ("NONE", "n"), ("TARGETARCH", "riscv64"), ("OTHER", "x")], &platform);
    let got = stages_with(text, &given);
    assert_eq!(got.list[0].base, Base::Image("a:v2n".into()));
    assert_eq!(got.list[1].base, Base::Image("b:riscv64".into()));
    assert!(!got.global_args.contains_key("OTHER"), "an undeclared argument is no global one");
}

#[test]
fn a_given_argument_needs_no_valid_default() {
    let text = "ARG V=${X:?required}\nFROM a:$V";
    assert_eq!(
        stages_with(text, &args(&[("V", "9")], &[])).list[0].base,
        Base::Image("a:9".into())
    );
}

#[test]
fn arguments_of_a_stage() {
    let file = Dockerfile::parse(
        b"ARG G=global\nARG BOTH=g\nFROM a\nARG G BOTH=own TARGETOS GIVEN=d NONE\n",
    )
    .unwrap();
    let args = args(&[("GIVEN", "x"), ("UNDECLARED", "y")], &[("TARGETOS", "linux")]);
    let stages = file.stages(&args).unwrap();
    let Kind::Arg(arg) = &file.instructions_of(&stages.list[0])[0].kind else { panic!() };
    let got: Vec<_> = arg.vars.iter().map(|var| stages.arg_value(var, &args)).collect();
    let want = [Some("global"), Some("own"), Some("linux"), Some("x"), None];
    assert_eq!(got, want.map(|value| value.map(str::to_owned)));
}

#[test]
fn references_are_resolved() {
    let text = "FROM a AS one\nFROM b\nCOPY --from=ONE x /\nCOPY --from=0 x /\nRUN --mount=from=one,target=/m x\n\
                COPY --from=alpine:3 x /\nCOPY y /\n";
    let got = stages(text);
    let list: Vec<_> =
        got.list[1].references.iter().map(|r| (r.instruction, r.source.clone())).collect();
    let stage = Source::Stage(0);
    assert_eq!(
        list,
        [(2, stage.clone()), (3, stage.clone()), (4, stage), (5, Source::Image("alpine:3".into()))]
    );
    assert_eq!(got.list[1].instructions, 2..7);
}

#[test]
fn triggers_of_a_base_stage_count_for_its_child() {
    let text = "FROM a AS src\nFROM b AS base\nONBUILD COPY --from=src x /\nFROM base\n";
    let got = stages(text);
    assert!(got.list[1].references.is_empty());
    assert_eq!(got.needed_stages(None).unwrap(), [0, 1, 2]);
    assert_eq!(got.needed_stages(Some("base")).unwrap(), [1]);
    // A trigger of an image is resolved by the same rules once it is known.
    let trigger = Instruction::parse_trigger("COPY --from=src x /").unwrap();
    assert_eq!(got.source(2, "src", &trigger).unwrap(), Source::Stage(0));
    assert!(got.source(0, "src", &trigger).is_err());
}

#[test]
fn only_what_a_target_needs() {
    let got = stages(
        "FROM a AS one\nFROM b AS two\nFROM one AS three\nFROM c AS four\nCOPY --from=two x /\nFROM three\nCOPY --from=3 y /\n",
    );
    for (target, want) in [
        (None, vec![0, 1, 2, 3, 4]),
        (Some("three"), vec![0, 2]),
        (Some("FOUR"), vec![1, 3]),
        (Some("3"), vec![1, 3]),
        (Some("one"), vec![0]),
    ] {
        assert_eq!(got.needed_stages(target).unwrap(), want, "{target:?}");
    }
    for bad in ["five", "5", "-1", "+1", "99999999999999999999999", ""] {
        let error = got.needed_stages(Some(bad)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no build stage {bad}; the stages are: one, two, three, four, 4")
        );
        assert_eq!(error.line(), None);
    }
}

#[test]
fn tables() {
    assert_eq!(PLATFORM_ARGS.len(), 8);
    assert_eq!(PROXY_ARGS.len(), 10);
    assert!(is_proxy_arg("http_proxy") && is_proxy_arg("ALL_PROXY") && !is_proxy_arg("Http_Proxy"));
    assert!(platform_arg("TARGETVARIANT").is_some() && platform_arg("HTTP_PROXY").is_none());
}

#[test]
fn ten_thousand_stages() {
    let mut text = String::from("FROM scratch AS s0\n");
    for n in 1..10_000 {
        text.push_str(&format!("FROM s{} AS s{n}\nCOPY --from=s0 a b\n", n - 1));
    }
    let got = stages(&text);
    assert_eq!(got.needed_stages(None).unwrap().len(), 10_000);
    assert_eq!(got.needed_stages(Some("s9")).unwrap().len(), 10);
}
