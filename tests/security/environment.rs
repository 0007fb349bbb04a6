//! R15: variables of an image are data, and the caller's variables stay outside.

use minidock_tests::Call;

use crate::places::{Everywhere, values};
use crate::tarball::Tarball;
use crate::world::World;

const SECRET: &str = "hunter2-of-the-host";

/// An archive as `docker save` writes it, with this configuration (a JSON object's inside).
pub(crate) fn archive(world: &World, layers: &[Tarball], config: &str) -> Vec<u8> {
    let mut archive = Tarball::new();
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for (number, layer) in layers.iter().enumerate() {
        let bytes = layer.finish();
        let sum = Call::new("sha256sum").dir(world.dir()).input(bytes.clone()).run();
        let sum = sum.succeeds().stdout.split(' ').next().unwrap().to_owned();
        ids.push(format!("\"sha256:{sum}\""));
        names.push(format!("\"{number}/layer.tar\""));
        archive = archive.file(&format!("{number}/layer.tar"), 0o644, &bytes);
    }
    let config = format!(
        "{{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{{{config}}},\
         \"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}}}",
        ids.join(",")
    );
    let manifest = format!(
        "[{{\"Config\":\"config.json\",\"RepoTags\":[\"loaded:latest\"],\"Layers\":[{}]}}]",
        names.join(",")
    );
    archive
        .file("config.json", 0o644, config.as_bytes())
        .file("manifest.json", 0o644, manifest.as_bytes())
        .finish()
}

#[test]
fn names_alone_in_an_images_env_take_nothing_from_the_caller() {
    let world = World::new();
    let config = "\"Env\":[\"*\",\"HOME\",\"AWS_*\",\"AWS_SECRET\",\"=x\",\"A\",\"\",\"KEPT=1\",\
                  \"REF=$AWS_SECRET\"]";
    let archive = archive(&world, &[Tarball::busybox()], config);
    world.call(["load"]).input(archive).run().succeeds();
    let secretive = |words: Vec<std::ffi::OsString>| {
        let mut words = words.into_iter();
        let bytes = std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe".to_vec());
        let bytes: std::ffi::OsString = bytes;
        Call::new(words.next().unwrap())
            .args(words)
            .env("HOME", world.canary.path())
            .env("AWS_SECRET", SECRET)
            .env("A", SECRET)
            .env("*", SECRET)
            .env("NOT_UTF8", bytes)
            .run()
    };
    let all = "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'";
    let line = "FROM loaded\nRUN cat /proc/*/environ | tr '\\0' '\\n' > /out\n";
    let context = world.context("env", line);
    let mut build = world.words(["build", "-t", "env"]);
    build.push(context.into_os_string());
    secretive(build).succeeds();
    let none = ["--network", "none"];
    let start = ["run", "-d", "--name", "env", none[0], none[1], "loaded", "sleep", "1000"];
    secretive(world.words(start)).succeeds();
    let outputs = [
        secretive(world.words(["run", "--rm", none[0], none[1], "loaded", "sh", "-c", all])),
        secretive(world.words(["exec", "env", "sh", "-c", all])),
        secretive(world.words(["run", "--rm", none[0], none[1], "env", "cat", "/out"])),
    ];
    world.run(["rm", "-f", "env"]).succeeds();
    for output in outputs {
        let text = &output.succeeds().stdout;
        assert!(!text.contains(SECRET), "{}", output.told());
        assert!(text.lines().any(|line| line == "KEPT=1"), "{}", output.told());
        assert!(text.lines().any(|line| line == "REF=$AWS_SECRET"), "{}", output.told());
        assert!(!text.contains(world.canary.text()), "{}", output.told());
        for wrong in ["*", "A", "=x", "AWS_*", "NOT_UTF8"] {
            let found = text.lines().any(|l| l == wrong || l.starts_with(&format!("{wrong}=")));
            assert!(!found, "{wrong}: {}", output.told());
        }
    }
    // The control: what is asked for by name does come in.
    let asked = ["run", "--rm", none[0], none[1], "-e", "AWS_SECRET", "loaded", "env"];
    secretive(world.words(asked)).succeeds().stdout_has(SECRET);
}

#[test]
fn every_place_has_the_images_variables_and_a_home() {
    let world = World::with_base();
    world.build(&world.context("env", "FROM base\nENV A=1 B=two\n"), "env").succeeds();
    let facts = Everywhere::probe(&world, &["--network", "none"], "env", &["facts"]);
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (place, text) in facts.each() {
        let mut found = values(text, "env");
        found.retain(|entry| !entry.starts_with("HOSTNAME="));
        found.sort_unstable();
        assert_eq!(found, ["A=1", "B=two", "HOME=/root", path], "in {place}");
    }
}

/// R22: a variable handed in by name is in the program's environment and nowhere else.
#[test]
fn variables_are_in_no_command_line_and_in_no_process_of_ours() {
    let world = World::with_base();
    // Told apart from other tests that run beside this one.
    let secret = format!("{SECRET}-{}", world.dir().display());
    let words = ["run", "-d", "--name", "env", "-e", "TOKEN", "base", "sleep", "1000"];
    world.call(words).env("TOKEN", &secret).run().succeeds();
    let pid = world.run(["inspect", "--format", "{{.State.Pid}}", "env"]);
    let (mut lines, mut environments) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let holds = |name: &str| {
            let bytes = std::fs::read(path.join(name)).unwrap_or_default();
            bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if holds("cmdline") {
            lines.push(name.clone());
        }
        if holds("environ") {
            environments.push(name);
        }
    }
    world.run(["rm", "-f", "env"]).succeeds();
    assert_eq!(lines, Vec::<String>::new());
    assert_eq!(environments, [pid.succeeds().line()]);
}
