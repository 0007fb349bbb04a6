//! Tests of whole builds that make no files: no process is started for them.

use std::sync::Mutex;

use minidock_image::config::ImageConfig;

use super::*;
use crate::engine::EngineOptions;
use crate::registry::PullPolicy;

struct Bench {
    _dir: tempfile::TempDir,
    engine: Engine,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = EngineOptions {
            root: Some(dir.path().join("store")),
            // Whatever would start it fails.
            runtime: Some(dir.path().join("no-runtime")),
            ..EngineOptions::default()
        };
        let engine = Engine::open(&options).unwrap();
        Self { _dir: dir, engine }
    }

    fn build(
        &self,
        text: &str,
        change: impl FnOnce(&mut BuildOptions),
    ) -> (Result<Built>, Vec<BuildEvent>) {
        let mut options = BuildOptions::new(ContextSource::Empty);
        options.dockerfile = Some(DockerfileSource::Text(text.as_bytes().to_vec()));
        change(&mut options);
        let events = Mutex::new(Vec::new());
        let built = self.engine.build(&options, &|event| events.lock().unwrap().push(event));
        (built, events.into_inner().unwrap())
    }

    fn config(&self, id: &Digest) -> ImageConfig {
        ImageConfig::from_json(&self.engine.store().image(id).unwrap().config).unwrap()
    }
}

const SETTINGS: &str = "ARG N=1\nFROM scratch AS base\nARG N\nENV A=$N\nCMD [\"base\"]\n\
                        FROM scratch AS other\nLABEL never=built\n\
                        FROM base\nLABEL b=$A\nENTRYPOINT [\"/e\"]\nONBUILD LABEL t=$A\n";

#[test]
fn settings_become_an_image() {
    let bench = Bench::new();
    let (built, events) = bench.build(SETTINGS, |options| {
        options.tags.push("app:1".parse().unwrap());
        options.labels.insert("from".into(), "outside".into());
        options.build_args.insert("N".into(), "7".into());
        options.build_args.insert("M".into(), "8".into());
    });
    let built = built.unwrap();
    let config = bench.config(&built.id);
    assert!(config.config.env.contains(&"A=7".to_owned()));
    assert_eq!(config.config.labels["b"], "7");
    assert_eq!(config.config.labels["from"], "outside");
    assert!(!config.config.labels.contains_key("never"));
    // ENTRYPOINT drops a CMD that was inherited.
    assert_eq!((config.config.entrypoint.unwrap(), config.config.cmd), (vec!["/e".into()], None));
    let lines: Vec<&str> = config.history.iter().map(|h| h.created_by.as_str()).collect();
    assert_eq!(
        lines,
        [
            "ARG N=7",
            "ENV A=7",
            "CMD [\"base\"]",
            "LABEL b=7",
            "ENTRYPOINT [\"/e\"]",
            "ONBUILD LABEL t=$A"
        ]
    );
    assert!(config.history.iter().all(|h| h.empty_layer));
    assert_eq!(bench.engine.store().resolve_image("app:1").unwrap(), built.id);
    let warned = |event: &&BuildEvent| matches!(event, BuildEvent::Warning { text } if text.contains("--build-arg M"));
    assert_eq!(events.iter().filter(warned).count(), 1);
    let steps =
        events.iter().filter(|event| matches!(event, BuildEvent::StepStarted { total: 8, .. }));
    assert_eq!(steps.count(), 8);
    assert!(matches!(events.last(), Some(BuildEvent::Finished { id, .. }) if *id == built.id));
    // Triggers of an image run right after FROM, and are not handed on.
    let (next, _) = bench.build("FROM app:1\n", |_| {});
    let next = bench.config(&next.unwrap().id);
    assert_eq!(next.config.labels["t"], "7");
    assert!(next.config.on_build.is_empty());
}

#[test]
fn the_same_build_gives_the_same_image() {
    let bench = Bench::new();
    let build = |change: fn(&mut BuildOptions)| bench.build(SETTINGS, change).0.unwrap().id;
    let first = build(|_| {});
    assert_eq!(build(|_| {}), first);
    assert_eq!(build(|options| options.no_cache = true), first);
    assert_ne!(build(|options| options.target = Some("base".into())), first);
    assert_eq!(bench.engine.store().images().unwrap().len(), 2);
    // A name that is new is given, and an image without names keeps none.
    build(|options| options.tags.push("x".parse().unwrap()));
    assert_eq!(bench.engine.store().resolve_image("x").unwrap(), first);
}

#[test]
fn errors_show_their_place() {
    let bench = Bench::new();
    for (text, kind, begins) in [
        ("FROM nothing:1\n", ErrorKind::NotFound, "-:1: image \"nothing:1\" is not here"),
        ("FROM scratch\nCOPY a b\n", ErrorKind::InvalidInput, "-:2: the build has no context"),
        ("FROM scratch\nSTOPSIGNAL x\n", ErrorKind::InvalidInput, "-:2: \"x\" is not a signal"),
        (
            "FROM --platform=linux/none scratch\n",
            ErrorKind::InvalidInput,
            "-:1: building for linux/none",
        ),
        ("FROM scratch\nENV A=${B:?gone}\n", ErrorKind::InvalidInput, "-:2: B: gone"),
    ] {
        let error = bench.build(text, |options| options.pull = PullPolicy::Never).0.unwrap_err();
        assert!(error.to_string().starts_with(begins), "{text}: {error}");
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.excerpt().is_some(), "{text}");
    }
    let error = bench.build(SETTINGS, |o| o.target = Some("none".into())).0.unwrap_err();
    assert!(error.to_string().starts_with("-: no build stage none"), "{error}");
    // Nothing is left by what failed.
    assert!(bench.engine.store().images().unwrap().is_empty());
    assert!(bench.engine.store().check(false).unwrap().findings.is_empty());
}

#[test]
fn a_cancelled_build_stops() {
    let bench = Bench::new();
    let error = bench.build(SETTINGS, |options| options.cancel.cancel()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(bench.engine.store().images().unwrap().is_empty());
}

#[test]
fn what_is_unset_is_told_unless_it_has_a_default() {
    let bench = Bench::new();
    let (built, events) = bench.build("FROM scratch\nENV A=$X B=${Y:-y} C=${Z+z}\n", |_| {});
    built.unwrap();
    let texts: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            BuildEvent::Warning { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["-:2: $X is not set and becomes empty"]);
}
